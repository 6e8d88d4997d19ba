"""What customers will buy: the published example, and what holds for any population."""

import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import cdnow
from orchestration.forecasting import bg_nbd, forecast, gamma_gamma
from orchestration.forecasting.optimiser import maximise

LIMITS = forecast.Limits(
    minimum_customers=100,
    minimum_repeat_customers=50,
    minimum_history_days=180,
    maximum_purchase_error_share=0.1,
    maximum_value_error_share=0.25,
)
MODEL = bg_nbd.PurchaseModel(r=0.243, alpha=4.414, a=0.793, b=2.426)
VALUES = gamma_gamma.ValueModel(p=6.25, q=3.74, gamma=15.44)
KNOWN = {
    "repeat_count": pl.Int64,
    "recency_days": pl.Int64,
    "age_days": pl.Int64,
    "valued_repeat_count": pl.Int64,
    "repeat_amount": pl.Decimal(18, 2),
}


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    return cdnow.purchases(cdnow.purchase_log())


@pytest.fixture(scope="module")
def published(customers: pl.DataFrame) -> dict[str, cdnow.Figure]:
    return {figure.name: figure for figure in cdnow.figures(customers)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BG/NBD r", "0.243"),
        ("BG/NBD alpha", "4.414"),
        ("BG/NBD a", "0.793"),
        ("BG/NBD b", "2.426"),
        ("BG/NBD log-likelihood", "-9582.4"),
        ("E[Y(39)], x = 2, t_x = 30.43, T = 38.86", "1.226"),
        ("gamma-gamma p", "6.25"),
        ("gamma-gamma q", "3.74"),
        ("gamma-gamma gamma", "15.44"),
    ],
)
def test_the_published_figures_for_cdnow_come_out(published: dict[str, cdnow.Figure], name: str, value: str) -> None:
    assert published[name].published == value
    assert published[name].is_equal, published[name]


def test_the_forecast_of_cdnow_is_an_eighth_below_what_the_customers_then_bought(customers: pl.DataFrame) -> None:
    log = cdnow.purchase_log()
    later = log.filter(pl.col("order_date") > cdnow.LAST_DAY).unique(["customer_id", "order_date"])
    days = (later["order_date"].max() - cdnow.LAST_DAY).days
    expected = bg_nbd.expected_purchases(bg_nbd.fit(customers).model, customers, days=days).sum()
    assert expected / later.height == pytest.approx(0.88, abs=0.005)


def test_the_order_of_the_rows_changes_no_bit(customers: pl.DataFrame) -> None:
    first = forecast.fit(customers, LIMITS)
    for seed in range(3):
        shuffled = customers.sample(fraction=1, shuffle=True, seed=seed)
        assert forecast.fit(shuffled, LIMITS).equals(first)
        assert forecast.predict(shuffled, first).sort("customer_id").equals(forecast.predict(customers, first))


def test_expected_purchases_are_those_of_the_hypergeometric_form() -> None:
    kinds = pl.DataFrame(
        [(x, 7 * x, 7 * x + age) for x in (0, 1, 2, 7) for age in (0, 30, 400)],
        schema=["repeat_count", "recency_days", "age_days"],
        orient="row",
    )
    found = bg_nbd.expected_purchases(MODEL, kinds, days=365)
    for (x, _, age), chance, purchases in zip(
        kinds.iter_rows(), kinds.select(bg_nbd.alive(MODEL)).to_series(), found, strict=True
    ):
        assert purchases == pytest.approx(chance * published_expectation(MODEL, x, age / 7, 365 / 7), rel=1e-9)


def published_expectation(model: bg_nbd.PurchaseModel, x: int, age: float, horizon: float) -> float:
    """Equation 10 of the paper without its denominator, the hypergeometric function as its series."""
    z = horizon / (model.alpha + age + horizon)
    term = series = 1.0
    for k in range(20_000):
        term *= (model.r + x + k) * (model.b + x + k) / (model.a + model.b + x - 1 + k) / (k + 1) * z
        series += term
    shrunk = ((model.alpha + age) / (model.alpha + age + horizon)) ** (model.r + x)
    return (model.a + model.b + x - 1) / (model.a - 1) * (1 - shrunk * series)


def test_a_customer_who_bought_once_is_there_for_certain_and_a_silent_regular_is_not() -> None:
    people = pl.DataFrame({"repeat_count": [0, 10, 10], "recency_days": [0, 300, 100], "age_days": [400, 310, 700]})
    newcomer, regular, silent = people.select(bg_nbd.alive(MODEL)).to_series()
    assert newcomer == 1.0
    assert regular > 0.9
    assert silent < 0.01


