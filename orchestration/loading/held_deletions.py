"""Full deliveries that would delete too much: taken as partial ones and held, until a later one or a person settles it.

Whom a full delivery leaves out is gone. If that would be more of a stream's living records than `deletion_share`, from
`LEAST_DELETIONS` on, or all because the delivery is empty, an export that was cut is likelier than so many farewells.
Which deliveries are held follows from staging, the load log and what people accepted, whatever came first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.config.accounts import feed
from orchestration.config.settings import Settings
from orchestration.warehouse.duckdb_session import transaction

LEAST_DELETIONS = 20

# What a full delivery can leave out: a vendor's records of people; where a stream reports no people, whoever its lists
# name.
_OBSERVED = """
create or replace temp table observed as
with
    named as (
        select source, source_account, stream, source_record_id as record_id, export_date, bool_and(coalesce(is_deleted, false)) as is_gone
        from staging.customers
        where (source, source_account, stream) in (select (source, source_account, stream) from full_deliveries)
        group by all
        union all
        select source, source_account, stream, owner_record_id as record_id, export_date, bool_and(state in ('left', 'unsubscribed')) as is_gone
        from staging.segment_memberships
        where
            (source, source_account, stream) in (select (source, source_account, stream) from full_deliveries)
            and (source, source_account, stream) not in (select (source, source_account, stream) from staging.customers)
        group by all
    ),

    reported_gone as (
        select source, source_account, source_profile_id as record_id, export_date from staging.events
        where event_type = 'customer' and event_action = 'deleted' and source_profile_id is not null
    )

select
    named.source, named.source_account, named.stream, named.record_id, named.export_date, named.is_gone,
    lead(named.export_date) over record as next_date,
    (
        select min(reported_gone.export_date) from reported_gone
        where
            named.source = reported_gone.source and named.source_account = reported_gone.source_account and named.record_id = reported_gone.record_id
            and named.export_date <= reported_gone.export_date
    ) as reported_gone_on
from named
window record as (partition by named.source, named.source_account, named.stream, named.record_id order by named.export_date)
"""
# Deliveries that count as full, with how many records lived when they came and how many of them they leave out.
_WEIGHED = """
select
    full_deliveries.source, full_deliveries.source_account, full_deliveries.stream, full_deliveries.export_date, full_deliveries.row_count,
    count(*) as living,
    count(*) filter (observed.next_date is null or observed.next_date > full_deliveries.export_date) as left_out
from observed
asof inner join full_deliveries
    on observed.source = full_deliveries.source and observed.source_account = full_deliveries.source_account
    and observed.stream = full_deliveries.stream and observed.export_date < full_deliveries.export_date
where
    not observed.is_gone
    and (observed.reported_gone_on is null or observed.reported_gone_on > full_deliveries.export_date)
    and (observed.next_date is null or observed.next_date >= full_deliveries.export_date)
group by all
order by full_deliveries.export_date
"""


@dataclass(frozen=True)
class Held:
    """A delivery that is taken as a partial one although it says it is full."""

    source: str
    source_account: str
    stream: str
    export_date: date
    living: int
    left_out: int

    @property
    def name(self) -> str:
        """As its folder is named, and as `--accept-deletions` takes it."""
        return f"{feed(self.source, self.source_account)}/{self.stream}/{self.export_date}"

    def __str__(self) -> str:
        return (
            f"{self.name} says it is full and would delete {self.left_out:,} of {self.living:,} records: it is taken as"
            " a partial delivery until a later full one settles it. If they are gone indeed: `c360 run"
            f" --accept-deletions {self.name}`."
        )


def look(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    """What a person must look at: deliveries that are held."""
    yield from map(str, held(con))


def settle(con: duckdb.DuckDBPyConnection, share: float) -> None:
    """Decides which deliveries are held, anew if anything that decides it has changed."""
    key = f"{share} {con.execute(_DECISIVE).fetchone()}"
    if con.execute("select key from internal.weighed").fetchall() != [(key,)]:
        _settle(con, share)
        with transaction(con):
            con.execute("delete from internal.weighed")
            con.execute("insert into internal.weighed values ($1)", [key])


def _settle(con: duckdb.DuckDBPyConnection, share: float) -> None:
    con.execute("create or replace temp table full_deliveries as " + _FULL)
    if not con.execute("select 1 from full_deliveries limit 1").fetchone():
        con.execute("delete from internal.held_deliveries")
        return
    con.execute(_OBSERVED)
    held: list[tuple[object, ...]] = []
    while found := _first_to_hold(con, share):
        held += found
        for source, account, stream, export_date, *_ in found:
            con.execute(
                "delete from full_deliveries where source = $1 and source_account = $2 and stream = $3 and export_date"
                " = $4",
                [source, account, stream, export_date],
            )
    with transaction(con):
        con.execute("delete from internal.held_deliveries")
        if held:
            con.executemany("insert into internal.held_deliveries values ($1, $2, $3, $4, $5, $6)", held)


def accept(con: duckdb.DuckDBPyConnection, source: str, source_account: str, stream: str, export_date: date) -> None:
    """From now on what that delivery leaves out is gone, as long as it stays the delivery it is."""
    con.execute(
        f"""
        insert into internal.accepted_deletions
        select source, source_account, stream, export_date, content, now() from ({_CONTENT})
        where source = $1 and source_account = $2 and stream = $3 and export_date = $4
        """,
        [source, source_account, stream, export_date],
    )


def held(con: duckdb.DuckDBPyConnection) -> list[Held]:
    """Deliveries that are held just now and that no later full delivery has settled."""
    return [Held(*row) for row in con.execute(_UNSETTLED).fetchall()]


def _first_to_hold(con: duckdb.DuckDBPyConnection, share: float) -> list[tuple[object, ...]]:
    """Of every stream the first delivery that leaves out too much: those after it are weighed without it."""
    query = f"""
        select source, source_account, stream, export_date, living, left_out from ({_WEIGHED})
        where left_out > 0 and (row_count = 0 or (left_out >= {LEAST_DELETIONS} and left_out > $1 * living))
            and (source, source_account, stream, export_date) not in (select (source, source_account, stream, export_date) from accepted)
        qualify row_number() over (partition by source, source_account, stream order by export_date) = 1
        order by all
    """
    return con.execute(f"with accepted as ({_ACCEPTED}) {query}", [share]).fetchall()


_DECISIVE = """
select
    (select (count(*), sum(hash(load_seq, run_id, status, is_full, rows_rejected))) from meta.loads),
    (select count(*) from internal.accepted_deletions)
"""
# What a delivery consists of, whatever its files are called.
_CONTENT = """
select source, source_account, stream, export_date, md5(string_agg(distinct file_sha256, ',' order by file_sha256)) as content
from meta.loads where status <> 'superseded' group by all
"""
_ACCEPTED = f"""
select source, source_account, stream, export_date from internal.accepted_deletions
semi join ({_CONTENT}) using (source, source_account, stream, export_date, content)
"""
_FULL = """
select deliveries.source, deliveries.source_account, deliveries.stream, deliveries.export_date, sum(loads.rows_read) as row_count
from internal.deliveries_as_reported as deliveries
inner join meta.loads as loads using (source, source_account, stream, export_date)
where deliveries.says_full and loads.status <> 'superseded'
group by all
"""
_UNSETTLED = """
select held.* from internal.held_deliveries as held
where not exists (
    select 1 from meta.deliveries as later
    where later.is_full and later.source = held.source and later.source_account = held.source_account and later.stream = held.stream
        and later.export_date > held.export_date
)
order by all
"""
