"""What a new warehouse changes for those who use the published one: `meta.identity_events` and the report of the run.

Compares the build file with the published file before the swap. Nothing here decides who is who; that is dbt's.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted
from orchestration.transformation import identity_rules
from orchestration.warehouse import publications
from orchestration.warehouse.duckdb_session import has_table

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

_NO_ALIASES = "(select alias_id, customer_id from marts.customer_id_aliases where false)"
_NO_LINKS = "(select alias_id, link_id, is_refused from meta.identity_links where false)"

# One row per pair of (old person, new person) that share a record; one side is null for records that came or went.
_MOVES = """
create or replace temp table transitions as
with pairs as (
    select distinct old.customer_id as old_id, new.customer_id as new_id
    from (select * from {old} where customer_id is not null) as old
    full outer join (select * from marts.customer_id_aliases where customer_id is not null) as new using (alias_id)
)
select
    *,
    case when old_id is not null then count(new_id) over (partition by old_id) end as successors,
    case when new_id is not null then count(old_id) over (partition by new_id) end as predecessors
from pairs
"""

# Who went into another person as a whole merged; who did not stay whole was split, whoever the parts are now.
_FOUND = """
create or replace temp table found as
with
events as (
    select 'created' as event_type, new_id as customer_id, null as other_customer_id, null as old_id, new_id from transitions
    where new_id is not null and predecessors = 0
    union all
    select 'retired', old_id, null, old_id, null from transitions where old_id is not null and successors = 0
    union all
    select 'merged', new_id, old_id, old_id, new_id from transitions where successors = 1 and predecessors > 1 and new_id is not null and old_id <> new_id
    union all
    select 'split', old_id, new_id, old_id, new_id from transitions where successors > 1 and old_id is not null and old_id <> new_id
    union all
    select 'rekeyed', new_id, old_id, old_id, new_id from transitions where successors = 1 and predecessors = 1 and old_id <> new_id
),
merging as (
    select events.new_id, events.old_id, min(links.link_id) as link_id
    from events
    inner join {old} as olds on events.old_id = olds.customer_id
    inner join meta.identity_links as links on olds.alias_id = links.alias_id and not links.is_refused
    inner join meta.identity_links as others on links.link_id = others.link_id and not others.is_refused
    left join {old} as their_olds on others.alias_id = their_olds.alias_id
    where events.event_type = 'merged' and their_olds.customer_id is distinct from events.old_id
    group by events.new_id, events.old_id
),
splitting as (
    select events.new_id, events.old_id, min(links.link_id) as link_id
    from events
    inner join marts.customer_id_aliases as news on events.new_id = news.customer_id
    inner join {old} as olds on news.alias_id = olds.alias_id and events.old_id = olds.customer_id
    inner join {old_links} as links on news.alias_id = links.alias_id and not links.is_refused
    inner join {old_links} as others on links.link_id = others.link_id and not others.is_refused
    inner join {old} as their_olds on others.alias_id = their_olds.alias_id and events.old_id = their_olds.customer_id
    left join marts.customer_id_aliases as their_news on others.alias_id = their_news.alias_id
    where events.event_type = 'split' and their_news.customer_id is distinct from events.new_id
    group by events.new_id, events.old_id
)
select events.*, coalesce(merging.link_id, splitting.link_id) as cause
from events
left join merging on events.event_type = 'merged' and events.old_id = merging.old_id and events.new_id = merging.new_id
left join splitting on events.event_type = 'split' and events.old_id = splitting.old_id and events.new_id = splitting.new_id
"""

_EVENTS = """
insert into meta.identity_events by name
select $1 as run_id, $2::timestamptz as occurred_at, event_type, customer_id, other_customer_id, cause from found
"""

# A decision that stays set aside over many runs is listed once.
_SET_ASIDE = """
insert into meta.identity_events by name
select $1 as run_id, $2::timestamptz as occurred_at, 'decision_set_aside' as event_type, $3 as customer_id, $4 as other_customer_id, $5 as cause
where not exists (select 1 from meta.identity_events where event_type = 'decision_set_aside' and cause = $5)
"""

_PERSONS = """
select
    (select count(distinct old_id) from transitions),
    (select count(distinct new_id) from transitions),
    (select count(distinct old_id) from found where event_type <> 'created'),
    (select coalesce(max(record_count), 0) from marts.dim_customers)
