"""Who may read what: all that the program writes is its user's alone, but for the published file and its copies.

`keep_private` is called once, where a program begins, and covers what DuckDB, dbt and Dagster write too. The published
file may be read by whoever the umask that the program was started with lets read, or as `published_file_mode` says;
then the data folder lets those pass.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.config.settings import Settings

PRIVATE = 0o077
READABLE = 0o444
# Programs that this one starts inherit its umask; what the first of them was started with is handed on here.
GIVEN = "C360_UMASK"


def keep_private() -> None:
    """From here on this process and those it starts make files with 0600 and folders with 0700."""
    before = os.umask(PRIVATE)
    os.environ.setdefault(GIVEN, f"{before:03o}")


def of_published(settings: "Settings") -> int:
    """The mode of the published file and of its copies."""
    chosen = settings.options.published_file_mode
    return int(chosen, 8) if chosen else READABLE & ~_given()


def tighten(settings: "Settings") -> None:
    """Makes the data folder, its configuration and the folders of the program's own private, whoever made them, and
    gives what is published already the rights that the settings name; what belongs to another user stays as it is."""
    chosen = int(settings.options.published_file_mode or "0", 8)
    passing = (0o010 if chosen & 0o040 else 0) | (0o001 if chosen & 0o004 else 0)
    for path, mode in (
        (settings.data, 0o700 | passing),
        *((folder, 0o700) for folder in (settings.internal, settings.build_file.parent, settings.publications)),
    ):
        if path.is_dir():
            _give(path, mode)
    if settings.config.is_dir():
        # A configuration that is mounted read-only has the rights of whoever mounted it.
        with suppress(OSError):
            _give(settings.config, 0o700)
    if chosen:
        for path in (settings.published_file, *settings.publications.glob("*/warehouse.duckdb")):
            if path.is_file():
                _give(path, chosen)


def _give(path: Path, mode: int) -> None:
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)


def _given() -> int:
    text = os.environ.get(GIVEN, "")
    if text and set(text) <= set("01234567"):
        return int(text, 8)
    now = os.umask(PRIVATE)
    os.umask(now)
    return now
