"""A warehouse file written anew: of the schemas that are wanted, and of nothing that was deleted."""

from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.config.settings import STORAGE_VERSION, Settings
from orchestration.warehouse.duckdb_session import attach, quoted


def write_anew(source: Path, target: Path, settings: Settings, *, schemas: Collection[str] | None = None) -> None:
    """Writes a warehouse's tables, views and comments into a new file: those of the schemas, or all; rows stay in their
    order."""
    # One setting differs from that of other connections, and a process may open one file with one set of settings only.
    with duckdb.connect(config={**settings.duckdb_config, "preserve_insertion_order": True}) as con:
        attach(con, source, "old")
        con.execute(f"attach {quoted(str(target))} as new (storage_version {quoted(STORAGE_VERSION)})")
        con.execute("copy from database old to new (schema)")
        found = con.execute("select schema_name from duckdb_schemas() where database_name = 'new' and not internal")
        for (schema,) in found.fetchall():
            if schemas is not None and schema not in schemas:
                con.execute(f'drop schema new."{schema}" cascade')
        tables = con.execute("select schema_name, table_name from duckdb_tables() where database_name = 'new'")
        for schema, table in tables.fetchall():
            con.execute(f'insert into new."{schema}"."{table}" from old."{schema}"."{table}"')
        con.execute("force checkpoint new")
        con.execute("detach new")
