"""The vendors' own figures beside ours: the published examples, and people with several profiles at one vendor."""

from datetime import UTC, date, datetime

import pytest

from tests.dbt.conftest import Query
from tests.support.goldens import normalise
from tests.support.warehouse_builder import WarehouseBuilder

DAY = date(2024, 3, 1)

# The figures of the five vendors' published examples, with what is needed to say who they are of.
EXAMPLES: tuple[tuple[str, str, dict[str, object]], ...] = (
    (
        "voucherify",
        "customers",
        {
            "id": "cust_cwzFQcb3C5XgbgVknYPUNb1p",
            "source_id": "trackcust5432",
            "summary": {
                "redemptions": {
                    "total_redeemed": 5,
                    "total_failed": 0,
                    "total_succeeded": 5,
                    "loyalty_card": {"redeemed_points": 0, "points_to_go": 200},
                },
                "orders": {
                    "total_amount": 148800,
                    "total_count": 5,
                    "average_amount": 49600,
                    "last_order_amount": 0,
                    "last_order_date": "2021-04-12T12:51:26Z",
                },
            },
            "loyalty": {
                "points": 340,
                "referred_customers": 1,
                "campaigns": {"loyalty easy": {"points": 200}, "Loyalty Upgrade 01/2021": {"points": 140}},
            },
            "object": "customer",
        },
    ),
    (
        "ometria",
        "profiles",
        {
            "@type": "profile",
            "id": "2695-c473e2-4aaf58",
            "customer_id": "55555",
            "email": "bob22@example.com",
            "stats": {
                "aov": 49.72,
                "orders": 2,
                "orders_attempted": 3,
                "revenue": 99.44,
                "total_items": 5,
                "visits": 20,
            },
        },
    ),
    (
        "optimizely",
        "profiles",
        {
            "identifiers": {"email": "odp@reconciliation.example", "customer_id": "9001"},
            "insights": {
                "total_revenue": 120.0,
                "order_count": 2,
                "average_order_value": 60.0,
                "engagement_score": 71.5,
            },
        },
    ),
    ("open_delivery", "customers", {"identifier": {"type": "EMAIL", "value": "delivery@reconciliation.example"}}),
    (
        "omnisend",
        "events",
        {"eventName": "custom", "eventID": "example-event", "contact": {"email": "events@reconciliation.example"}},
    ),
)


def stage(w: WarehouseBuilder) -> None:
    for vendor, stream, record in EXAMPLES:
        outcome = normalise(vendor, stream, [record], export_date=DAY, file_name=f"example-{stream}.ndjson")
        assert outcome.rejects == []
        for table in outcome.normalised.frames:
            w.rows[table].extend(outcome.normalised.frame(table).to_dicts())
    for number, total, quantity, status in (
        ("E-1", "50.00", 3, "completed"),
        ("E-2", "49.44", 2, "paid"),
        ("E-3", "7.00", 1, "created"),
    ):
        w.line(
            own_order(w, "ometria", number, "2695-c473e2-4aaf58", total, status=status),
            "p",
            quantity=quantity,
            total=total,
        )
    for number, total, subtotal in (("E-4", "75.00", "70.00"), ("E-5", "65.00", "60.00")):
        own_order(w, "optimizely", number, "9001", total, subtotal=subtotal)
    w.adjustment("optimizely", "E-5", "10.00", subtotal_amount="10.00")
    several_profiles(w)
    two_currencies(w)
    their_definition(w)
    states_of_the_day(w)
    nothing_on_both_sides(w)
    two_last_orders(w)
    day_of_the_export(w)


def own_order(
    w: WarehouseBuilder, source: str, number: str, record: str, total: str, **values: object
) -> dict[str, object]:
    return w.order(
        source,
        number,
        **{
            "total": total,
            "stream": "profiles",
            "owner_record_id": record,
            "ordered_at": datetime(2024, 2, 1, tzinfo=UTC),
            **values,
        },
    )


def figure(w: WarehouseBuilder, source: str, record: str, metric: str, value: str, stream: str = "profiles") -> None:
    w.add(
        "vendor_stats",
        source=source,
        stream=stream,
        owner_record_id=record,
        metric=metric,
        value_num=value,
        definition_id=f"stats.{metric}",
        export_date=DAY,
    )


def several_profiles(w: WarehouseBuilder) -> None:
    """One person, two profiles at one vendor with an address in common."""
    for record in ("twin-1", "twin-2"):
        w.profile("ometria", record, email="twins@reconciliation.example")
    own_order(w, "ometria", "T-1", "twin-1", "10.00")
    own_order(w, "ometria", "T-2", "twin-2", "30.00")
    for metric, value in (("order_count", "1"), ("total_revenue", "10.00"), ("average_order_value", "10.00")):
        figure(w, "ometria", "twin-1", metric, value)
    for metric, value in (("order_count", "2"), ("total_revenue", "40.00"), ("average_order_value", "20.00")):
        figure(w, "ometria", "twin-2", metric, value)


