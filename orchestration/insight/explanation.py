"""Why records are one person, or whether two are; what that depends on, in money too; where marketing may be sent:
sentences for terminal and page.

Reads a published warehouse. Values are masked unless asked for. The same proof stands in `meta.identity_links`; who is
who was decided by dbt, not here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.insight import contactability
from orchestration.insight.identity_graph import Bridge, Graph, RecordLink, Step
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import masked, shown_name
from orchestration.runtime.wording import counted
from orchestration.warehouse.duckdb_session import has_table

SHOWN = 25
HOW_TO_NAME = (
    "Name a customer id, any id it ever had, its first 8 letters, or a record as vendor/stream/id or"
    " vendor/account/stream/id."
)

WHY_NOT = {
    "invalid": "it is not valid",
    "placeholder": "it stands for nobody in particular",
    "role_address": "it is the address of a role",
    "relay_address": "it is an address of a relay",
    "disposable_address": "it is a throw-away address",
    "blocked": "somebody blocked it",
    "never_links": "its kind never links",
    "superseded": "a newer one took its place",
    "shared": "too many different people carry it",
    "ambiguous": "its holders contradict each other, and this record could be of either",
    "refused": "it would join two documents or records kept apart",
    "deleted": "the record is deleted",
    "weak": "its kind joins nobody who is known by more",
}

_ALIASES = (
    "select alias_id, customer_id from internal.int_record_customers where starts_with(alias_id, $1) and customer_id is"
    " not null limit 3"
)
_NAMED = """
select alias_id, customer_id from internal.int_record_customers
where source = $1 and source_account = $2 and $3 in (stream, stream_key) and source_record_id = $4 and customer_id is not null
"""
_RECORDS = """
select
    persons.alias_id, persons.source, persons.source_account, persons.stream, persons.source_record_id, persons.is_contact, persons.is_belonging,
    persons.is_deleted, persons.is_anchor, persons.first_export_date, records.source_file, records.source_row
from internal.int_record_customers as persons
inner join internal.int_records as records using (record_no)
where persons.customer_id = $1 and not persons.is_lead_only
order by not persons.is_anchor, persons.is_contact, persons.first_export_date, persons.source, persons.source_account, persons.stream, persons.source_record_id
"""
_RECORD_LINKS = """
select alias_id, link_id, rule, rule_detail, identifier_type, identifier_namespace, identifier_value
from meta.identity_links where customer_id = $1 and is_refused = $2 order by all
"""
_FIGURES = """
select customers.full_name, insights.order_count, insights.total_revenue, insights.reporting_currency
from marts.dim_customers as customers left join marts.customer_insights as insights using (customer_id) where customer_id = $1
"""
_ORDERS = """
select orders.order_id, any_value(orders.net_amount_reporting), list(distinct persons.alias_id)
from marts.fct_orders as orders
inner join internal.int_order_keys as keys using (order_id)
inner join staging.orders as reported
    on keys.source = reported.source and keys.source_account = reported.source_account and keys.source_order_id = reported.source_order_id
inner join internal.int_record_customers as persons
    on reported.source = persons.source and reported.source_account = persons.source_account and reported.owner_record_id = persons.source_record_id
    and case when reported.owner_record_id like 'derived:%' then 'derived' else reported.stream end = persons.stream_key
