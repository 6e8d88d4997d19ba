"""The published warehouse beside the build file: attached, looked at, and inherited from. Making and going back is `publish.py`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.config.settings import Settings
from orchestration.warehouse.duckdb_session import attach


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[bool]:
    """Attaches the published file as `published`, or a copy of it while somebody has opened it for writing."""
    if not settings.published_file.exists():
        yield False
        return
    copy = settings.spill / "published.duckdb"
    try:
        attach(con, settings.published_file, "published")
    except duckdb.IOException:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.published_file, copy)
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