def two_currencies(w: WarehouseBuilder) -> None:
    w.profile("ometria", "abroad", email="abroad@reconciliation.example")
    own_order(w, "ometria", "A-1", "abroad", "10.00")
    own_order(w, "ometria", "A-2", "abroad", "20.00", currency="GBP")
    for metric, value in (("total_revenue", "33.00"), ("average_order_value", "16.50")):
        w.add(
            "vendor_stats",
            source="ometria",
            stream="profiles",
            owner_record_id="abroad",
            metric=metric,
            value_num=value,
            currency="EUR",
            export_date=DAY,
        )


def their_definition(w: WarehouseBuilder) -> None:
    """ODP counts no order that was reported to it as canceled, and takes subtotals."""
    w.profile("optimizely", "canceled", email="canceled@reconciliation.example")
    own_order(w, "optimizely", "D-1", "canceled", "55.00", subtotal="50.00", is_from_event=True)
    own_order(w, "optimizely", "D-2", "canceled", "85.00", subtotal="80.00", is_from_event=True)
    w.adjustment("optimizely", "D-2", None, action="cancel", occurred_at=datetime(2024, 2, 2, tzinfo=UTC))
    for metric, value in (("total_revenue", "50"), ("order_count", "1"), ("average_order_value", "50")):
        figure(w, "optimizely", "canceled", metric, value)


def states_of_the_day(w: WarehouseBuilder) -> None:
    """A refund, a payment and a cancellation after the export whose figures knew nothing of them."""
    later = date(2024, 3, 3)
    for record in ("refunded-later", "canceled-later"):
        w.profile("optimizely", record, email=f"{record}@reconciliation.example")
        own_order(w, "optimizely", record, record, "100.00", subtotal="100.00", is_from_event=True)
        for metric, value in (("total_revenue", "100"), ("order_count", "1"), ("average_order_value", "100")):
            figure(w, "optimizely", record, metric, value)
    w.adjustment(
        "optimizely",
        "refunded-later",
        "30.00",
        subtotal_amount="30.00",
        occurred_at=datetime(2024, 3, 2, 10, tzinfo=UTC),
        export_date=later,
    )
    w.adjustment(
        "optimizely",
        "canceled-later",
        None,
        action="cancel",
        occurred_at=datetime(2024, 3, 2, 10, tzinfo=UTC),
        export_date=later,
    )
    w.profile("voucherify", "paid-later", stream="customers")
    for status, day in (("created", DAY), ("paid", later)):
        own_order(
            w, "voucherify", "paid-later", "paid-later", "70.00", status=status, stream="customers", export_date=day
        )
    figure(w, "voucherify", "paid-later", "order_count", "0", "customers")
    figure(w, "voucherify", "paid-later", "total_revenue", "0", "customers")


def nothing_on_both_sides(w: WarehouseBuilder) -> None:
    w.profile("voucherify", "nothing", stream="customers")
    for metric in (
        "total_revenue",
        "order_count",
        "average_order_value",
        "last_order_amount",
        "redemptions_total",
        "loyalty_points",
    ):
        figure(w, "voucherify", "nothing", metric, "0", "customers")


def two_last_orders(w: WarehouseBuilder) -> None:
    """Either of two orders of one moment is the last."""
    for number, reported in enumerate(("30.00", "60.00")):
        record = f"two-last-{number}"
        w.profile("voucherify", record, stream="customers")
        for total in ("30.00", "60.00"):
            own_order(w, "voucherify", f"{record}-{total}", record, total, stream="customers", status="paid")
        figure(w, "voucherify", record, "last_order_amount", reported, "customers")


def day_of_the_export(w: WarehouseBuilder) -> None:
    """The vendor knows the orders of the day on which it exports; what is ordered later is compared with nothing."""
    w.profile("ometria", "same-day", email="same-day@reconciliation.example")
    for number, day in enumerate(
        (datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, 20, tzinfo=UTC), datetime(2024, 3, 2, 9, tzinfo=UTC))
    ):
        own_order(w, "ometria", f"same-day-{number}", "same-day", "10.00", ordered_at=day, export_date=date(2024, 3, 2))
    figure(w, "ometria", "same-day", "order_count", "2")
    figure(w, "ometria", "same-day", "total_revenue", "20.00")


VERDICT = (
    "select verdict from marts.customer_stat_reconciliation where source = $1 and source_record_id = $2 and metric = $3"
)


