"""What a new warehouse changes for the persons of the published one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.publishing import change_report
from orchestration.publishing.change_report import Changes
from orchestration.runtime.errors import OperatorError

BRIDGE = ("source", "source_account", "stream", "source_record_id", "customer_id")
NOW = datetime(2026, 6, 2, tzinfo=UTC)
KINDS = ("created", "merged", "split", "rekeyed", "retired")

Persons = Mapping[str, str]
Events = list[tuple[str, str, str | None]]
Links = Mapping[str, Sequence[str]]


def write(
    path: Path, persons: Persons, settings: Settings, *, links: Links | None = None, shared: Sequence[str] = ()
) -> None:
    """A warehouse in which each record (a letter) belongs to a person (a word) and has one order of 10."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config=settings.duckdb_config) as con:
        con.execute("create schema marts; create schema meta")
        con.execute("create table marts.customer_id_aliases (alias_id text, customer_id text)")
        con.execute("create table meta.identity_links (alias_id text, link_id text, is_refused boolean)")
        con.execute(
            "create table meta.shared_identifiers (identifier_type text, identifier_namespace text, identifier_value text)"
        )
        for record, person in persons.items():
            con.execute("insert into marts.customer_id_aliases values ($1, $2)", [record, person])
        for link, records in (links or {}).items():
            for record in records:
                con.execute("insert into meta.identity_links values ($1, $2, false)", [record, link])
        for value in shared:
            con.execute("insert into meta.shared_identifiers values ('phone', '', $1)", [value])
        con.execute(
            "create table marts.dim_customers as select customer_id, count(*) as record_count from marts.customer_id_aliases group by customer_id"
        )
        con.execute(
            "create table marts.fct_orders as"
            " select 'order of ' || alias_id as order_id, customer_id, true as is_valid, 10::decimal(18,2) as net_amount_reporting,"
            " 10::decimal(18,4) as net_amount, 'EUR' as currency from marts.customer_id_aliases"
        )
        con.execute("create table meta.order_conflicts (conflict_type text, order_id text)")
        con.execute(
            "create table marts.customer_insights as select sum(net_amount_reporting) as total_revenue from marts.fct_orders group by customer_id"
        )


def compare(
    settings: Settings,
    before: Persons | None,
    after: Persons,
    *,
    linked_before: Links | None = None,
    linked: Links | None = None,
) -> tuple[Events, Changes]:
    if before is not None:
        write(settings.published_file, before, settings, links=linked_before)
    write(settings.build_file, after, settings, links=linked)
    return record(settings)


def record(settings: Settings) -> tuple[Events, Changes]:
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        found = change_report.record(con, settings, run_id="run", started_at=NOW)
        return con.execute(
            "select event_type, customer_id, other_customer_id from meta.identity_events order by all"
        ).fetchall(), found


def causes(settings: Settings) -> list[tuple[str, str | None]]:
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        return con.execute("select event_type, cause from meta.identity_events order by all").fetchall()


def test_the_first_warehouse_creates_everybody(settings: Settings) -> None:
    events, found = compare(settings, None, {"a": "anna", "b": "anna", "c": "ben"})
    assert events == [("created", "anna", None), ("created", "ben", None)]
    assert (found.published_customers, found.created, found.changed_ids, found.largest_person_records) == (0, 2, 0, 2)


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({"a": "anna"}, {"a": "anna"}, []),
        ({"a": "anna"}, {"a": "anna", "b": "ben"}, [("created", "ben", None)]),
        ({"a": "anna"}, {"a": "anna", "b": "anna"}, []),
        ({"a": "anna", "b": "ben"}, {"a": "anna"}, [("retired", "ben", None)]),
        ({"a": "anna", "b": "ben"}, {"a": "anna", "b": "anna"}, [("merged", "anna", "ben")]),
        ({"a": "anna", "b": "anna"}, {"a": "anna", "b": "ben"}, [("split", "anna", "ben")]),
        ({"a": "anna"}, {"a": "hanna"}, [("rekeyed", "hanna", "anna")]),
        ({"a": "anna", "b": "anna", "c": "ben"}, {"a": "anna", "b": "ben", "c": "ben"}, [("split", "anna", "ben")]),
    ],
    ids=["nothing", "created", "grown", "retired", "merged", "split", "rekeyed", "a record moved"],
)
def test_each_kind_of_change_is_reported(settings: Settings, before: Persons, after: Persons, events: Events) -> None:
    found, report = compare(settings, before, after)
    assert found == events
    counted = {kind: value for kind, value in asdict(report).items() if kind in KINDS and value}
    assert counted == {kind: 1 for kind, _, _ in events}
    assert report.changed_ids == sum(kind != "created" for kind, _, _ in events)


def test_two_who_went_into_one_are_two_merges(settings: Settings) -> None:
    events, found = compare(settings, {"a": "anna", "b": "ben", "c": "cid"}, dict.fromkeys("abc", "anna"))
    assert events == [("merged", "anna", "ben"), ("merged", "anna", "cid")]
    assert (found.changed_ids, found.largest_person_records_before, found.largest_person_records) == (2, 1, 3)


def test_a_merge_names_the_link_that_did_it(settings: Settings) -> None:
    before, after = {"a": "anna", "b": "ben", "c": "ben"}, dict.fromkeys("abcd", "anna")
    compare(settings, before, after, linked_before={"mail": "bc"}, linked={"mail": "bc", "phone": "ad", "push": "bd"})
    assert causes(settings) == [("merged", "push")]


