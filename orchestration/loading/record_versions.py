"""Of several records of one vendor record in one night staging holds the newest; the older ones wait aside, booked as
duplicates.

Newest is what it is everywhere: the vendor's own update time, then path, then row. What a record says beside its
attributes (consents, memberships, figures) has times of its own and stays. Once a newer record goes, because its file
is replaced or withdrawn, the next one comes back.
"""

import duckdb

from orchestration.loading.deduplication import correct_books
from orchestration.normalisation.file_context import Origin
from orchestration.warehouse.change_keys import touch

_KEY = "source, source_account, stream, export_date, source_record_id"
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


def settle_versions(con: duckdb.DuckDBPyConnection, origin: Origin) -> int:
    """After the rows of a load are in staging: leaves one for each record of its night; returns how many of the load
    are set aside."""
    con.execute(
        f"""
        create or replace temp table contested as
        select {_KEY} from (
            select {_KEY} from staging.customers
            where source = $source and source_account = $account and export_date = $day
            union all
            select {_KEY} from internal.outdone
            where source = $source and source_account = $account and export_date = $day
        )
        where source_record_id in (select source_record_id from staging.customers where load_seq = $seq)
        group by all
        having count(*) > 1
        """,
        {
            "source": origin.account.source,
            "account": origin.account.source_account,
            "day": origin.export_date,
            "seq": origin.load_seq,
        },
    )
    return _settle(con, origin.load_seq)


def contest(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Before the rows of a load are taken out: notes the records whose older versions it keeps aside."""
    con.execute("delete from internal.outdone where load_seq = $1", [load_seq])
    con.execute(
        f"create or replace temp table contested as select distinct {_KEY} from internal.outdone "
        f"semi join (select {_KEY} from staging.customers where load_seq = $1) using ({_KEY})",
        [load_seq],
    )


def settle_contested(con: duckdb.DuckDBPyConnection) -> None:
    """After that: brings back the newest of what is left of each."""
    _settle(con, None)


def _settle(con: duckdb.DuckDBPyConnection, load_seq: int | None) -> int:
    if con.execute("select 1 from contested limit 1").fetchone() is None:
        return 0
    con.execute(_RANKED)
    touch(con, f"(load_seq, source_row) in ({_LEAVING})", tables=("customers",))
    for source, target, rows in (
        ("staging.customers", "internal.outdone", _LEAVING),
        ("internal.outdone", "staging.customers", _RETURNING),
    ):
        con.execute(f"insert into {target} by name select * from {source} where (load_seq, source_row) in ({rows})")
        con.execute(f"delete from {source} where (load_seq, source_row) in ({rows})")
    correct_books(
        con,
        "select load_seq, sum(case when is_newest then 1 else -1 end) as gained from ranked where is_aside = is_newest"
        " group by load_seq",
    )
    [(own,)] = con.execute(f"select count(*) from ({_LEAVING}) where load_seq = $1", [load_seq]).fetchall()
    return own
