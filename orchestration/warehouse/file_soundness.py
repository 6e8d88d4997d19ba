"""Whether a database file can be trusted, and what becomes of one that cannot: it is moved aside, never overwritten."""

import os
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.errors import Cause, cause_of
from orchestration.warehouse.duckdb_session import attach, has_table, quoted_name

MAGIC, MAGIC_AT = b"DUCK", 8
LOOKED_AT = 4096
ASIDE = ".damaged"
# What every warehouse of ours holds, of whatever version.
OURS = (("marts", "dim_customers"), ("meta", "loads"))

Verdict = Literal["sound", "damaged", "foreign", "empty"] | Cause


def verdict(path: Path, settings: Settings) -> Verdict:
    """What is to be thought of a file under one of our names; anything that is not about the file itself is raised."""
    if not path.is_file():
        return "foreign"
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
    if not any(head):
        return "damaged"  # nothing is in it: a power loss leaves files that are empty or full of zeros
    if head[MAGIC_AT : MAGIC_AT + len(MAGIC)] != MAGIC:
        return "foreign"  # it is not even opened: the engine would fetch an extension for some
    try:
        # Attached rather than connected to: a process may connect to one file with one set of settings only, and a
        # reader may have its own.
        with duckdb.connect(config=settings.duckdb_config) as con:
            attach(con, path, "looked_at")
            con.execute("use looked_at")
            if any(has_table(con, schema, table) for schema, table in OURS):
                return "sound"
            return (
                "foreign"
                if con.execute("select 1 from duckdb_tables() where database_name = 'looked_at' limit 1").fetchone()
                else "empty"
            )
    except duckdb.Error as error:
        cause = cause_of(error)
        if cause in ("damaged", "in_use", "newer"):
            return cause
        raise


def is_ours(path: Path, settings: Settings) -> bool:
    """A warehouse of ours that can be opened."""
    return path.exists() and verdict(path, settings) == "sound"


def can_be_read(path: Path, settings: Settings) -> bool:
    """Every block of the file is what its checksum says: reads all of it."""
    try:
        with duckdb.connect(str(path), read_only=True, config=settings.duckdb_config) as con:
            read_all(con)
    except duckdb.Error as error:
        return cause_of(error) != "damaged"
    return True


def read_all(con: duckdb.DuckDBPyConnection) -> None:
    """Reads every row of the connection's own database; raises what DuckDB says of a block that is damaged, for it
    checks each that it reads."""
    for schema, table in con.execute(
        "select schema_name, table_name from duckdb_tables() where not temporary and database_name = current_database()"
    ).fetchall():
        con.execute(
            f"select bit_xor(hash(whole_row)) from {quoted_name(schema)}.{quoted_name(table)} as whole_row"
        ).fetchall()


def move_aside(path: Path) -> Path:
    """Takes a damaged file and its log out of the way; where it is now. Of several only the last is kept."""
    aside = path.with_name(path.name + ASIDE)
    for ending in ("", ".wal"):
        if path.with_name(path.name + ending).exists():
            os.replace(path.with_name(path.name + ending), aside.with_name(aside.name + ending))
    return aside
