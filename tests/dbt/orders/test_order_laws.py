"""Laws that orders keep for whatever the vendors say of them: the checks that stop a publication, asked of reports that
contradict each other at random.

The models are those that dbt compiled for the warehouse of this folder, made anew in memory for every example, and the checks
are the project's own. Buyers are given, since who is who is not the question here.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.config.settings import Settings
from orchestration.docgen import check_kinds
from tests.dbt.conftest import AS_OF
from tests.support.compiled import RELATION, Compiled
from tests.support.paths import DBT_PROJECT
from tests.support.warehouse_builder import Row, WarehouseBuilder, insert

pytestmark = pytest.mark.long

MADE = (
    "fct_orders",
    "fct_order_lines",
    "fct_order_adjustments",
    "bridge_order_sources",
    "order_conflicts",
    "daily_metrics",
)
IDENTITY = {path.stem for path in (DBT_PROJECT / "models" / "identity").rglob("*.sql")}
GIVEN = {"dim_customers", "order_statuses", "order_status_validity"}
STATUSES = (
    "unknown",
    "created",
    "pending_payment",
    "paid",
    "in_progress",
    "shipped",
    "completed",
    "partially_refunded",
    "refunded",
    "canceled",
    None,
)
VENDORS = ("ometria", "open_delivery", "omnisend", "voucherify", "optimizely")
ACCOUNTS = ("default", "default", "second")
PEOPLE = ("ulla", "vera", None)
AMOUNTS = ("0", "0.01", "10.00", "50.00", "55.00", "55.0001", "99999999999999.9999", None)
CURRENCIES = (("EUR", True), ("EUR", False), ("GBP", False), ("JPY", False), (None, None))
TABLES = ("orders", "order_lines", "order_adjustments", "events")
EXAMPLES = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


class Orders:
    """The order models in memory, on rows of a test's own."""

    def __init__(self, warehouse: WarehouseBuilder) -> None:
        self._models = Compiled(warehouse.settings, *MADE)
        self._names = {name for _, name in self._models.order} - IDENTITY - {"dim_customers"}
        self.con = duckdb.connect()
        self.con.execute(
            f"set TimeZone = 'UTC'; attach '{warehouse.settings.build_file}' as built (read_only); attach ':memory:' as warehouse; use warehouse"
        )
        for schema, table in self.con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
        ).fetchall():
            kept = schema in ("seeds", "internal")
            self.con.execute(
                f"create schema if not exists {schema}; create table {schema}.{table} as from built.{schema}.{table} where {kept}"
            )
        self.con.execute("detach built")
        # The project's checks of what is made here, and of nothing else.
        self.checks = self._models.checks(({name for _, name in self._models.order} - IDENTITY) | GIVEN)

    def make(self, builder: WarehouseBuilder, *, seed: int = 0) -> None:
        """Makes the models from what is reported, its rows in an order of the seed's."""
        for table in TABLES:
            self.con.execute(f"delete from staging.{table}")
            insert(
                self.con, f"staging.{table}", random.Random(seed).sample(builder.rows[table], len(builder.rows[table]))
            )
        self.con.execute(
            "create or replace table identity.int_owner_customers as select distinct source, source_account, stream as stream_key, owner_record_id, "
            "owner_record_id as customer_id from staging.orders where owner_record_id is not null"
        )
        self.con.execute(
            "delete from marts.dim_customers; insert into marts.dim_customers (customer_id) select distinct customer_id from identity.int_owner_customers"
        )
        self._models.make(self.con, self._names)

    def broken(self) -> list[str]:
        """Checks that would stop the publication."""
        assert len(self.checks) > 12
        return [name for name, sql in self.checks.items() if self.con.execute(sql).fetchall()]

    def contents(self, table: str, where: str = "true") -> list[tuple[Any, ...]]:
        return sorted(self.con.execute(f"select * from {table} where {where}").fetchall(), key=repr)


