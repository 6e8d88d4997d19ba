"""Insights, engagement and what else is counted, computed a second time here."""

import csv
import math
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.support.installation import (
    EXPORT_DATES,
    PROJECT,
    Installation,
    ometria_order,
    ometria_profile,
    omnisend_event,
    voucherify_customer,
    voucherify_order,
)

pytestmark = pytest.mark.long

AS_OF = date(2026, 3, 4)
STAGES = {182: "active", 183: "at_risk", 384: "at_risk", 385: "lapsed"}
REPORTED = {
    "total_amount": 148800,
    "total_count": 5,
    "average_amount": 49600,
    "last_order_amount": 0,
    "last_order_date": "2021-04-12T12:51:26Z",
}


def land(installation: Installation) -> None:
    installation.land(
        "ometria/orders",
        EXPORT_DATES[0],
        "figures.ndjson",
        *(
            ometria_order(
                f"I-{days}", 10, email=f"i.days{days}@example.com", time=f"{AS_OF - timedelta(days=days)}T12:00:00Z"
            )
            for days in STAGES
        ),
        ometria_order("I-created", 10, "pending", email="i.created@example.com"),
        ometria_order(
            "I-a1",
            "10.00",
            email="i.sums@example.com",
            time="2026-01-01T08:00:00Z",
            lineitems=[{"product_id": "x", "quantity": 3, "unit_price": "3.33"}],
        ),
        ometria_order(
            "I-a2",
            "10.05",
            email="i.sums@example.com",
            time="2026-02-01T08:00:00Z",
            lineitems=[{"product_id": "x", "quantity": 1, "unit_price": "10.05"}],
        ),
        ometria_order(
            "I-a3",
            "99.00",
            "canceled",
            email="i.sums@example.com",
            time="2026-02-20T08:00:00Z",
            lineitems=[{"product_id": "x", "quantity": 7, "unit_price": "1"}],
        ),
        ometria_order(
            "I-a4",
            "20.00",
            "partial_refund",
            email="i.sums@example.com",
            time="2026-02-10T08:00:00Z",
            total_refunded="5.00",
        ),
        ometria_order("I-xaf", "20.00", email="i.norate@example.com", currency="XAF"),
    )
    installation.land(
        "ometria/profiles",
        EXPORT_DATES[0],
        "figures.ndjson",
        ometria_profile(
            "R-match",
            email="r.match@example.com",
            stats={"aov": 49.72, "orders": 2, "orders_attempted": 3, "revenue": 99.44, "total_items": 5, "visits": 20},
        ),
        ometria_profile(
            "R-off",
            email="r.off@example.com",
            stats={"aov": 10, "orders": 1, "orders_attempted": 1, "revenue": 10, "total_items": 1, "visits": 2},
        ),
    )
    installation.land(
        "ometria/orders",
        EXPORT_DATES[0],
        "reconciled.ndjson",
        ometria_order(
            "R-1",
            "49.00",
            email="r.match@example.com",
            lineitems=[{"product_id": "x", "quantity": 2, "unit_price": "24.5"}],
        ),
        ometria_order(
            "R-2",
            "50.44",
            email="r.match@example.com",
            lineitems=[{"product_id": "x", "quantity": 3, "unit_price": "16"}],
        ),
        ometria_order("R-3", "50.44", "canceled", email="r.match@example.com"),
    )
    busy = "i.busy@example.com"
    moments = [(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=number)).isoformat() for number in range(30)]
    installation.land(
        "omnisend/events",
        EXPORT_DATES[3],
        "visits.ndjson",
        *(
            omnisend_event("viewed product", f"i-view-{number}", busy, moment, productID="x")
            for number, moment in enumerate(moments)
        ),
        omnisend_event("started checkout", "i-checkout", busy, "2026-02-25T07:30:00Z"),
        omnisend_event("viewed product", "i-single", "i.single@example.com", "2026-03-04T23:59:59Z", productID="x"),
        omnisend_event("viewed product", "i-future", "i.future@example.com", "2026-03-06T00:00:00Z", productID="x"),
    )
    installation.land(
        "voucherify/customers",
        EXPORT_DATES[0],
        "figures.ndjson",
        voucherify_customer("cust_r_broken", email="r.broken@example.com", summary={"orders": REPORTED}),
        voucherify_customer(
            "cust_r_referrer", email="r.referrer@example.com", loyalty={"points": 340, "referred_customers": 1}
        ),
        voucherify_customer(
            "cust_r_referred",
            email="r.referred@example.com",
            referrals={
                "total": 1,
                "campaigns": [
                    {
                        "campaign_id": "camp_r",
                        "referrer_id": "cust_r_referrer",
                        "related_object_id": "r_1",
                        "related_object_type": "redemption",
                        "date": "2021-04-16T11:49:44Z",
                    }
                ],
            },
        ),
    )
    installation.land(
        "voucherify/orders",
        EXPORT_DATES[0],
        "figures.ndjson",
        voucherify_order("ord_r1", "R-V1", 1000, customer="cust_r_referrer"),
    )
    redemption = {
        "object": "redemption",
        "date": "2026-02-10T10:00:00Z",
        "customer_id": "cust_r_referrer",
        "tracking_id": "t",
    }
    installation.land(
        "voucherify/redemptions",
        EXPORT_DATES[0],
        "figures.ndjson",
        {
            **redemption,
            "id": "r_gift",
            "amount": 1000,
            "result": "SUCCESS",
            "voucher": {"code": "GIFT", "type": "GIFT_VOUCHER"},
            "order": {"id": "ord_r1", "source_id": "R-V1"},
        },
        {
            **redemption,
            "id": "r_points",
            "amount": 70,
            "result": "SUCCESS",
            "voucher": {"code": "LOYAL", "type": "LOYALTY_CARD"},
        },
        {
            **redemption,
            "id": "r_failed",
            "result": "FAILURE",
            "failure_code": "customer_rules_violated",
            "voucher": {"code": "GIFT", "type": "GIFT_VOUCHER"},
        },
    )


