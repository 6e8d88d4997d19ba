"""What links rows of staging: rows that share no change key, be it through others, never decide about each other.

A change key is a number, the hash of something that a row names: a vendor's record, an identifier, an order. Whatever
has a key that changed since the last run is computed anew, and nothing else (see `incremental.py`).
"""

from collections.abc import Collection, Sequence

import duckdb

from orchestration.canonical.tables import TABLES


def change_key(kind: str, column: str, *, prefix: str = "") -> str:
    """SQL of the change key that a column gives at a vendor's account, null where it is null; `prefix` begins the names
    of all columns."""
    return (
        f"case when {prefix}{column} is not null then hash('{kind}', {prefix}source, {prefix}source_account,"
        f" {prefix}{column}) end"
    )


RECORD, OWNER = change_key("record", "source_record_id"), change_key("record", "owner_record_id")
VENDOR_ORDER = change_key("vendor order", "source_order_id")
EVENT, ADJUSTMENT = change_key("event", "event_id"), change_key("adjustment", "adjustment_id")
REDEMPTION, ROLLED_BACK = change_key("redemption", "redemption_id"), change_key("redemption", "parent_redemption_id")
REVIEW, LOYALTY = change_key("review", "review_id"), change_key("loyalty", "coalesce(account_id, '')")
# Orders are one across vendors, and so are identifiers: these are the `identifier_key` of the identity models.
ORDER = "case when order_match_key is not null then hash('order', coalesce(order_namespace, ''), order_match_key) end"
# The order id of one vendor may be the order number of another.
ORDER_ID_AS_NUMBER = (
    "case when source_order_id is not null then hash('order', coalesce(order_namespace, ''),"
    " upper(trim(regexp_replace(trim(source_order_id), '^#', '')))) end"
)
IDENTIFIER = "case when id_link_value is not null then hash(id_type, coalesce(id_namespace, ''), id_link_value) end"
# An event may report that a vendor has deleted a record, whatever stream the record came by.
DELETED = f"case when event_type = 'customer' and event_action = 'deleted' then {change_key('record', 'source_profile_id')} end"

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
CHANGE_KEYS: dict[str, tuple[str, ...]] = {
    table.name: tuple(KEYS[key] for key in table.change_keys) for table in TABLES.values() if table.change_keys
}


def first_of(table: str) -> str:
    """SQL of one change key of a row of a staging table: all are in a part, or none is."""
    return f"coalesce({', '.join(CHANGE_KEYS[table])})" if len(CHANGE_KEYS[table]) > 1 else CHANGE_KEYS[table][0]


def list_of(table: str) -> str:
    """SQL of all change keys of a row of a staging table, as a list without nulls."""
    return f"list_filter([{', '.join(CHANGE_KEYS[table])}], lambda key: key is not null)"


def change_keys_of(rows: str, tables: Collection[str] = CHANGE_KEYS) -> str:
    """Query of the different change keys of the rows of staging for which the condition `rows` holds, in those
    tables."""
    lists = " union all ".join(
        f"select {list_of(table)} as keys from staging.{table} where {rows}" for table in CHANGE_KEYS if table in tables
    )
    return f"select distinct unnest(keys) as change_key from ({lists})"


def mark_changed(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    parameters: Sequence[object] = (),
    *,
    tables: Collection[str] = CHANGE_KEYS,
) -> None:
    """Notes the change keys of rows of staging that are about to be changed or taken out; `rows` is a condition, and no
    table but `tables` holds any."""
    if CHANGE_KEYS.keys() & tables:
        con.execute(f"insert into internal.changed_keys {change_keys_of(rows, tables)}", list(parameters))