def test_a_split_names_the_link_that_went(settings: Settings) -> None:
    compare(
        settings,
        dict.fromkeys("abc", "anna"),
        {"a": "anna", "b": "anna", "c": "cid"},
        linked_before={"mail": "ab", "phone": "bc"},
        linked={"mail": "ab"},
    )
    assert causes(settings) == [("split", "phone")]


def test_orders_that_are_somebody_elses_now_are_reported_with_their_revenue(settings: Settings) -> None:
    _, found = compare(settings, {"a": "anna", "b": "ben", "c": "ben"}, {"a": "anna", "b": "anna", "c": "anna"})
    assert (found.orders_moved, found.revenue_moved, found.revenue_before, found.revenue_after) == (
        2,
        "20.00",
        "30.00",
        "30.00",
    )


def test_money_that_appears_goes_or_changes_is_reported_by_currency(settings: Settings) -> None:
    write(settings.published_file, {"a": "anna", "b": "ben", "c": "cid", "d": "dora"}, settings)
    write(settings.build_file, {"a": "anna", "b": "ben", "c": "cid", "e": "eve", "f": "finn"}, settings)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("update marts.fct_orders set net_amount = 7 where order_id = 'order of a'")
        con.execute("update marts.fct_orders set currency = 'GBP' where order_id in ('order of b', 'order of e')")
        con.execute("update marts.fct_orders set is_valid = false where order_id = 'order of c'")
        con.execute(
            "insert into meta.order_conflicts values ('possible_duplicate', 'order of f'), ('number_reused', 'order of e'), ('amount', 'order of a')"
        )
    _, found = record(settings)
    assert found.money == [
        ("appeared", "EUR", 1, "10.0000"),
        ("appeared", "GBP", 1, "10.0000"),
        ("changed", "EUR", 3, "-23.0000"),
        ("changed", "GBP", 1, "10.0000"),
        ("disappeared", "EUR", 1, "10.0000"),
        ("number_reused", "GBP", 1, "10.0000"),
        ("possible_duplicate", "EUR", 1, "10.0000"),
    ]
    reported = "\n".join(change_report.lines(found))
    assert (
        "Orders that are gone: 1 of EUR 10.0000.\nOrders that are worth something else now: 3 of EUR -23.0000, 1 of GBP 10.0000."
        in reported
    )


def test_a_possible_duplicate_that_was_published_before_is_not_reported_again(settings: Settings) -> None:
    for path in (settings.published_file, settings.build_file):
        write(path, {"a": "anna"}, settings)
        with duckdb.connect(str(path), config=settings.duckdb_config) as con:
            con.execute("insert into meta.order_conflicts values ('possible_duplicate', 'order of a')")
    assert record(settings)[1].money == []


def test_a_new_name_for_the_same_person_moves_no_order(settings: Settings) -> None:
    _, found = compare(settings, {"a": "anna"}, {"a": "hanna"})
    assert (found.rekeyed, found.orders_moved) == (1, 0)


def test_an_identifier_that_became_shared_is_reported_even_when_another_ceased_to_be(settings: Settings) -> None:
    write(settings.published_file, {"a": "anna"}, settings, shared=["old"])
    write(settings.build_file, {"a": "anna"}, settings, shared=["new"])
    assert record(settings)[1].new_shared_identifiers == 1


def test_the_history_of_events_travels_with_the_published_file(settings: Settings) -> None:
    compare(settings, None, {"a": "anna"})
    settings.build_file.replace(settings.published_file)
    write(settings.build_file, {"a": "anna", "b": "ben"}, settings)
    assert record(settings)[0] == [("created", "anna", None), ("created", "ben", None)]


def test_a_warehouse_published_before_there_were_proofs_can_be_compared_with(settings: Settings) -> None:
    write(settings.published_file, {"a": "anna", "b": "anna"}, settings)
    with duckdb.connect(str(settings.published_file), config=settings.duckdb_config) as con:
        con.execute("drop table meta.identity_links")
    write(settings.build_file, {"a": "anna", "b": "ben"}, settings)
    assert record(settings)[0] == [("split", "anna", "ben")]


def test_an_upheaval_is_not_published_by_itself(settings: Settings) -> None:
    careful = Settings(data=settings.data, options=Options(changed_ids_share=0.2, changed_ids_minimum=10))
    change_report.refuse_upheaval(Changes(published_customers=100, changed_ids=20), careful)
    change_report.refuse_upheaval(Changes(published_customers=10, changed_ids=9), careful)
    with pytest.raises(OperatorError, match="30% of 100 customer ids would change"):
        change_report.refuse_upheaval(Changes(published_customers=100, changed_ids=30), careful)


def test_the_report_in_words_says_what_changed_and_nothing_else(settings: Settings) -> None:
    _, found = compare(settings, {"a": "anna", "b": "ben"}, {"a": "anna", "b": "anna"})
    assert list(change_report.lines(found)) == [
        "Persons: 2 before, 1 now: 1 merged into others.",
        "Orders that are somebody else's now: 1, revenue 10.00.",
        "Largest person: 1 record before, 2 now.",
    ]
    assert list(change_report.lines(compare(settings, {"a": "anna"}, {"a": "anna"})[1])) == []
