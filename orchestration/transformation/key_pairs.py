"""The change keys that link rows of staging, as pairs: what rows themselves name, composite keys of their records, and
what people decided. An identifier that can link nobody is no pair.
"""

import duckdb

from orchestration.warehouse.change_keys import CHANGE_KEYS, RECORD, change_key, list_of


def make(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Makes the table of pairs (one, other); stands on identifiers and composite keys of the identity models."""
    con.execute(
        "create or replace temp table unusable as select identifier_key from identity.int_record_identifiers group by"
        " identifier_key having bool_and(unusable_reason is not null)"
    )
    pairs = [
        f"select keys[1] as one, unnest(keys[2:]) as other from (select {list_of(name)} as keys from staging.{name})"
        for name in CHANGE_KEYS
    ]
    pairs.append(
        f"select {RECORD}, identifier_key from identity.int_composite_keys inner join internal.int_records using"
        " (record_no)"
    )
    pairs.append(_OVERRIDES)
    con.execute(
        f"create or replace {table} as select * from ({' union all '.join(pairs)}) where other not in (select"
        " identifier_key from unusable)"
    )


_OVERRIDES = (
    f"select {RECORD}, {change_key('record', 'source_record_id', prefix='other_')} from seeds.identity_overrides where rule in"
    " ('always', 'never')"
)
