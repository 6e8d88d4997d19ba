"""Of several records of one vendor record on one export date staging holds the newest; the older ones wait aside,
logged as duplicates.

Newest is what it is everywhere: the vendor's own update time, then path, then row. What a record says beside its
attributes (consents, memberships, figures) has times of its own and stays. Once a newer record goes, because its file
is replaced or withdrawn, the next one comes back.
"""

from collections import Counter
from collections.abc import Collection

import duckdb

from orchestration.loading.deduplication import correct_row_counts
from orchestration.warehouse.change_keys import mark_changed

_EXPORT = "source, source_account, export_date"
_KEY = f"{_EXPORT}, stream, source_record_id"
# Rows of the contested records, those in staging and those set aside, from the newest on.
_RANKED = f"""
create or replace temp table ranked as
select
    load_seq, source_row, is_aside,
    row_number() over (partition by {_KEY} order by source_updated_at desc nulls last, source_file desc, source_row desc) = 1 as is_newest
from (
    select {_KEY}, load_seq, source_row, source_file, source_updated_at, false as is_aside from staging.customers semi join contested using ({_KEY})
    union all
    select {_KEY}, load_seq, source_row, source_file, source_updated_at, true as is_aside from internal.outdone semi join contested using ({_KEY})
)
"""
_LEAVING, _RETURNING = (
    "select load_seq, source_row from ranked where not is_aside and not is_newest",
    "select load_seq, source_row from ranked where is_aside and is_newest",
)


def settle_versions(con: duckdb.DuckDBPyConnection, load_seqs: Collection[int]) -> Counter[int]:
    """After the rows of loads are in staging, or aside: leaves one in staging for each record of their export dates;
    returns how many of each load are set aside."""
    con.execute(
        f"""
        create or replace temp table contested as
        with loaded as (
            select {_EXPORT}, source_record_id from staging.customers where load_seq in (select unnest($1::bigint[]))
            union
            select {_EXPORT}, source_record_id from internal.outdone where load_seq in (select unnest($1::bigint[]))
        )
        select {_KEY} from (
            select {_KEY}, false as is_aside from staging.customers semi join loaded using ({_EXPORT}, source_record_id)
            union all
            select {_KEY}, true as is_aside from internal.outdone semi join loaded using ({_EXPORT}, source_record_id)
        )
        group by {_KEY}
        having count(*) > 1 or bool_and(is_aside)
        """,
        [list(load_seqs)],
    )
    return _settle(con)


def contest(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Before the rows of a load are taken out: notes the records with older versions kept aside because of it."""
    con.execute("delete from internal.outdone where load_seq = $1", [load_seq])
    con.execute(
        f"create or replace temp table contested as select distinct {_KEY} from internal.outdone "
        f"semi join (select {_KEY} from staging.customers where load_seq = $1) using ({_KEY})",
        [load_seq],
    )


def settle_contested(con: duckdb.DuckDBPyConnection) -> None:
    """After that: brings back the newest of what is left of each."""
    _settle(con)


def _settle(con: duckdb.DuckDBPyConnection) -> Counter[int]:
    if con.execute("select 1 from contested limit 1").fetchone() is None:
        return Counter()
    con.execute(_RANKED)
    mark_changed(con, f"(load_seq, source_row) in ({_LEAVING})", tables=("customers",))
    for source, target, rows in (
        ("staging.customers", "internal.outdone", _LEAVING),
        ("internal.outdone", "staging.customers", _RETURNING),
    ):
        con.execute(f"insert into {target} by name select * from {source} where (load_seq, source_row) in ({rows})")
        con.execute(f"delete from {source} where (load_seq, source_row) in ({rows})")
    correct_row_counts(
        con,
        "select load_seq, sum(case when is_newest then 1 else -1 end) as gained from ranked where is_aside = is_newest"
        " group by load_seq",
    )
    return Counter(dict(con.execute(f"select load_seq, count(*) from ({_LEAVING}) group by load_seq").fetchall()))
