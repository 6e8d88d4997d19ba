"""The published warehouse beside the build file: attached, looked at, and inherited from. Making and going back is
`publish.py`."""

import itertools
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.config.settings import Settings
from orchestration.warehouse import file_soundness
from orchestration.warehouse.duckdb_session import attach

WITHDRAWN = "withdrawn"
BEGUN = "begun-"


def folders(settings: Settings) -> list[Path]:
    """Folders of publications that were swapped in, oldest first."""
    found = [
        folder
        for folder in settings.publications.glob("*/")
        if not folder.name.startswith(BEGUN) and (folder / "warehouse.duckdb").exists()
    ]
    return sorted(found, key=lambda folder: (number_of(folder), folder.name))


def number_of(folder: Path) -> int:
    """The number in a folder's name; earlier versions wrote the moment there, which orders as well."""
    return int("0" + "".join(re.findall("[0-9]", folder.name.removeprefix(BEGUN).partition("-")[0])))


def _to_look_into(settings: Settings) -> Path | None:
    """The published file; where it is lost, the newest one kept that was not taken back and can be opened."""
    if settings.published_file.exists():
        return settings.published_file
    kept = (folder / "warehouse.duckdb" for folder in reversed(folders(settings)) if not (folder / WITHDRAWN).exists())
    return next((path for path in kept if file_soundness.is_ours(path, settings)), None)


def taken_back(settings: Settings) -> Path | None:
    """The newest warehouse that a rollback took back and that nothing was published after: it knows of deliveries that
    the published one does not. None where there is none that can be opened."""
    newest_first = reversed(folders(settings))
    withdrawn = itertools.takewhile(lambda folder: (folder / WITHDRAWN).exists(), newest_first)
    files = (folder / "warehouse.duckdb" for folder in withdrawn)
    return next((path for path in files if file_soundness.is_ours(path, settings)), None)


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[bool]:
    """Attaches the published file, or the newest kept one, as `published`; a copy of it while somebody has opened it
    for writing."""
    path = _to_look_into(settings)
    if path is None:
        yield False
        return
    copy = settings.spill / "published.duckdb"
    try:
        attach(con, path, "published")
    except duckdb.IOException:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        attach(con, copy, "published")
    try:
        yield True
    finally:
        con.execute("detach published")
        copy.unlink(missing_ok=True)


def has(con: duckdb.DuckDBPyConnection, schema: str, table: str, *columns: str) -> bool:
    """The attached published warehouse has this table, with these columns: another version may have built it."""
    known = _columns(con, "published", schema, table)
    return bool(known) and known.issuperset(columns)


def inherit(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Takes the rows of a table of the attached published warehouse over: the columns that this version knows too."""
    [(catalog,)] = con.execute("select current_database()").fetchall()
    shared = sorted(_columns(con, "published", schema, table) & _columns(con, catalog, schema, table))
    if shared:
        con.execute(f"insert into {schema}.{table} by name select {', '.join(shared)} from published.{schema}.{table}")


def _columns(con: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str) -> set[str]:
    query = "select column_name from duckdb_columns() where database_name = $1 and schema_name = $2 and table_name = $3"
    return {name for (name,) in con.execute(query, [catalog, schema, table]).fetchall()}
