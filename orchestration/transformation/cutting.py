"""Cuts the rows that a part of the data consists of, with all rules, out of one warehouse into another.

A temp table `affected_keys` lists the change keys of the part, `affected_records` the numbers of its records.
"""

from collections.abc import Collection, Iterable, Mapping

import duckdb

from orchestration.canonical.tables import TABLES
from orchestration.warehouse.change_keys import (
    CHANGE_KEYS,
    EVENT,
    LOYALTY,
    OWNER,
    RECORD,
    REDEMPTION,
    REVIEW,
    VENDOR_ORDER,
    first_of,
)

_IS_AFFECTED = "({}) in (select change_key from affected_keys)"
# Which rows of a model are of the part, by the column that the model is renewed by.
RENEWED = {
    **dict.fromkeys(("record_no", "node", "contact_no"), "{} in (select record_no from affected_records)"),
    "customer_id": "{} in (select customer_id from affected_customers)",
    "order_id": "{} in (select order_id from affected_orders)",
    "source_record_id": _IS_AFFECTED.format(RECORD),
    "owner_record_id": _IS_AFFECTED.format(OWNER),
    "source_order_id": _IS_AFFECTED.format(VENDOR_ORDER),
    "event_id": _IS_AFFECTED.format(EVENT),
    "review_id": _IS_AFFECTED.format(REVIEW),
    "redemption_id": _IS_AFFECTED.format(REDEMPTION),
    "account_id": _IS_AFFECTED.format(LOYALTY),
}
# What models read beside staging and rules.
ALWAYS = ("internal.run_settings", "internal.anonymous_orders", "meta.deliveries")


def list_affected_records(con: duckdb.DuckDBPyConnection, source: str = "warehouse") -> None:
    """Lists the numbers of the records that are affected."""
    con.execute(
        f"create or replace temp table affected_records as select record_no from {source}.internal.int_records where"
        f" {RENEWED['source_record_id']}"
    )


def renewed(column: str) -> str:
    """SQL of what selects rows of the part, by the column that their model is renewed by."""
    return RENEWED[column].format(column)


def cut_out(
    con: duckdb.DuckDBPyConnection,
    source: str,
    target: str,
    *,
    models: Mapping[str, str] | None = None,
    with_keyless: bool = False,
    seen: Collection[str] = (),
) -> None:
    """Copies rows of staging, rules and audit tables from one database of the connection to the other; of `models`
    those for which the condition beside them holds; with rows that have no change key, if asked to. Of the schemas
    that are only to be `seen` nothing is copied: there are views, as long as both databases are attached."""
    rules = con.execute(
        "select table_name from duckdb_tables() where schema_name = 'seeds' and database_name = $1", [source]
    ).fetchall()
    copied = {f"seeds.{name}": "true" for (name,) in rules} | dict.fromkeys(ALWAYS, "true")
    copied |= {f"staging.{table}": _rows_of(table, with_keyless=with_keyless) for table in TABLES}
    copied |= models or {}
    for schema in _schemas(copied):
        con.execute(f"create schema if not exists {target}.{schema}")
    for table, condition in copied.items():
        kind = "view" if table.split(".")[0] in seen else "table"
        con.execute(f"create {kind} {target}.{table} as select * from {source}.{table} where {condition}")


def _rows_of(table: str, *, with_keyless: bool) -> str:
    if table not in CHANGE_KEYS:
        return "false"
    first = first_of(table)
    return f"({first}) in (select change_key from affected_keys)" + (f" or ({first}) is null" if with_keyless else "")


def _schemas(tables: Iterable[str]) -> list[str]:
    return sorted({table.split(".")[0] for table in tables})