def insight(world: Installation, email: str, *columns: str) -> tuple[object, ...]:
    return world.row(
        f"select {', '.join(columns)} from marts.customer_insights where customer_id = ?", world.customer_with(email)
    )


@pytest.mark.parametrize(("days", "stage"), STAGES.items())
def test_the_life_cycle_turns_on_the_day(world: Installation, days: int, stage: str) -> None:
    assert insight(world, f"i.days{days}@example.com", "lifecycle_stage") == (stage,)


def test_who_never_bought_validly_is_a_lead(world: Installation) -> None:
    wanted = ("lead", 0, 1, Decimal("0.00"), None, None, None)
    assert (
        insight(
            world,
            "i.created@example.com",
            "lifecycle_stage",
            "order_count",
            "orders_attempted",
            "total_revenue",
            "average_order_value",
            "first_order_at",
            "last_order_at",
        )
        == wanted
    )


def test_sums_are_over_valid_orders_only(world: Installation) -> None:
    columns = (
        "order_count",
        "orders_attempted",
        "total_revenue",
        "average_order_value",
        "refunded_amount",
        "item_quantity",
        "first_order_at",
        "last_order_at",
        "reporting_currency",
        "as_of_date",
    )
    assert insight(world, "i.sums@example.com", *columns) == (
        3,
        4,
        Decimal("35.05"),
        Decimal("11.68"),
        Decimal("5.00"),
        Decimal(4),
        datetime(2026, 1, 1, 8, tzinfo=UTC),
        datetime(2026, 2, 10, 8, tzinfo=UTC),
        "EUR",
        AS_OF,
    )


def test_an_order_without_a_rate_is_left_out_of_the_sums(world: Installation) -> None:
    assert insight(world, "i.norate@example.com", "total_revenue", "orders_attempted") == (Decimal("0.00"), 1)


def test_every_person_has_one_row_of_insights(world: Installation) -> None:
    assert (
        world.rows("select customer_id from marts.dim_customers except select customer_id from marts.customer_insights")
        == []
    )
    assert world.value("select count(*) - count(distinct customer_id) from marts.customer_insights") == 0


def test_revenue_is_the_sum_over_valid_orders_for_everybody(world: Installation) -> None:
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for person, amount in world.rows(
        "select customer_id, net_amount_reporting from marts.fct_orders where is_valid and customer_id is not null"
    ):
        amounts[person].append(amount)
    for person, count, revenue, average in world.rows(
        "select customer_id, order_count, total_revenue, average_order_value from marts.customer_insights"
    ):
        assert count == len(amounts[person])
        assert revenue == sum((amount for amount in amounts[person] if amount is not None), Decimal(0))
        if count and None not in amounts[person]:
            assert average == (revenue / count).quantize(Decimal("0.01"), ROUND_HALF_UP)
        if not count:
            assert average is None


