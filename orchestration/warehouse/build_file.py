"""The build file of an installation: what runs write, and nobody else reads. How it is opened, made, and known to be of
this version."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.config.settings import Settings
from orchestration.warehouse.ddl import AUDIT_DDL, staging_ddl
from orchestration.warehouse.duckdb_session import has_table, transaction
from orchestration.warehouse.fingerprints import made_by


@contextmanager
def connect(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the build file, with staging and the load log in place; always closed."""
    path = settings.build_file
    path.parent.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(path), read_only=read_only, config=settings.duckdb_config)
    try:
        con.execute("set TimeZone = 'UTC'")
        if not read_only and not has_table(con, "internal", "made_by"):
            _create(con, settings)
        yield con
    finally:
        con.close()


def is_of_this_version(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """The build file was made by this very code and these settings."""
    row = (
        con.execute("select fingerprint from internal.made_by").fetchone()
        if has_table(con, "internal", "made_by")
        else None
    )
    return row is not None and row[0] == made_by(settings)


def _create(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    with transaction(con):
        con.execute(AUDIT_DDL + staging_ddl())
        con.execute("create table internal.outdone as from staging.customers limit 0")
        con.execute("create table internal.made_by as select $1 as fingerprint", [made_by(settings)])
