"""What ties rows of staging together: rows that share no tie, be it through others, never decide about each other.

A tie is a number, the hash of something that a row names: a vendor's record, an identifier, an order. Whatever has a
tie that changed since the last night is computed anew, and nothing else (see `incremental.py`).
"""

from collections.abc import Collection, Sequence

import duckdb

from orchestration.canonical.tables import TABLES


def tie(kind: str, column: str, *, prefix: str = "") -> str:
    """SQL of the tie that a column names at a vendor's account, null where it is null; `prefix` begins the names of all
    columns."""
    return (
        f"case when {prefix}{column} is not null then hash('{kind}', {prefix}source, {prefix}source_account,"
        f" {prefix}{column}) end"
    )


RECORD, OWNER = tie("record", "source_record_id"), tie("record", "owner_record_id")
VENDOR_ORDER = tie("vendor order", "source_order_id")
EVENT, ADJUSTMENT = tie("event", "event_id"), tie("adjustment", "adjustment_id")
REDEMPTION, ROLLED_BACK = tie("redemption", "redemption_id"), tie("redemption", "parent_redemption_id")
REVIEW, LOYALTY = tie("review", "review_id"), tie("loyalty", "coalesce(account_id, '')")
# Orders are one across vendors, and so are identifiers: these are the `identifier_key` of the identity models.
ORDER = "case when order_match_key is not null then hash('order', coalesce(order_namespace, ''), order_match_key) end"
# The order id of one vendor may be the order number of another.
ORDER_ID_AS_NUMBER = (
    "case when source_order_id is not null then hash('order', coalesce(order_namespace, ''),"
    " upper(trim(regexp_replace(trim(source_order_id), '^#', '')))) end"
)
IDENTIFIER = "case when id_link_value is not null then hash(id_type, coalesce(id_namespace, ''), id_link_value) end"
# An event may tell that a vendor has deleted a record, whatever stream the record came by.
DELETED = (
    f"case when event_type = 'customer' and event_action = 'deleted' then {tie('record', 'source_profile_id')} end"
)

# How each of the change keys that the canonical tables name is written.
KEYS: dict[str, str] = {
    "record": RECORD,
    "owner": OWNER,
    "identifier": IDENTIFIER,
    "vendor order": VENDOR_ORDER,
    "order": ORDER,
    "order id as number": ORDER_ID_AS_NUMBER,
    "adjustment": ADJUSTMENT,
    "event": EVENT,
    "deleted record": DELETED,
    "review": REVIEW,
    "redemption": REDEMPTION,
    "rolled back redemption": ROLLED_BACK,
    "loyalty account": LOYALTY,
}
TIES: dict[str, tuple[str, ...]] = {
    table.name: tuple(KEYS[key] for key in table.change_keys) for table in TABLES.values() if table.change_keys
}


def first_of(table: str) -> str:
    """SQL of one tie of a row of a staging table: all are in a part, or none is."""
    return f"coalesce({', '.join(TIES[table])})" if len(TIES[table]) > 1 else TIES[table][0]


def list_of(table: str) -> str:
    """SQL of all ties of a row of a staging table, as a list without nulls."""
    return f"list_filter([{', '.join(TIES[table])}], lambda tied: tied is not null)"


def ties_of(rows: str, tables: Collection[str] = TIES) -> str:
    """Query of the different ties of the rows of staging for which the condition `rows` holds, in those tables."""
    lists = " union all ".join(
        f"select {list_of(table)} as ties from staging.{table} where {rows}" for table in TIES if table in tables
    )
    return f"select distinct unnest(ties) as tie from ({lists})"


def touch(
    con: duckdb.DuckDBPyConnection, rows: str, parameters: Sequence[object] = (), *, tables: Collection[str] = TIES
) -> None:
    """Notes the ties of rows of staging that are about to be changed or taken out; `rows` is a condition, and no table
    but `tables` holds any."""
    if TIES.keys() & tables:
        con.execute(f"insert into internal.touched {ties_of(rows, tables)}", list(parameters))