def test_engagement_is_the_published_formula(world: Installation) -> None:
    with (PROJECT / "dbt_project" / "seeds" / "engagement_weights.csv").open() as file:
        weights = {
            row["engagement_class"]: {key: float(value) for key, value in row.items() if key != "engagement_class"}
            for row in csv.DictReader(file)
        }
    end = datetime(2026, 3, 5, tzinfo=UTC)
    worth: dict[tuple[str, str], float] = defaultdict(float)
    on_day: Counter[tuple[str, str, date]] = Counter()
    for person, kind, moment in world.rows(
        "select customer_id, engagement_class, occurred_at from marts.fct_events where is_active and customer_id is not null order by occurred_at"
    ):
        on_day[person, kind, moment.date()] += 1
        if kind in weights and moment < end and on_day[person, kind, moment.date()] <= weights[kind]["daily_limit"]:
            worth[person, kind] += weights[kind]["weight"] * 2 ** (
                -(end - moment).total_seconds() / 86400 / weights[kind]["half_life_days"]
            )
    totals: dict[str, float] = defaultdict(float)
    for (person, kind), value in worth.items():
        totals[person] += min(weights[kind]["cap"], value)
    k = next(iter(weights.values()))["k"]
    for person, score in world.rows("select customer_id, engagement_score from marts.customer_insights"):
        assert score == pytest.approx(100 * (1 - math.exp(-totals[person] / k)), abs=0.01)
    assert totals[world.customer_with("i.busy@example.com")] > totals[world.customer_with("i.single@example.com")] > 0
    assert insight(world, "i.future@example.com", "engagement_score") == (0.0,)


def test_scores_and_percentiles_stay_in_bounds(world: Installation) -> None:
    assert (
        world.row(
            "select min(engagement_score) >= 0, max(engagement_score) <= 100, min(engagement_percentile) >= 0, max(engagement_percentile) <= 100 from marts.customer_insights"
        )
        == (True,) * 4
    )
    assert (
        world.value(
            "select count(*) from marts.customer_insights where rfm_recency not between 1 and 5 or rfm_frequency not between 1 and 5 or rfm_monetary not between 1 and 5"
        )
        == 0
    )


def verdicts(world: Installation, source: str, record: str) -> dict[str, str]:
    return dict(
        world.rows(
            "select metric, verdict from marts.customer_stat_reconciliation where source = ? and source_record_id = ?",
            source,
            record,
        )
    )


def test_figures_that_agree_match(world: Installation) -> None:
    reported = verdicts(world, "ometria", "R-match")
    assert {
        reported[metric]
        for metric in ("order_count", "orders_attempted", "total_revenue", "average_order_value", "total_items")
    } == {"match"}
    assert reported["visits"] == "not_comparable"


def test_figures_that_contradict_each_other_are_said_to(world: Installation) -> None:
    reported = verdicts(world, "voucherify", "cust_r_broken")
    assert reported["average_order_value"] == "inconsistent_at_source"
    values = dict(
        world.rows(
            "select metric, vendor_value from marts.customer_stat_reconciliation where source_record_id = 'cust_r_broken'"
        )
    )
    assert (values["total_revenue"], values["average_order_value"], values["order_count"]) == (1488, 496, 5)


def test_figures_that_are_wrong_do_not_match(world: Installation) -> None:
    assert verdicts(world, "ometria", "R-off")["total_revenue"] in ("mismatch", "stale")


def test_a_referral_names_who_brought_whom(world: Installation) -> None:
    found = world.row(
        "select referrer_customer_id, referred_customer_id, campaign_id from marts.fct_referrals where campaign_id = 'camp_r'"
    )
    assert found == (
        world.customer_of("voucherify", "cust_r_referrer"),
        world.customer_of("voucherify", "cust_r_referred"),
        "camp_r",
    )
    assert found[0] != found[1]


def test_a_redemption_is_money_or_points(world: Installation) -> None:
    assert world.rows(
        "select redemption_id, money_amount, points_amount, result from marts.fct_redemptions where redemption_id in ('r_gift', 'r_points', 'r_failed') order by 1"
    ) == [
        ("r_failed", None, None, "failure"),
        ("r_gift", Decimal(10), None, "success"),
        ("r_points", None, Decimal(70), "success"),
    ]
    assert (
        world.value(
            "select order_number from marts.fct_redemptions join marts.fct_orders using (order_id) where redemption_id = 'r_gift'"
        )
        == "R-V1"
    )
