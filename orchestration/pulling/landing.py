"""Pages and files of a walk in the landing zone: as they came, under a temporary name until they are whole, and never
over another."""

import csv
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from orchestration.config.settings import Settings
from orchestration.landing.landing_zone import FULL_MARKER
from orchestration.pulling import paging
from orchestration.pulling.configuration import Unit, file_name
from orchestration.pulling.streams import Listing
from orchestration.pulling.walk_log import Walk
from orchestration.runtime.durable_files import sync
from orchestration.runtime.failpoints import pass_point

UNFINISHED = ".part"


def folder_of(settings: Settings, unit: Unit, walk: Walk) -> Path:
    """Where the pages of a walk land: one folder a walk and part, also past midnight."""
    folder = settings.landing / unit.feed / unit.stream / walk.export_date.isoformat()
    return folder / (f"{walk.folder_name}-{file_name(unit.part)}" if unit.part else walk.folder_name)


def land_page(folder: Path, number: int, content: bytes) -> int:
    """Puts a page beside the others; returns the number it has. The same page again, after a kill, is the one that lies
    there."""
    folder.mkdir(parents=True, exist_ok=True)
    while (target := folder / f"page-{number:05d}.json").exists():
        if target.read_bytes() == content:
            return number
        number += 1
    _write(target, content)
    return number


def is_page(folder: Path, number: int, content: bytes) -> bool:
    """The page of that number is the very same."""
    path = folder / f"page-{number:05d}.json"
    return path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content


def has_page(folder: Path, content: bytes) -> bool:
    """The very same page has landed in this walk."""
    return any(
        path.stat().st_size == len(content) and path.read_bytes() == content for path in folder.glob("page-*.json")
    )


def file_to_land(folder: Path, name: str) -> Path:
    """Where a file is written to before `finish` gives it the name that the vendor gave it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / (re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-") + UNFINISHED)


def finish(path: Path) -> None:
    """Gives a file that is whole its name."""
    sync(path)
    pass_point("file_is_whole")
    os.replace(path, path.with_suffix(""))


def rows_of_table(path: Path) -> int:
    """Records of a CSV file, packed or not; none if it cannot be read, which loading reports."""
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            return max(sum(1 for row in csv.reader(file) if row) - 1, 0)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        return 0


def sweep(folder: Path) -> None:
    """Deletes what a killed process left unfinished."""
    for path in folder.glob(f"*{UNFINISHED}"):
        path.unlink()


def mark_full(folder: Path) -> None:
    """Says of the whole export date that who is left out of it is gone."""
    (folder.parent / FULL_MARKER).touch()


def distinct(folder: Path, listing: Listing) -> tuple[int, str]:
    """How many different records the pages of a walk hold, and a hash that is the same for the same ones."""
    ids = {_id(row) for row in rows(folder, listing)}
    digest = hashlib.sha256()
    for one in sorted(ids):
        digest.update(one + b"\n")
    return len(ids), digest.hexdigest()


def were_missed(folder: Path, listing: Listing, pages_before: int, since: datetime | None) -> bool:
    """The pages after the first so many hold records that are in none of those, and that have not changed since
    either."""
    before = {_id(row) for row in rows(folder, listing, last=pages_before)}
    return any(
        _id(row) not in before and not _is_newer(listing, row, since)
        for row in rows(folder, listing, first=pages_before + 1)
    )


def rows(folder: Path, listing: Listing, *, first: int = 1, last: int | None = None) -> Iterator[Any]:
    """The records of the pages of a walk."""
    for path in sorted(folder.glob("page-*.json")):
        if first <= int(path.stem.removeprefix("page-")) and (
            last is None or int(path.stem.removeprefix("page-")) <= last
        ):
            yield from paging.read(listing, msgspec.json.decode(path.read_bytes())).rows


def _is_newer(listing: Listing, row: Any, since: datetime | None) -> bool:
    moment = paging.updated_at(listing, row)
    return since is not None and moment is not None and moment > since


def _id(row: Any) -> bytes:
    """The id of a record, else the record itself."""
    found = (
        next((row[name] for name in ("id", "contactID") if row.get(name) is not None), None)
        if isinstance(row, dict)
        else None
    )
    return msgspec.json.encode(row if found is None else found)


def _write(target: Path, content: bytes) -> None:
    beside = target.with_name(target.name + UNFINISHED)
    # On the disk before the log says so: after a power loss an empty page would pass for an empty delivery.
    beside.write_bytes(content)
    sync(beside)
    pass_point("page_is_written")
    os.replace(beside, target)
    pass_point("page_has_landed")
