"""The build file of an installation: what runs write, and nobody else reads. How it is opened, made, and known to be of
this version."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.durable_files import sync
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse import copying, deleted_rows
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


def holds_deleted_rows(settings: Settings) -> bool:
    """Something of it may have been deleted that can still be read in the file."""
    with connect(settings) as con:
        return deleted_rows.may_be_held(con)


def checkpoint(settings: Settings) -> None:
    """Brings what the log beside the build file holds into the file."""
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("force checkpoint")


def write_anew(settings: Settings) -> None:
    """Replaces the build file, which nobody holds open, by one with nothing in it but what its tables hold."""
    new = settings.anew_file
    shutil.rmtree(new.parent, ignore_errors=True)
    new.parent.mkdir(parents=True)
    checkpoint(settings)
    copying.write_anew(settings.build_file, new, settings)
    with duckdb.connect(str(new), config=settings.duckdb_config) as con:
        deleted_rows.are_gone(con)
        con.execute("force checkpoint")
    sync(new)
    pass_point("before_new_build_file")
    os.replace(new, settings.build_file)
    settings.build_file.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
    sync(settings.build_file.parent)
    shutil.rmtree(new.parent, ignore_errors=True)
    pass_point("after_new_build_file")


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