@pytest.fixture(scope="module")
def orders(warehouse: WarehouseBuilder) -> Iterator[Orders]:
    made = Orders(warehouse)
    yield made
    made.con.close()


def test_the_laws_that_the_list_of_checks_says_are_asked_here_are(orders: Orders) -> None:
    listed = {
        check.subject
        for check in check_kinds.checks(Settings(data=Path()).dbt_project)
        if check_kinds.ORDERS in check.asked_by
    }
    asked = {RELATION.findall(sql)[0][1] if name.startswith("checks_") else name for name, sql in orders.checks.items()}
    assert len(listed) > 12
    assert listed - asked == set()


def moment(day: int) -> datetime:
    return datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)


# What a vendor says of an order on one day, and which order that is; ids are few, so that reports collide and hide.
report = st.fixed_dictionaries(
    {
        "vendor": st.sampled_from(VENDORS),
        "account": st.sampled_from(ACCOUNTS),
        "number": st.sampled_from(["N-1", "N-2", "N-3", "N-4"]),
        "id": st.sampled_from([None, "N-2", "A", "B"]),
        "export_day": st.integers(1, 4),
        "is_from_event": st.booleans(),
        "status": st.sampled_from(STATUSES),
        "has_status_word": st.booleans(),
        "total": st.sampled_from(AMOUNTS),
        "subtotal": st.sampled_from(AMOUNTS),
        "refunded_total": st.sampled_from([None, None, *AMOUNTS]),
        "currency": st.sampled_from(CURRENCIES),
        "day": st.sampled_from([0, 1, 6, 9, 30]),
        "is_timed": st.booleans(),
        "person": st.sampled_from(PEOPLE),
        "lines": st.lists(st.sampled_from(AMOUNTS), max_size=3),
    }
)
taking_back = st.fixed_dictionaries(
    {
        "vendor": st.sampled_from(VENDORS),
        "account": st.sampled_from(ACCOUNTS),
        "number": st.sampled_from(["N-1", "N-2", "N-3", "N-4", "N-9"]),
        "export_day": st.integers(1, 4),
        "action": st.sampled_from(["refund", "return", "cancel"]),
        "amount_kind": st.sampled_from(["delta", "running_total"]),
        "amount": st.sampled_from(AMOUNTS),
        "subtotal_amount": st.sampled_from([None, *AMOUNTS]),
        "currency": st.sampled_from(CURRENCIES),
        "day": st.sampled_from([0, 3, 40]),
    }
)
stories = st.tuples(st.lists(report, min_size=1, max_size=24), st.lists(taking_back, max_size=12))


def report(builder: WarehouseBuilder, reports: Sequence[Row], takings: Sequence[Row]) -> None:
    for one in reports:
        currency, is_inferred = one["currency"]
        row = builder.order(
            one["vendor"],
            one["number"],
            source_account=one["account"],
            source_order_id=one["id"] or one["number"],
            is_from_event=one["is_from_event"],
            export_date=date(2024, 1, one["export_day"]),
            status=one["status"],
            status_raw=one["status"] if one["has_status_word"] else None,
            total=one["total"],
            subtotal=one["subtotal"],
            refunded_total=one["refunded_total"],
            currency=currency,
            is_currency_inferred=is_inferred,
            ordered_at=moment(one["day"]),
            is_ordered_at_inferred=not one["is_timed"],
            owner_record_id=one["person"],
        )
        for line_no, amount in enumerate(one["lines"], start=1):
            builder.line(
                row,
                f"product {line_no}",
                total=amount,
                unit_price=amount,
                line_no=line_no,
                refunded_amount=amount if one["export_day"] == 4 else None,
            )
    for one in takings:
        currency, is_inferred = one["currency"]
        builder.adjustment(
            one["vendor"],
            one["number"],
            one["amount"],
            source_account=one["account"],
            action=one["action"],
            amount_kind=one["amount_kind"],
            subtotal_amount=one["subtotal_amount"],
            order_match_key=one["number"],
            currency=currency,
            is_currency_inferred=is_inferred,
            occurred_at=moment(one["day"]),
            export_date=date(2024, 1, one["export_day"]),
        )