def test_the_mean_of_few_purchases_is_drawn_towards_that_of_all() -> None:
    people = pl.DataFrame(
        {"valued_repeat_count": [0, 1, 50], "repeat_amount": ["0.00", "100.00", "5000.00"]}
    ).with_columns(pl.col("repeat_amount").cast(pl.Decimal(18, 2)))
    unknown, one, many = people.select(gamma_gamma.expected_value(VALUES)).to_series()
    assert unknown == pytest.approx(6.25 * 15.44 / 2.74)
    assert unknown < one < many < 100


def test_amounts_in_another_unit_change_the_scale_only(customers: pl.DataFrame) -> None:
    valued = customers.filter(pl.col("repeat_amount") > 0)
    plain = gamma_gamma.fit(valued).model
    yen = gamma_gamma.fit(valued.with_columns(pl.col("repeat_amount") * 160)).model
    assert (yen.p, yen.q, yen.gamma / 160) == pytest.approx((plain.p, plain.q, plain.gamma), rel=1e-5)


def test_a_frequent_buyer_is_no_overflow() -> None:
    people = pl.DataFrame(
        {"repeat_count": [5_000, 5_000, 0], "recency_days": [7_000, 10, 0], "age_days": [7_000, 7_000, 0]}
    )
    assert bg_nbd.expected_purchases(MODEL, people, days=365).is_between(0, 365).all()


def test_the_greatest_point_within_bounds_is_found() -> None:
    def hill(point: tuple[float, ...]) -> tuple[float, tuple[float, ...]]:
        x, y = (math.log(value) for value in point)
        return -((x - 1) ** 2) - 10 * (y - x) ** 2, ((-2 * (x - 1) + 20 * (y - x)) / point[0], -20 * (y - x) / point[1])

    inside = maximise(hill, start=(0.1, 50.0), bounds=((1e-3, 1e3), (1e-3, 1e3)))
    assert inside.is_converged
    assert inside.point == pytest.approx((math.e, math.e), rel=1e-6)
    outside = maximise(hill, start=(0.5, 0.5), bounds=((1e-3, 1.0), (1e-3, 1.0)))
    assert all(value <= 1.0 for value in outside.point)


@st.composite
def populations(draw: st.DrawFn) -> pl.DataFrame:
    """Customers as no model would have them: regular as clockwork, all alike, with one purchase a day or in ten years."""
    kinds = draw(
        st.lists(
            st.tuples(
                st.integers(0, 400),
                st.integers(0, 3_000),
                st.integers(0, 1_000),
                st.integers(1, 200),
                st.decimals("0.00", "100000.00", places=2),
            ),
            min_size=1,
            max_size=6,
        )
    )
    rows = []
    for repeats, recency, silence, people, amount in kinds:
        span = max(recency, repeats) if repeats else 0
        rows += [(repeats, span, span + silence, repeats, amount if repeats else 0)] * people
    return pl.DataFrame(rows, schema=KNOWN, orient="row").with_row_index("customer_id")


@settings(max_examples=15, deadline=None)
@given(populations())
def test_any_population_gets_a_sound_forecast_or_none(people: pl.DataFrame) -> None:
    models = forecast.fit(people, LIMITS)
    found = forecast.predict(people, models)
    if models["model_status"].item() != forecast.FITTED:
        assert models["status_reason"].item()
        assert found.drop("customer_id").null_count().sum_horizontal().item() == 3 * people.height
    else:
        assert found["probability_alive"].is_between(0, 1).all()
        assert found["expected_purchases"].is_between(0, 365).all()
        assert (found["expected_value"].is_finite() & (found["expected_value"] >= 0)).all()


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (pl.lit(False), "0 customers with an order, 100 are needed"),
        (pl.col("customer_id") < "0100", "99 customers with an order, 100 are needed"),
        (pl.col("repeat_count") == 0, "0 customers who bought again, 50 are needed"),
    ],
)
def test_too_little_data_is_said_and_gives_no_figure(customers: pl.DataFrame, kept: pl.Expr, reason: str) -> None:
    few = customers.filter(kept)
    models = forecast.fit(few, LIMITS)
    assert models.select("model_status", "status_reason").row(0) == ("too_little_data", reason)
    assert forecast.predict(few, models).drop("customer_id").null_count().sum_horizontal().item() == 3 * few.height


def test_a_short_history_is_too_little_data() -> None:
    log = cdnow.purchase_log()
    models = forecast.fit(cdnow.purchases(log, as_of=date(1997, 3, 31)), LIMITS)
    assert models.select("model_status", "status_reason").row(0) == (
        "too_little_data",
        "89 days since the first order, 180 are needed",
    )


def test_a_model_that_contradicts_its_data_is_not_shown(customers: pl.DataFrame) -> None:
    strict = forecast.Limits(100, 50, 180, maximum_purchase_error_share=1e-9, maximum_value_error_share=0.25)
    assert forecast.fit(customers, strict)["model_status"].item() == "not_plausible"