"""
_SHARED = """
select count(*) from meta.shared_identifiers
anti join published.meta.shared_identifiers using (identifier_type, identifier_namespace, identifier_value)
"""
_MOVED = """
select count(*), coalesce(sum(new.net_amount_reporting) filter (where new.is_valid), 0)::varchar
from published.marts.fct_orders as old
inner join marts.fct_orders as new using (order_id)
where
    old.customer_id is distinct from new.customer_id
    and not exists (select 1 from found where event_type = 'rekeyed' and found.old_id = old.customer_id and found.new_id = new.customer_id)
"""
# What valid orders are worth in their own currency, by what became of them; of conflicts, the orders that may be
# counted twice or differ from an earlier one of their number.
_MONEY = """
with
old as (select order_id, currency, case when is_valid then coalesce(net_amount, 0) else 0 end as worth from published.marts.fct_orders),
new as (select order_id, currency, case when is_valid then coalesce(net_amount, 0) else 0 end as worth from marts.fct_orders),
changed as (select order_id, old, new from old inner join new using (order_id) where (old.currency, old.worth) is distinct from (new.currency, new.worth)),
conflicts as (
    select distinct conflict_type, order_id from meta.order_conflicts where conflict_type in ('possible_duplicate', 'number_reused') and order_id is not null
    except
    {old_conflicts}
),
compared as (
    select 'appeared' as kind, order_id, currency, worth from new where order_id not in (select order_id from old)
    union all
    select 'disappeared', order_id, currency, worth from old where order_id not in (select order_id from new)
    union all
    select 'changed', order_id, new.currency, new.worth from changed
    union all
    select 'changed', order_id, old.currency, -old.worth from changed
    union all
    select conflicts.conflict_type, order_id, new.currency, new.worth from conflicts inner join new using (order_id)
)
select kind, coalesce(currency, 'XXX'), count(distinct order_id), sum(worth)::varchar from compared group by all order by all
"""
_MONEY_COLUMNS = ("order_id", "currency", "is_valid", "net_amount")
_CONFLICT_COLUMNS = ("conflict_type", "order_id")
_OLD_CONFLICTS = "select conflict_type, order_id from published.meta.order_conflicts"
_NO_CONFLICTS = "select conflict_type, order_id from meta.order_conflicts where false"
_MONEY_IN_WORDS = {
    "appeared": "Orders that are new",
    "disappeared": "Orders that are gone",
    "changed": "Orders that are worth something else now",
    "number_reused": "Orders told apart from an earlier one of their number",
    "possible_duplicate": "Orders that may be counted twice",
}

_OF_ERASED = "customer_id in (from internal.erasing) or other_customer_id in (from internal.erasing)"


@dataclass(frozen=True)
class Changes:
    """What the new warehouse changes of the published one: persons, ids, and orders that are now somebody else's."""

    published_customers: int
    customers: int = 0
    changed_ids: int = 0
    created: int = 0
    merged: int = 0
    split: int = 0
    rekeyed: int = 0
    retired: int = 0
    largest_person_records: int = 0
    largest_person_records_before: int | None = None
    new_shared_identifiers: int = 0
    orders_moved: int = 0
    revenue_moved: str | None = None
    revenue_before: str | None = None
    revenue_after: str | None = None
    # Kind of change, currency, number of orders, amount: of an order that changed, what it is worth more.
    money: Sequence[Sequence[Any]] = ()

    @property
    def changed_share(self) -> float:
        """Share of the published ids that mean another person afterwards, or none."""
        return self.changed_ids / self.published_customers if self.published_customers else 0.0


def record(con: duckdb.DuckDBPyConnection, settings: Settings, *, run_id: str, started_at: datetime) -> Changes:
    """Carries the published history over to the build file and adds what this run changes."""
    with publications.attached(con, settings) as is_published:
        has_aliases = is_published and publications.has(con, "marts", "customer_id_aliases")
        con.execute(_EVENTS_DDL)
        if is_published:
            publications.inherit(con, "meta", "identity_events")
        olds = "published.marts.customer_id_aliases" if has_aliases else _NO_ALIASES
        has_links = has_aliases and publications.has(con, "meta", "identity_links", "alias_id", "link_id", "is_refused")
        con.execute(_MOVES.format(old=olds))
        con.execute(_FOUND.format(old=olds, old_links="published.meta.identity_links" if has_links else _NO_LINKS))
        con.execute(_EVENTS, [run_id, started_at])
        for decision in identity_rules.set_aside(con, settings):
            con.execute(
                _SET_ASIDE, [run_id, started_at, decision.customer_id, decision.other_customer_id, decision.sentence]
            )
        report = _report(con, is_published=has_aliases)
        if has_table(con, "internal", "erasing"):
            con.execute(f"delete from meta.identity_events where {_OF_ERASED}")
        con.execute("drop table temp.transitions; drop table temp.found")
    return report


