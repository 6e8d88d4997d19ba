"""A warehouse file once more: copied, less the tables that are not wanted, or its rows written anew, with nothing in
the new file that was deleted."""

import shutil
from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.config.settings import STORAGE_VERSION, Settings
from orchestration.warehouse import file_soundness
from orchestration.warehouse.duckdb_session import attach, quoted, quoted_name

# Of a copy this share may be free space, where the schemas that are not wanted were: to write the rows once more costs
# seven times as much.
_MOST_FREE = 0.6


def write_copy(source: Path, target: Path, settings: Settings, *, schemas: Collection[str]) -> None:
    """Writes those schemas of a warehouse file, which nobody holds open, into a new file.

    All of it is read once, so that nothing damaged is handed on: DuckDB checks every block that it reads. Free space of
    the new file holds what it held in the source, unless there is too much of it.
    """
    shutil.copyfile(source, target)
    with duckdb.connect(str(target), config=settings.duckdb_config) as con:
        _drop_others(con, target.stem, schemas)
        con.execute("force checkpoint")
        [(used,)] = con.execute(
            "select used_blocks * block_size from pragma_database_size() where database_name = current_database()"
        ).fetchall()
        is_mostly_free = target.stat().st_size * (1 - _MOST_FREE) > used
        if not is_mostly_free:
            file_soundness.read_all(con)
    if is_mostly_free:
        target.unlink()
        write_anew(source, target, settings, schemas=schemas)


def write_anew(source: Path, target: Path, settings: Settings, *, schemas: Collection[str] | None = None) -> None:
    """Writes a warehouse's tables, views and comments into a new file: those of the schemas, or all; rows stay in their
    order."""
    # One setting differs from that of other connections, and a process may open one file with one set of settings only.
    with duckdb.connect(config={**settings.duckdb_config, "preserve_insertion_order": True}) as con:
        attach(con, source, "old")
        con.execute(f"attach {quoted(str(target))} as new (storage_version {quoted(STORAGE_VERSION)})")
        con.execute("copy from database old to new (schema)")
        if schemas is not None:
            _drop_others(con, "new", schemas)
        tables = con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'new'")
        for schema, table in tables.fetchall():
            name = f"{quoted_name(schema)}.{quoted_name(table)}"
            con.execute(f"insert into new.{name} from old.{name}")
        con.execute("force checkpoint new")
        con.execute("detach new")


def _drop_others(con: duckdb.DuckDBPyConnection, database: str, schemas: Collection[str]) -> None:
    found = con.execute(
        "select schema_name from duckdb_schemas() where database_name = $1 and not internal", [database]
    )
    for (schema,) in found.fetchall():
        if schema not in schemas:
            con.execute(f"drop schema {quoted_name(database)}.{quoted_name(schema)} cascade")