where orders.customer_id = $1 and persons.customer_id = $1 and orders.is_valid
group by orders.order_id
"""
_IN_COMMON = """
select ones.id_type, ones.id_value, min(ones.not_linking_reason), min(others.not_linking_reason)
from internal.int_identifier_standing as ones
inner join internal.int_identifier_standing as others using (identifier_key)
where ones.customer_id = $1 and others.customer_id = $2
group by ones.id_type, ones.id_value order by all
"""
_KEPT_APART = """
select distinct overrides.decision
from internal.int_override_records as overrides
inner join internal.int_record_customers as one on overrides.record_no = one.record_no
inner join internal.int_record_customers as other on overrides.other_record_no = other.record_no
where overrides.rule = 'never' and (one.customer_id, other.customer_id) in (($1, $2), ($2, $1))
order by all
"""


@dataclass(frozen=True)
class Record:
    """A record of a person and where its newest observation was read."""

    alias_id: str
    source: str
    source_account: str
    stream: str
    source_record_id: str
    is_contact: bool
    is_belonging: bool
    is_deleted: bool
    is_anchor: bool
    first_export_date: Any
    source_file: str
    source_row: int

    def place(self, *, show: bool) -> str:
        return f"{self.source_file if show else shown_name(self.source_file)}, record {self.source_row}"


@dataclass(frozen=True)
class Wording:
    """How values, links and records are put into words, and how many of them are shown."""

    show: bool
    all: bool

    def value(self, kind: str | None, value: str) -> str:
        return value if self.show else masked(kind or "", value)

    def link(self, link: RecordLink) -> str:
        """What links a record, in words."""
        if link.rule == "always":
            return f"the decision `always` ({link.rule_detail})"
        if link.rule == "composite_key":
            return f"agreement in all parts of {link.rule_detail}"
        words = f"{link.identifier_type} {self.value(link.identifier_type, link.identifier_value or '')}"
        more = {
            "superseded_identifier": f", which one of them no longer gives, and the same {link.rule_detail}",
            "belongs": (
                ", the vendor's own id"
                if link.rule_detail == "own_id"
                else ", which only this record of the vendor has"
            ),
            "follows": " (it follows)",
        }
        return words + more.get(link.rule, "")

    def record(self, record: Record) -> str:
        """A record in words."""
        account = "" if record.source_account == "default" else f"/{record.source_account}"
        named = f"{record.source}{account}/{record.stream} {self.value('', record.source_record_id)}"
        notes = [
            *(["the person is named after it"] if record.is_anchor else []),
            *(
                ["belongs to a record"]
                if record.is_belonging
                else ["reported by orders or events"]
                if record.is_contact
                else []
            ),
            *(["deleted"] if record.is_deleted else []),
        ]
        return f"{named} ({', '.join(notes)})" if notes else named


def require_proofs(con: duckdb.DuckDBPyConnection) -> None:
    """Refuses a warehouse that an earlier version published without proofs."""
    if not (has_table(con, "meta", "identity_links") and has_table(con, "internal", "int_override_records")):
        raise OperatorError(
            "The published warehouse was made by an earlier version and holds no proofs.",
            remedy="`c360 run` publishes one that does.",
        )


def resolve(con: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str]:
    """The record's own id and the id of its person."""
    parts = name.split("/")
    found: list[tuple[str, str]] = []
    if len(parts) >= 3:
        found = con.execute(_NAMED, [parts[0], "default", parts[1], "/".join(parts[2:])]).fetchall()
    if len(parts) >= 4 and not found:
        found = con.execute(_NAMED, [*parts[:3], "/".join(parts[3:])]).fetchall()
    if re.fullmatch("[0-9a-f]{8,}", name):
        found = con.execute(_ALIASES, [name]).fetchall()
    if not found:
        raise OperatorError(
            f"Nobody of the id {shown_name(name)} is in the published warehouse.", remedy=HOW_TO_NAME, exit_code=2
        )
    if len(found) > 1 and len(parts) == 1:
        raise OperatorError("Several ids begin like that.", remedy="Give more of the id.", exit_code=2)
    return found[0]


def of_person(con: duckdb.DuckDBPyConnection, wording: Wording, *, asked: str, customer_id: str) -> Iterator[str]:
    """The person behind a customer id: its records, what links each, what that depends on, and what was refused."""
    records = _records(con, customer_id)
    graph = Graph(_record_links(con, customer_id, is_refused=False))
    yield from _heading_lines(con, wording, records, asked=asked, customer_id=customer_id)
    numbers = {record.alias_id: number for number, record in enumerate(records.values(), start=1)}
    root = next((record.alias_id for record in records.values() if record.is_anchor), customer_id)
    tree = graph.tree(root)
    shown = list(records.values()) if wording.all else list(records.values())[:SHOWN]
    for record in shown:
        yield f"\n{numbers[record.alias_id]:>3}  {wording.record(record)}"
        yield f"     id {record.alias_id[:12]}, since {record.first_export_date}, {record.place(show=wording.show)}"
        if record.alias_id in tree:
            step = tree[record.alias_id]
            yield f"     linked to {numbers[step.start.alias_id]} by {wording.link(step.end)}"
    if len(shown) < len(records):
        yield f"\n… and {counted(len(records) - len(shown), 'more record')}; --all shows them."
    yield from _bridge_lines(con, wording, graph, numbers, root=root, customer_id=customer_id)
    yield from _refused_lines(con, wording, numbers, customer_id)
    yield from _channel_lines(con, customer_id)


def _channel_lines(con: duckdb.DuckDBPyConnection, customer_id: str) -> Iterator[str]:
    for number, line in enumerate(contactability.lines(con, customer_id)):
        if number == 0:
            yield "\nWhere marketing may be sent"
        yield f"  {line}"


def _heading_lines(
    con: duckdb.DuckDBPyConnection, wording: Wording, records: dict[str, Record], *, asked: str, customer_id: str
) -> Iterator[str]:
    name, orders, revenue, currency = con.execute(_FIGURES, [customer_id]).fetchone() or (None, 0, None, None)
    yield f"Person {customer_id}" + (f": {name}" if name and wording.show else "")
    if asked != customer_id:
        yield f"(the id asked for, {asked[:12]}…, is one of its records)"
    vendors = {record.source for record in records.values()}
    own = sum(not record.is_belonging for record in records.values())
    worth = f"{counted(orders or 0, 'valid order')}, revenue {_money(revenue)} {currency or ''}".rstrip()
    yield f"{counted(own, 'record')} of {counted(len(vendors), 'vendor')}, {worth}."
    if len(records) > own:
        yield f"{counted(len(records) - own, 'more set')} of identifiers that orders and events of these records name."


