"""What must hold of engagement and quintiles whatever the customers did; no warehouse is built for an example."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.model import Model
from tests.support.warehouse_builder import WarehouseBuilder

DAY = date(2024, 3, 1)
END = datetime(2024, 3, 2, tzinfo=UTC)
CLASSES = {"purchase": (10.0, 90.0, 40.0), "browse": (1.0, 14.0, 8.0)}
WEIGHTS = [
    {"engagement_class": name, "weight": weight, "half_life_days": half_life, "cap": cap, "daily_limit": 20, "k": 30}
    for name, (weight, half_life, cap) in CLASSES.items()
]
Event = tuple[str, str, int]
EVENTS = st.lists(
    st.tuples(st.sampled_from(["anna", "ben"]), st.sampled_from(sorted(CLASSES)), st.integers(-3600, 40 * 86400)),
    max_size=60,
)
OTHERS = st.lists(
    st.tuples(st.sampled_from(["carla", "dan"]), st.sampled_from(sorted(CLASSES)), st.integers(0, 40 * 86400)),
    max_size=20,
)
EXAMPLES = hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def staged(events: Sequence[Event]) -> list[dict[str, object]]:
    return [
        {
            "event_id": str(number),
            "source": "ometria",
            "source_account": "default",
            "customer_id": customer,
            "engagement_class": engagement_class,
            "is_active": True,
            "occurred_at": END - timedelta(seconds=age),
        }
        for number, (customer, engagement_class, age) in enumerate(events)
    ]


def days(*wanted: date) -> list[dict[str, object]]:
    return [
        {
            "insight_date": day,
            "is_run_day": day == max(wanted),
            "reporting_time_zone": "UTC",
            "reporting_currency": "EUR",
            "day_end": datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1),
        }
        for day in wanted
    ]


@pytest.fixture(scope="module")
def engagement(warehouse: WarehouseBuilder) -> Iterator[Model]:
    with closing(Model(warehouse, "int_engagement")) as model:
        yield model


@pytest.fixture(scope="module")
def figures(warehouse: WarehouseBuilder) -> Iterator[Model]:
    with closing(Model(warehouse, "int_customer_figures")) as model:
        yield model


def worth(engagement: Model, events: Sequence[Event], *wanted: date) -> dict[tuple[date, str], Decimal]:
    found = engagement.rows(
        fct_events=staged(events), engagement_weights=WEIGHTS, int_insight_days=days(*(wanted or (DAY,)))
    )
    summed: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for row in found:
        summed[row["insight_date"], row["customer_id"]] += row["counted_worth"]
    return dict(summed)


def by_the_formula(events: Sequence[Event]) -> dict[str, float]:
    """Score before the exponential, straight from its definition."""
    counted: dict[tuple[str, str, date], list[int]] = defaultdict(list)
    for customer, engagement_class, age in events:
        if age > 0:
            counted[customer, engagement_class, (END - timedelta(seconds=age)).date()].append(age)
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for (customer, engagement_class, _), ages in counted.items():
        weight, half_life, _ = CLASSES[engagement_class]
        sums[customer, engagement_class] += sum(
            weight * 2 ** (-age / 86400 / half_life) for age in sorted(ages, reverse=True)[:20]
        )
    total: dict[str, float] = defaultdict(float)
    for (customer, engagement_class), value in sums.items():
        total[customer] += min(CLASSES[engagement_class][2], value)
    return total


@EXAMPLES
@given(events=EVENTS)
def test_worth_is_what_the_formula_says(engagement: Model, events: list[Event]) -> None:
    found = worth(engagement, events)
    expected = by_the_formula(events)
    assert {customer for _, customer in found} == set(expected)
    for (_, customer), value in found.items():
        assert float(value) == pytest.approx(expected[customer], abs=1e-9)


@EXAMPLES
@given(events=EVENTS, others=OTHERS)
def test_more_customers_change_nobodys_worth(engagement: Model, events: list[Event], others: list[Event]) -> None:
    alone = worth(engagement, events)
    among_others = worth(engagement, [*events, *others])
    assert {key: value for key, value in among_others.items() if key[1] in ("anna", "ben")} == alone


@EXAMPLES
@given(events=EVENTS)
def test_days_computed_together_equal_each_computed_alone(engagement: Model, events: list[Event]) -> None:
    wanted = [DAY - timedelta(days=back) for back in range(4)]
    together = worth(engagement, events, *wanted)
    alone = {key: value for day in wanted for key, value in worth(engagement, events, day).items()}
    assert together == alone


@EXAMPLES
@given(
    events=st.lists(st.tuples(st.just("anna"), st.just("purchase"), st.integers(1, 30 * 86400)), min_size=1, max_size=8)
)
def test_a_day_more_fades_what_was_and_adds_what_is_new(engagement: Model, events: list[Event]) -> None:
    """The additive update: nothing of the past is looked at again. Neither limit nor cap is reached here."""
    fresh = [age for _, _, age in events if age <= 86400]
    before = worth(engagement, events, DAY - timedelta(days=1)).get((DAY - timedelta(days=1), "anna"), Decimal(0))
    updated = float(before) * 2 ** (-1 / 90) + sum(10 * 2 ** (-age / 86400 / 90) for age in fresh)
    assert (
        float(worth(engagement, events)[DAY, "anna"]) == pytest.approx(min(updated, 40), abs=1e-9)
        or float(before) == 40
    )


@EXAMPLES
@given(events=EVENTS, seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(engagement: Model, events: list[Event], seed) -> None:
    rows = staged(events)
    shuffled = seed.sample(rows, len(rows))
    tables = {"engagement_weights": WEIGHTS, "int_insight_days": days(DAY)}
    first, second = engagement.rows(fct_events=rows, **tables), engagement.rows(fct_events=shuffled, **tables)
    assert sorted(map(repr, first)) == sorted(map(repr, second))


def test_equal_customers_share_the_lowest_quintile_any_of_them_would_get(figures: Model) -> None:
    people = [f"buyer-{number}" for number in range(5)]
    bought = zip(people, (1, 1, 1, 2, 3), (10, 20, 30, 40, 50), (1, 1, 2, 3, 3), strict=True)
    found = figures.rows(
        dim_customers=[{"customer_id": person} for person in [*people, "lead"]],
        dim_customers_history=[{"customer_id": person, "valid_from": DAY} for person in [*people, "lead"]],
        int_insight_days=days(DAY),
        lifecycle_limits=[
            {"lifecycle_stage": "active", "max_days_since_last_order": 182},
            {"lifecycle_stage": "lapsed"},
        ],
        int_customer_orders=[
            {
                "insight_date": DAY,
                "customer_id": person,
                "order_count": count,
                "orders_attempted": count,
                "total_revenue": revenue,
                "last_order_date": date(2024, 2, day),
                "first_order_date": date(2024, 2, 1),
            }
            for person, count, revenue, day in bought
        ],
    )
    quintiles = {row["customer_id"]: (row["rfm_recency"], row["rfm_frequency"], row["rfm_monetary"]) for row in found}
    assert quintiles == {
        "buyer-0": (1, 1, 1),
        "buyer-1": (1, 1, 2),
        "buyer-2": (3, 1, 3),
        "buyer-3": (4, 4, 4),
        "buyer-4": (4, 5, 5),
        "lead": (None, None, None),
    }


@pytest.mark.parametrize(
    ("days_ago", "stage"),
    [(0, "active"), (182, "active"), (183, "at_risk"), (384, "at_risk"), (385, "lapsed"), (3000, "lapsed")],
)
def test_the_stage_of_life_changes_on_the_day_the_limits_say(
    warehouse: WarehouseBuilder, figures: Model, days_ago: int, stage: str
) -> None:
    limits = warehouse.query("select lifecycle_stage, max_days_since_last_order from seeds.lifecycle_limits")
    (found,) = figures.rows(
        dim_customers=[{"customer_id": "buyer"}],
        dim_customers_history=[{"customer_id": "buyer", "valid_from": DAY}],
        int_insight_days=days(DAY),
        lifecycle_limits=[{"lifecycle_stage": name, "max_days_since_last_order": limit} for name, limit in limits],
        int_customer_orders=[
            {
                "insight_date": DAY,
                "customer_id": "buyer",
                "order_count": 1,
                "last_order_date": DAY - timedelta(days=days_ago),
            }
        ],
    )
    assert found["lifecycle_stage"] == stage