def recorded(con: duckdb.DuckDBPyConnection, run_id: str) -> Changes | None:
    """The report of a run as the run log keeps it."""
    row = con.execute("select changes from meta.runs where run_id = $1", [run_id]).fetchone()
    return Changes(**json.loads(row[0])) if row and row[0] else None


def refuse_upheaval(changes: Changes, settings: Settings) -> None:
    """Stops when more published ids would change than an ordinary nightly run explains."""
    if is_upheaval(changes, settings):
        raise OperatorError(
            f"Nothing was published: {_upheaval(changes, settings)}.",
            remedy=(
                "If that is meant, run `c360 run --accept-changes`; otherwise undo what changed in the rules or the"
                " deliveries."
            ),
        )


def is_upheaval(changes: Changes, settings: Settings) -> bool:
    """More published ids would change than the settings allow."""
    return (
        changes.changed_ids >= settings.options.changed_ids_minimum
        and changes.changed_share > settings.options.changed_ids_share
    )


def lines(changes: Changes) -> Iterator[str]:
    """The report in words, what changed only."""
    if not changes.published_customers:
        return
    reported = {
        "created": changes.created,
        "merged into others": changes.merged,
        "split off": changes.split,
        "renamed": changes.rekeyed,
        "retired": changes.retired,
    }
    persons = ", ".join(f"{count:,} {what}" for what, count in reported.items() if count)
    if persons:
        yield f"Persons: {changes.published_customers:,} before, {changes.customers:,} now: {persons}."
    if changes.orders_moved:
        yield f"Orders that are somebody else's now: {changes.orders_moved:,}, revenue {changes.revenue_moved}."
    if changes.revenue_before != changes.revenue_after:
        yield f"Revenue: {changes.revenue_before} before, {changes.revenue_after} now."
    yield from _money_lines(changes.money)
    if changes.new_shared_identifiers:
        yield (
            "Identifiers that too many people carry and that link nobody from now on:"
            f" {changes.new_shared_identifiers:,}."
        )
    if changes.largest_person_records != changes.largest_person_records_before:
        yield (
            f"Largest person: {counted(changes.largest_person_records_before or 0, 'record')} before, {changes.largest_person_records}"
            " now."
        )


def _money_lines(money: Sequence[Sequence[Any]]) -> Iterator[str]:
    for kind, words in _MONEY_IN_WORDS.items():
        reported = [f"{orders:,} of {currency} {amount}" for found, currency, orders, amount in money if found == kind]
        if reported:
            yield f"{words}: {', '.join(reported)}."


def _upheaval(changes: Changes, settings: Settings) -> str:
    limit = settings.options.changed_ids_share
    return (
        f"{changes.changed_share:.0%} of {counted(changes.published_customers, 'customer id')} would change, and the limit is"
        f" {limit:.0%}"
    )


def _report(con: duckdb.DuckDBPyConnection, *, is_published: bool) -> Changes:
    counts = dict(con.execute("select event_type, count(*) from found group by event_type").fetchall())
    published_customers, customers, changed_ids, largest = _row(con, _PERSONS)
    found: dict[str, Any] = {"revenue_after": _revenue(con, ""), **counts}
    if is_published:
        orders_moved, revenue_moved = _row(con, _MOVED)
        found |= {
            "largest_person_records_before": _row(
                con, "select coalesce(max(record_count), 0) from published.marts.dim_customers"
            )[0],
            "new_shared_identifiers": _row(con, _SHARED)[0],
            "orders_moved": orders_moved,
            "revenue_moved": revenue_moved,
            "revenue_before": _revenue(con, "published."),
            "money": _money(con),
        }
    return Changes(
        published_customers=published_customers,
        customers=customers,
        changed_ids=changed_ids,
        largest_person_records=largest,
        **found,
    )


def _money(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Money by kind of change and currency; none if the published warehouse does not say what its orders are worth."""
    if not publications.has(con, "marts", "fct_orders", *_MONEY_COLUMNS):
        return []
    knows_conflicts = publications.has(con, "meta", "order_conflicts", *_CONFLICT_COLUMNS)
    return con.execute(_MONEY.format(old_conflicts=_OLD_CONFLICTS if knows_conflicts else _NO_CONFLICTS)).fetchall()


def _revenue(con: duckdb.DuckDBPyConnection, catalog: str) -> str | None:
    return _row(con, f"select sum(total_revenue)::varchar from {catalog}marts.customer_insights")[0]


def _row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row