def _bridge_lines(
    con: duckdb.DuckDBPyConnection,
    wording: Wording,
    graph: Graph,
    numbers: dict[str, int],
    *,
    root: str,
    customer_id: str,
) -> Iterator[str]:
    if not graph.links:
        return
    bridges, untried = graph.bridges(root)
    yield "\nWhat it hangs on"
    if not bridges:
        yield "  Nothing alone: whichever identifier goes, the records stay together."
    orders = con.execute(_ORDERS, [customer_id]).fetchall()
    for bridge in bridges if wording.all else bridges[:SHOWN]:
        yield f"  {wording.link(bridge.link)}"
        yield f"      without it {_cut(bridge, numbers)} would be {_others(bridge)}, with {_worth(bridge, orders)}."
    if not wording.all and len(bridges) > SHOWN:
        yield f"  … and {len(bridges) - SHOWN} more; --all shows them."
    if untried:
        yield f"  {untried} rarer links were not tried: the person is too large."


def _refused_lines(
    con: duckdb.DuckDBPyConnection, wording: Wording, numbers: dict[str, int], customer_id: str
) -> Iterator[str]:
    refused = _record_links(con, customer_id, is_refused=True)
    if refused:
        yield "\nRefused, because it would have joined two documents or records kept apart"
    for link in refused if wording.all else refused[:SHOWN]:
        yield f"  {wording.link(link)} of record {numbers[link.alias_id]}"


def of_two(
    con: duckdb.DuckDBPyConnection, wording: Wording, one: tuple[str, str], other: tuple[str, str]
) -> Iterator[str]:
    """Whether two records, each with its person, are one person, by which chain, or what keeps them apart."""
    if one[1] != other[1]:
        yield from _apart_lines(con, wording, one, other)
        return
    records = _records(con, one[1])
    chain = Graph(_record_links(con, one[1], is_refused=False)).chain(one[0], other[0]) or []
    if one[0] == other[0]:
        yield "Both are the same record."
    elif chain:
        yield f"They are one person, {one[1]}, in {counted(len(chain), 'step')}:"
    else:
        yield f"They are one person, {one[1]}; which of their links joins these two is not known."
    yield from _record_lines(wording, records[one[0]])
    for step in chain:
        yield from _step_lines(wording, records, step)


def _step_lines(wording: Wording, records: dict[str, Record], step: Step) -> Iterator[str]:
    yield f"    | {wording.link(step.end)}"
    yield from _record_lines(wording, records[step.end.alias_id])


def _record_lines(wording: Wording, record: Record) -> Iterator[str]:
    yield f"  {wording.record(record)}"
    yield f"      id {record.alias_id[:12]}, {record.place(show=wording.show)}"


def _apart_lines(
    con: duckdb.DuckDBPyConnection, wording: Wording, one: tuple[str, str], other: tuple[str, str]
) -> Iterator[str]:
    yield f"They are two people, {one[1]} and {other[1]}."
    for alias_id, customer_id in (one, other):
        yield from _record_lines(wording, _records(con, customer_id)[alias_id])
    for (decision,) in con.execute(_KEPT_APART, [one[1], other[1]]).fetchall():
        yield f"The decision `never` ({decision}) keeps them apart."
    common = con.execute(_IN_COMMON, [one[1], other[1]]).fetchall()
    yield "What both carry, and why it does not join them" if common else "They carry nothing in common."
    for kind, value, reason, other_reason in common:
        why = WHY_NOT.get(
            reason or other_reason or "",
            "their first names, birth dates or documents contradict each other, or a decision does",
        )
        yield f"  {kind} {wording.value(kind, value)}: {why}"


def _records(con: duckdb.DuckDBPyConnection, customer_id: str) -> dict[str, Record]:
    return {row[0]: Record(*row) for row in con.execute(_RECORDS, [customer_id]).fetchall()}


def _record_links(con: duckdb.DuckDBPyConnection, customer_id: str, *, is_refused: bool) -> list[RecordLink]:
    return [RecordLink(*row) for row in con.execute(_RECORD_LINKS, [customer_id, is_refused]).fetchall()]


def _cut(bridge: Bridge, numbers: dict[str, int]) -> str:
    listed = sorted(numbers[alias_id] for alias_id in bridge.cut_off)
    if len(listed) == 1:
        return f"record {listed[0]}"
    return f"records {', '.join(map(str, listed))}" if len(listed) <= 8 else f"{len(listed)} records"


def _others(bridge: Bridge) -> str:
    return "somebody else" if bridge.parts == 2 else f"{bridge.parts - 1} other people"


def _worth(bridge: Bridge, orders: list[tuple[str, Decimal | None, list[str]]]) -> str:
    """Orders that only the records cut off report."""
    moved = [amount or Decimal(0) for _, amount, owners in orders if set(owners) <= bridge.cut_off]
    return f"{counted(len(moved), 'valid order')} and revenue {_money(sum(moved, Decimal(0)))}"


def _money(amount: Decimal | None) -> str:
    return f"{amount or Decimal(0):,.2f}"
