"""What a new warehouse changes for those who use the published one: `meta.identity_events` and the report of the run.

Compares the build file with the published file before the swap. Nothing here decides who is who; that is dbt's.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration import publish
from orchestration.errors import OperatorError
from orchestration.settings import Settings

_EVENTS_DDL = """
create or replace table meta.identity_events (
    run_id varchar,
    occurred_at timestamptz,
    event_type varchar,
    customer_id varchar,
    other_customer_id varchar,
    cause varchar
)
"""

_NO_PUBLISHED_RECORDS = "(from marts.bridge_customer_records where false)"

# One row per pair of (old person, new person) that share a vendor record; one side is null for records that came or went.
_MOVES = """
create or replace temp table moves as
select distinct old.customer_id as old_id, new.customer_id as new_id
from {old} as old
full outer join marts.bridge_customer_records as new using (source, source_account, stream, source_record_id)
"""

_EVENTS = """
insert into meta.identity_events by name
with
olds as (select old_id, count(new_id) as heirs, bool_or(new_id = old_id) as stays from moves where old_id is not null group by old_id),
news as (select new_id, count(old_id) as parents from moves where new_id is not null group by new_id),
found as (
    select 'created' as event_type, new_id as customer_id, null as other_customer_id from news where parents = 0
    union all
    select 'retired', old_id, null from olds where heirs = 0
    union all
    select 'merged', moves.new_id, moves.old_id
    from moves inner join news using (new_id) where moves.old_id is not null and news.parents > 1 and moves.old_id <> moves.new_id
    union all
    select 'split', moves.old_id, moves.new_id
    from moves inner join olds using (old_id) where moves.new_id is not null and olds.heirs > 1 and moves.old_id <> moves.new_id
    union all
    select 'rekeyed', moves.new_id, moves.old_id
    from moves inner join news using (new_id) inner join olds using (old_id)
    where news.parents = 1 and olds.heirs = 1 and moves.old_id <> moves.new_id
)
select $1 as run_id, $2::timestamptz as occurred_at, event_type, customer_id, other_customer_id from found
"""


@dataclass(frozen=True)
class Changes:
    """How many persons of the published warehouse the new one creates, merges, splits, renames and retires."""

    published_customers: int
    created: int = 0
    merged: int = 0
    split: int = 0
    rekeyed: int = 0
    retired: int = 0
    largest_person_records: int = 0
    new_shared_identifiers: int = 0
    revenue_before: str | None = None
    revenue_after: str | None = None

    @property
    def changed_ids(self) -> int:
        """Published ids that mean another person afterwards, or none."""
        return self.merged + self.split + self.rekeyed + self.retired


def record(con: duckdb.DuckDBPyConnection, settings: Settings, *, run_id: str, started_at: datetime) -> Changes:
    """Carries the published history over to the build file and adds what this run changes."""
    with publish.attached(con, settings) as is_published:
        con.execute(_EVENTS_DDL)
        if is_published and publish.has(con, "meta", "identity_events"):
            con.execute("insert into meta.identity_events by name select * from published.meta.identity_events")
        has_bridge = is_published and publish.has(con, "marts", "bridge_customer_records")
        con.execute(_MOVES.format(old="published.marts.bridge_customer_records" if has_bridge else _NO_PUBLISHED_RECORDS))
        con.execute(_EVENTS, [run_id, started_at])
        report = _report(con, run_id, is_published=has_bridge)
        con.execute("drop table temp.moves")
    return report


def refuse_upheaval(changes: Changes, settings: Settings) -> None:
    """Stops when more published ids would change than an ordinary night explains."""
    options = settings.options
    share = changes.changed_ids / changes.published_customers if changes.published_customers else 0
    if changes.changed_ids >= options.changed_ids_minimum and share > options.changed_ids_share:
        raise OperatorError(
            f"Nothing was published: {share:.0%} of {changes.published_customers} customer ids would change, and the limit is {options.changed_ids_share:.0%}.",
            remedy="If that is meant, run `c360 run --accept-changes`; otherwise undo what changed in the rules or the deliveries.",
        )


def _report(con: duckdb.DuckDBPyConnection, run_id: str, *, is_published: bool) -> Changes:
    counts = dict(con.execute("select event_type, count(*) from meta.identity_events where run_id = $1 group by event_type", [run_id]).fetchall())
    before = con.execute("select count(distinct old_id) from moves").fetchone() or (0,)
    largest = con.execute("select coalesce(max(record_count), 0) from marts.dim_customers").fetchone() or (0,)
    return Changes(
        published_customers=before[0],
        largest_person_records=largest[0],
        new_shared_identifiers=_growth(con, "meta.shared_identifiers") if is_published else 0,
        revenue_before=_revenue(con, "published.") if is_published else None,
        revenue_after=_revenue(con, ""),
        **counts,
    )


def _growth(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select (select count(*) from {table}) - (select count(*) from published.{table})").fetchone()
    return max(0, row[0]) if row else 0


def _revenue(con: duckdb.DuckDBPyConnection, catalog: str) -> str | None:
    row = con.execute(f"select sum(total_revenue)::varchar from {catalog}marts.customer_insights").fetchone()
    return row[0] if row else None
