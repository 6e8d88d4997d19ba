"""Two warehouses compared table by table in the database itself: names and types of columns, and rows in whatever order."""

from collections.abc import Collection
from pathlib import Path

import duckdb

DIGITS = 9
MADE = ("identity", "orders", "internal", "marts", "meta")
# What says something of runs and of when something came.
OF_RUNS = ("meta.runs", "meta.identity_events", "meta.loads")


def differences(one: Path, other: Path, schemas: Collection[str] = MADE) -> dict[str, str]:
    """What is not the same, by table; doubles are compared to nine digits. Both hold the same tables, and some rows."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
        tables = {name: _tables(con, name, schemas) for name in ("one", "other")}
        assert tables["one"].keys() == tables["other"].keys()
        assert len(tables["one"]) > 80 or set(schemas) != set(MADE)
        found = {
            table: _difference(con, table, *(tables[name][table] for name in ("one", "other")))
            for table in tables["one"]
        }
    return {table: what for table, what in found.items() if what}


def _tables(con: duckdb.DuckDBPyConnection, database: str, schemas: Collection[str]) -> dict[str, dict[str, str]]:
    rows = con.execute(
        "select concat(schema_name, '.', table_name), column_name, data_type from duckdb_columns() "
        "where database_name = $1 and schema_name in $2 and not internal "
        "and (schema_name <> 'internal' or starts_with(table_name, 'int_')) order by column_index",
        [database, list(schemas)],
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        if table not in OF_RUNS:
            found.setdefault(table, {})[column] = kind
    return found


def _difference(con: duckdb.DuckDBPyConnection, table: str, one: dict[str, str], other: dict[str, str]) -> str:
    if one != other:
        return f"columns {set(one.items()) ^ set(other.items())}"
    columns = ", ".join(f'round("{name}", {DIGITS})' if kind == "DOUBLE" else f'"{name}"' for name, kind in one.items())
    counts = [
        con.execute(
            f"select count(*) from (select {columns} from {left}.{table} except all select {columns} from {right}.{table})"
        ).fetchone()
        for left, right in (("one", "other"), ("other", "one"))
    ]
    return "" if counts == [(0,), (0,)] else f"rows only in the one and only in the other: {counts}"