@pytest.mark.parametrize(
    ("source", "record", "metric", "verdict"),
    [
        ("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p", "total_revenue", "inconsistent_at_source"),
        ("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p", "average_order_value", "inconsistent_at_source"),
        ("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p", "loyalty_points", "match"),
        ("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p", "points_to_go", "inconsistent_at_source"),
        ("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p", "redemptions_total", "mismatch"),
        ("ometria", "2695-c473e2-4aaf58", "total_revenue", "match"),
        ("ometria", "2695-c473e2-4aaf58", "average_order_value", "match"),
        ("ometria", "2695-c473e2-4aaf58", "order_count", "match"),
        ("ometria", "2695-c473e2-4aaf58", "orders_attempted", "match"),
        ("ometria", "2695-c473e2-4aaf58", "total_items", "match"),
        ("ometria", "2695-c473e2-4aaf58", "visits", "not_comparable"),
        ("optimizely", "9001", "total_revenue", "explained"),
        ("optimizely", "9001", "average_order_value", "explained"),
        ("optimizely", "9001", "order_count", "match"),
        ("optimizely", "9001", "engagement_score", "not_comparable"),
    ],
)
def test_the_figures_of_the_published_examples_get_their_verdicts(
    query: Query, source: str, record: str, metric: str, verdict: str
) -> None:
    assert query(VERDICT, [source, record, metric]) == [(verdict,)]


def test_the_examples_without_figures_have_nothing_to_reconcile(query: Query) -> None:
    assert query(
        "select count(*) from marts.customer_stat_reconciliation where source in ('open_delivery', 'omnisend')"
    ) == [(0,)]


@pytest.mark.parametrize("metric", ["order_count", "total_revenue", "average_order_value"])
def test_one_of_several_profiles_is_held_to_its_own_orders_and_not_to_the_persons(query: Query, metric: str) -> None:
    assert query(
        "select order_count from marts.customer_insights join marts.dim_customers using (customer_id) where email = 'twins@reconciliation.example'"
    ) == [(2,)]
    assert query(VERDICT, ["ometria", "twin-1", metric]) == [("match",)]
    assert query(VERDICT, ["ometria", "twin-2", metric]) == [("mismatch",)]


@pytest.mark.parametrize("metric", ["total_revenue", "average_order_value"])
def test_orders_of_two_currencies_are_never_added_to_compare_with_a_figure(query: Query, metric: str) -> None:
    sql = f"""
        select verdict, our_value = {metric}, our_value_by_their_definition from marts.customer_stat_reconciliation
        join marts.customer_insights using (customer_id) where source_record_id = 'abroad' and metric = $1
    """
    assert query(sql, [metric]) == [("not_comparable", True, None)]


@pytest.mark.parametrize(
    ("metric", "verdict", "value"),
    [("total_revenue", "explained", 50), ("order_count", "match", 1), ("average_order_value", "explained", 50)],
)
def test_a_cancellation_that_the_vendor_reports_separately_is_part_of_what_it_reports(
    query: Query, metric: str, verdict: str, value: int
) -> None:
    sql = "select verdict, our_value_by_their_definition from marts.customer_stat_reconciliation where source_record_id = 'canceled' and metric = $1"
    assert query(sql, [metric]) == [(verdict, value)]


@pytest.mark.parametrize(
    ("record", "metrics"),
    [
        ("refunded-later", ["average_order_value", "total_revenue"]),
        ("canceled-later", ["average_order_value", "order_count", "total_revenue"]),
        ("paid-later", ["order_count", "total_revenue"]),
    ],
)
def test_a_figure_that_was_true_before_an_order_changed_its_state_is_stale(
    query: Query, record: str, metrics: list[str]
) -> None:
    sql = "select metric, verdict_reason from marts.customer_stat_reconciliation where source_record_id = $1 and verdict = 'stale' order by metric"
    assert query(sql, [record]) == [(metric, "orders have changed since the export") for metric in metrics]


def test_nothing_on_both_sides_is_a_match(query: Query) -> None:
    sql = "select count(*), count(*) filter (verdict = 'match') from marts.customer_stat_reconciliation where source_record_id = 'nothing'"
    assert query(sql) == [(6, 6)]


def test_of_two_last_orders_at_one_moment_the_vendor_may_mean_either(query: Query) -> None:
    assert query("select verdict from marts.customer_stat_reconciliation where source_record_id like 'two-last-%'") == [
        ("explained",),
        ("explained",),
    ]


def test_figures_that_count_the_day_of_their_export_match_and_later_orders_are_not_compared(query: Query) -> None:
    assert query("select verdict from marts.customer_stat_reconciliation where source_record_id = 'same-day'") == [
        ("match",),
        ("match",),
    ]