@EXAMPLES
@given(stories)
def test_no_check_that_stops_a_publication_fails_whatever_vendors_say_of_orders(
    orders: Orders, tmp_path_factory: pytest.TempPathFactory, story: tuple[Any, Any]
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    report(builder, *story)
    orders.make(builder)
    assert orders.broken() == []
    assert orders.con.execute("select count(*) from internal.int_order_keys where order_id is null").fetchall() == [
        (0,)
    ]
    reported = "select count(distinct (source, source_account, source_order_id)) from staging.orders"
    assert orders.con.execute(
        f"select count(*) from ({reported}) as counted(n), (select count(*) from internal.int_order_keys) as kept(n) where counted.n = kept.n"
    ).fetchall() == [(1,)]


@EXAMPLES
@given(stories, st.integers(1, 1000))
def test_rows_in_another_order_make_the_same_orders(orders: Orders, story: tuple[Any, Any], seed: int) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    report(builder, *story)
    orders.make(builder)
    first = {table: orders.contents(table) for table in MADE_TABLES}
    orders.make(builder, seed=seed)
    assert {table: orders.contents(table) for table in MADE_TABLES} == first


MADE_TABLES = (
    "marts.fct_orders",
    "marts.fct_order_lines",
    "marts.fct_order_adjustments",
    "marts.bridge_order_sources",
    "meta.order_conflicts",
    "marts.daily_metrics",
)
KEEPABLE = (
    "order_number",
    "store_id",
    "channel",
    "owner_record_id",
    "subtotal",
    "discount_total",
    "shipping_total",
    "fees_total",
    "tax_total",
    "total",
    "refunded_total",
    "status",
    "canceled_at",
    "is_valid_source",
    "source_updated_at",
)
SAID: Row = {
    "order_number": "N-1",
    "store_id": "berlin",
    "channel": "web",
    "owner_record_id": "ulla",
    "subtotal": "50.00",
    "discount_total": "3.00",
    "shipping_total": "5.00",
    "fees_total": "1.00",
    "tax_total": "4.00",
    "total": "55.00",
    "refunded_total": "7.00",
    "status": "shipped",
    "status_raw": "shipped",
    "canceled_at": moment(1),
    "is_valid_source": True,
    "source_updated_at": moment(0),
}


@EXAMPLES
@given(
    st.sets(st.sampled_from([*KEEPABLE, "currency", "ordered_at", "lines"])), st.sampled_from(VENDORS), st.booleans()
)
def test_leaving_fields_out_of_a_later_version_changes_nothing(
    orders: Orders, left_out: set[str], vendor: str, is_from_event: bool
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for namespace, days in (("once", [1]), ("again", [1, 2])):
        for day in days:
            said = {
                name: value for name, value in SAID.items() if day == 1 or name.removesuffix("_raw") not in left_out
            }
            stated = {
                "currency": "GBP",
                "is_currency_inferred": False,
                "ordered_at": moment(0),
                "is_ordered_at_inferred": False,
            }
            if day == 2 and "currency" in left_out:
                stated |= {"currency": "EUR", "is_currency_inferred": True}
            if day == 2 and "ordered_at" in left_out:
                stated |= {"ordered_at": moment(2), "is_ordered_at_inferred": True}
            row = builder.order(
                vendor,
                "ID-1",
                **{"order_number": None, "status": None} | said | stated,
                order_match_key="N-1" if "order_number" in said else "ID-1",
                order_namespace=namespace,
                source_account=namespace,
                is_from_event=is_from_event,
                export_date=date(2024, 1, day),
            )
            if day == 1 or "lines" not in left_out:
                builder.line(row, "kept", total="50.00")
    orders.make(builder)
    aside = "order_id, order_namespace"
    once, again = (
        orders.con.execute(
            f"select * exclude ({aside}) from marts.fct_orders where order_namespace = '{namespace}'"
        ).fetchall()
        for namespace in ("once", "again")
    )
    assert len(once) == 1
    assert once == again
    for table, dropped in (
        ("fct_order_lines", ", source_account"),
        ("fct_order_adjustments", ", adjustment_key, source_account"),
        ("bridge_order_sources", ", source_account"),
    ):
        of = f"select * exclude (order_id{dropped}) from marts.{table} where order_id in (select order_id from marts.fct_orders where order_namespace = '{{}}')"
        assert orders.con.execute(of.format("once")).fetchall() == orders.con.execute(of.format("again")).fetchall()


def words_of_an_event(story: str, day: int, left_out: Collection[str]) -> Row:
    """What an event says of its order: the columns of its row but those left out."""
    said = {name: value for name, value in SAID.items() if name.removesuffix("_raw") not in left_out}
    said |= {"currency": "GBP", "is_currency_inferred": False, "ordered_at": moment(0), "is_ordered_at_inferred": False}
    if "currency" in left_out:
        said |= {"currency": "EUR", "is_currency_inferred": True}
    if "ordered_at" in left_out:
        said |= {"ordered_at": moment(day), "is_ordered_at_inferred": True}
    place = {
        "order_namespace": story,
        "source_account": story,
        "is_from_event": True,
        "export_date": date(2024, 1, day),
    }
    return {"order_number": None, "status": None, "order_match_key": "N-1", **said, **place}


def report_in_an_event(builder: WarehouseBuilder, words: Row, event_id: str, left_out: Collection[str] = ()) -> None:
    """An event under its vendor's id, with a line and what it takes back unless they are left out."""
    row = builder.order("omnisend", "ID-1", **words)
    place = {name: row[name] for name in ("source_file", "source_row", "source_account", "export_date")}
    named = {"source_order_id": "ID-1", "order_namespace": row["order_namespace"], "order_match_key": "N-1"}
    builder.event("omnisend", event_id, is_event_id_derived=False, **named, **place)
    if "lines" not in left_out:
        builder.line(row, "kept", total="50.00")
    if "refund" not in left_out:
        amount = None if "amount" in left_out else "9.00"
        place |= {"order_namespace": row["order_namespace"], "order_match_key": "N-1"}
        builder.adjustment("omnisend", "ID-1", amount, amount_kind="running_total", currency=None, **place)


def known(orders: Orders, story: str) -> list[list[tuple[Any, ...]]]:
    """All that is known of the order of a story, but for the ids that the story gives it."""
    found = []
    for table, aside in (
        ("marts.fct_orders", ", order_namespace"),
        ("marts.fct_order_lines", ", source_account"),
        ("marts.fct_order_adjustments", ", source_account, adjustment_key, source_adjustment_id"),
        ("marts.bridge_order_sources", ", source_account"),
        ("meta.order_conflicts", ""),
        ("orders.int_order_status_reports", ", source_account, reporter"),
    ):
        of_order = f"order_id in (select order_id from marts.fct_orders where order_namespace = '{story}')"
        found.append(
            orders.con.execute(
                f"select * exclude (order_id{aside}) from {table} where {of_order} order by all"
            ).fetchall()
        )
    return found


def test_leaving_fields_out_of_an_event_that_comes_again_changes_nothing(orders: Orders) -> None:
    fields = [*KEEPABLE, "currency", "ordered_at", "lines", "refund", "amount"]
    chance = random.Random(1)
    cases = [{field} for field in fields] + [set(chance.sample(fields, chance.randint(2, 12))) for _ in range(30)]
    stories = {f"case {number}": case for number, case in enumerate([*cases, set(fields)])}
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    report_in_an_event(builder, words_of_an_event("once", 1, ()), "once")
    for story, left_out in stories.items():
        report_in_an_event(builder, words_of_an_event(story, 1, ()), story)
        report_in_an_event(builder, words_of_an_event(story, 2, left_out), story, left_out)
    orders.make(builder)
    once = known(orders, "once")
    assert [len(rows) for rows in once[:4]] == [1, 1, 1, 1]
    changed = {story: known(orders, story) for story in stories}
    assert {tuple(sorted(stories[story])): rows for story, rows in changed.items() if rows != once} == {}


def test_an_event_that_comes_again_and_says_nothing_leaves_the_word_to_the_events_since(orders: Orders) -> None:
    fields = {*KEEPABLE, "currency", "ordered_at", "lines", "refund"}
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for story in ("before", "after"):
        report_in_an_event(builder, words_of_an_event(story, 1, ()), f"{story} first")
        since = {"total": "60.00", "status": "paid", "status_raw": "paid", "owner_record_id": "vera", "channel": "app"}
        report_in_an_event(builder, words_of_an_event(story, 2, ()) | since, f"{story} second")
    report_in_an_event(builder, words_of_an_event("after", 3, fields), "after first", fields)
    orders.make(builder)
    assert len(known(orders, "before")[0]) == 1
    assert known(orders, "before") == known(orders, "after")


def test_what_an_event_says_anew_its_older_versions_say_no_more(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    said = words_of_an_event("once", 1, ())
    anew = {
        "status": "paid",
        "status_raw": "paid",
        "owner_record_id": "vera",
        "total": "40.00",
        "ordered_at": moment(3),
        "source_updated_at": moment(3),
        "canceled_at": None,
    }
    report_in_an_event(builder, said | {"status": "canceled", "status_raw": "canceled"}, "event")
    report_in_an_event(builder, words_of_an_event("once", 2, ()) | anew, "event")
    orders.make(builder)
    columns = "status, customer_id, total_amount, ordered_at, refunded_amount, line_count"
    assert orders.con.execute(f"select {columns} from marts.fct_orders").fetchall() == [
        ("partially_refunded", "vera", Decimal("40.00"), moment(3), Decimal("9.00"), 1)
    ]
    found = "select conflict_type from meta.order_conflicts where conflict_type <> 'lines_differ'"
    assert orders.con.execute(found).fetchall() == []


def test_lines_that_one_version_of_an_event_has_and_a_total_that_the_next_has_are_of_one_order(
    orders: Orders,
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    report_in_an_event(builder, words_of_an_event("once", 1, ()), "event", {"refund"})
    report_in_an_event(builder, words_of_an_event("once", 2, ()) | {"total": "60.00"}, "another", {"refund"})
    builder.rows["order_lines"][-1] |= {"product_id": "of another"}
    anew = words_of_an_event("once", 3, {"refunded_total"}) | {"total": "80.00"}
    report_in_an_event(builder, anew, "event", {"refund", "lines"})
    orders.make(builder)
    columns = "fct_orders.total_amount, line_count, product_id"
    found = f"select {columns} from marts.fct_orders join marts.fct_order_lines using (order_id)"
    assert orders.con.execute(found).fetchall() == [(Decimal("80.00"), 1, "kept")]


def test_an_event_corrected_to_another_order_says_nothing_of_the_first(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for day, number, total in ((1, "N-1", "10.00"), (1, "N-1", "-3.00"), (2, "N-2", "20.00")):
        row = builder.order("omnisend", number, total=total, is_from_event=True, export_date=date(2024, 1, day))
        place = {name: row[name] for name in ("source_file", "source_row", "export_date")}
        builder.adjustment("omnisend", number, "5.00", **place)
        named = {"source_order_id": number, "order_namespace": "shop", "order_match_key": number}
        builder.event("omnisend", "event", is_event_id_derived=False, **named, **place)
    orders.make(builder)
    found = "select order_number, total_amount, refunded_amount from marts.fct_orders"
    assert orders.con.execute(found).fetchall() == [("N-2", Decimal("20.00"), Decimal("5.00"))]
    assert orders.con.execute("select count(*) from marts.fct_order_adjustments").fetchall() == [(1,)]


@pytest.mark.parametrize(("newer", "final"), [("created", "created"), (None, "unknown")])
def test_an_event_corrected_to_another_action_takes_nothing_back_any_more(
    orders: Orders, newer: str | None, final: str
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for day, action, status in ((1, "cancel", "canceled"), (2, "create", newer)):
        row = builder.order(
            "omnisend",
            "N-1",
            total="10.00",
            status=status,
            status_raw=status,
            canceled_at=moment(0) if action == "cancel" else None,
            is_from_event=True,
            export_date=date(2024, 1, day),
        )
        place = {name: row[name] for name in ("source_file", "source_row", "export_date")}
        if action == "cancel":
            builder.adjustment("omnisend", "N-1", None, action="cancel", amount_kind="running_total", **place)
        builder.event(
            "omnisend", "event", event_action=action, source_order_id="N-1", is_event_id_derived=False, **place
        )
    orders.make(builder)
    found = "select status, net_amount, canceled_at from marts.fct_orders"
    assert orders.con.execute(found).fetchall() == [(final, Decimal("10.00"), None)]


def test_one_id_in_two_streams_that_contradict_each_other_is_judged_alike_in_every_order_of_rows(
    orders: Orders,
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for stream, total in (("orders", "10.00"), ("profiles", "20.00")):
        builder.order("ometria", "N-1", total=total, stream=stream, ordered_at=moment(0))
    builder.order("voucherify", "N-1", total="20.00", ordered_at=moment(20))
    found = set()
    for seed in range(6):
        orders.make(builder, seed=seed)
        found.add(repr(orders.contents("marts.fct_orders")))
    assert len(found) == 1


def test_an_order_numbered_with_nothing_but_a_hash_is_shown_by_what_it_is_known_by(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    builder.order("ometria", "501", order_number="#", total="10.00")
    orders.make(builder)
    assert orders.con.execute("select order_number from marts.fct_orders").fetchall() == [("501",)]


def test_refunds_that_name_no_order_are_each_one_of_their_own(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for number, vendor in ((None, "omnisend"), (None, "optimizely"), ("N-9", "omnisend"), ("N-9", "optimizely")):
        builder.adjustment(vendor, number, "10.00")
    orders.make(builder)
    sql = "select source, order_id from marts.fct_order_adjustments order by source"
    assert orders.con.execute(sql).fetchall() == [("omnisend", None), ("omnisend", None), ("optimizely", None)]


def test_a_refund_that_two_accounts_of_one_vendor_report_counts_once(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for number, accounts in (("N-1", ("berlin", "online")), ("N-2", ("berlin",))):
        for account in accounts:
            builder.order("omnisend", number, source_account=account, total="100.00", status="paid")
            builder.adjustment("omnisend", number, "30.00", source_account=account)
    builder.adjustment("omnisend", "N-2", "20.00", source_account="berlin")
    builder.order("omnisend", "N-3", source_account="berlin", total="100.00", status="paid")
    builder.adjustment("omnisend", "N-3", "40.00", source_account="online", action="cancel")
    builder.order("omnisend", "N-4", source_account="berlin", total="100.00", status="paid", refunded_total="10.00")
    builder.adjustment("omnisend", "N-4", "10.00", source_account="online")
    orders.make(builder)
    sql = "select order_number, status, refunded_amount from marts.fct_orders order by order_number"
    taken_back = [("N-1", "30.00"), ("N-2", "50.00"), ("N-3", "40.00"), ("N-4", "10.00")]
    assert orders.con.execute(sql).fetchall() == [
        (number, "partially_refunded", Decimal(amount)) for number, amount in taken_back
    ]
    listed = "select order_number, amount from marts.fct_order_adjustments join marts.fct_orders using (order_id) order by all"
    amounts = [("N-1", "30.00"), ("N-2", "20.00"), ("N-2", "30.00"), ("N-3", "40.00"), ("N-4", "10.00")]
    assert orders.con.execute(listed).fetchall() == [(number, Decimal(amount)) for number, amount in amounts]
    assert orders.con.execute(
        "select count(*) from meta.order_conflicts where conflict_type = 'refund'"
    ).fetchall() == [(0,)]


def test_what_one_account_of_a_vendor_takes_back_is_measured_by_its_own_word_of_the_whole(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    builder.order(
        "omnisend",
        "N-1",
        source_account="berlin",
        total="100.00",
        currency="EUR",
        is_currency_inferred=False,
        status="paid",
    )
    builder.order(
        "omnisend",
        "N-1",
        source_account="online",
        total="90.00",
        currency="GBP",
        is_currency_inferred=False,
        status="paid",
    )
    builder.adjustment("omnisend", "N-1", "30.00", source_account="online", currency="GBP", is_currency_inferred=False)
    orders.make(builder)
    assert orders.con.execute("select round(refunded_amount, 2) from marts.fct_orders").fetchall() == [
        (Decimal("33.33"),)
    ]
    told_by = "select source_account, status from marts.bridge_order_sources order by source_account"
    assert orders.con.execute(told_by).fetchall() == [("berlin", "paid"), ("online", "partially_refunded")]


def test_an_orphan_refund_that_two_accounts_of_one_vendor_report_is_one(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for account in ("berlin", "online"):
        builder.adjustment("omnisend", "N-9", "10.00", source_account=account)
    builder.adjustment("omnisend", "N-9", "10.00", source_account="online")
    orders.make(builder)
    assert orders.con.execute("select count(*), max(order_id) from marts.fct_order_adjustments").fetchall() == [
        (2, None)
    ]


def test_of_two_versions_of_one_day_the_later_update_says_what_is_taken_back_wherever_it_stands(
    orders: Orders,
) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for hour, status, amount in ((12, None, "5.00"), (11, "paid", "3.00")):
        updated = datetime(2024, 1, 1, hour, tzinfo=UTC)
        row = builder.order(
            "ometria", "N-1", total="50.00", status=status, status_raw=status, source_updated_at=updated
        )
        place = {name: row[name] for name in ("source_file", "source_row", "stream", "source_updated_at")}
        builder.adjustment("ometria", "N-1", amount, adjustment_id="R-1", **place)
        builder.order("ometria", "N-2", total="20.00" if hour == 12 else "-20.00", source_updated_at=updated)
    orders.make(builder)
    sql = "select order_number, refunded_amount from marts.fct_orders order by order_number"
    assert orders.con.execute(sql).fetchall() == [("N-1", Decimal("5.00")), ("N-2", Decimal("0.00"))]


def test_a_vendor_that_only_takes_an_order_back_is_the_one_that_counts_on_its_status(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    for number, action in (("N-1", "cancel"), ("N-2", "refund")):
        builder.order("ometria", number, total="50.00", status="paid")
        builder.adjustment("voucherify", number, "20.00", action=action)
    builder.order("ometria", "N-3", total="50.00", status="paid")
    builder.adjustment("voucherify", "N-3", "50.00", action="cancel")
    orders.make(builder)
    sql = "select chosen_source, chosen_value, other_source from meta.order_conflicts where conflict_type = 'status' order by chosen_value"
    assert orders.con.execute(sql).fetchall() == [
        ("voucherify", "canceled", "ometria"),
        ("voucherify", "partially_refunded", "ometria"),
        ("voucherify", "partially_refunded", "ometria"),
    ]


def test_an_absurd_amount_stands_at_the_limit_in_a_currency_of_small_units(orders: Orders) -> None:
    builder = WarehouseBuilder(Path(), as_of=AS_OF)
    builder.order("ometria", "N-1", total="99999999999999.9999", ordered_at=moment(1))
    settings_of_run = "update internal.run_settings set reporting_currency = $1"
    orders.con.execute(settings_of_run, ["JPY"])
    try:
        orders.make(builder)
        assert orders.con.execute("select net_amount_reporting from marts.fct_orders").fetchall() == [
            (Decimal("9999999999999999.99"),)
        ]
    finally:
        orders.con.execute(settings_of_run, ["EUR"])
