"""What each customer will buy and spend in the next year, or why that cannot be said.

Purchases come from the BG/NBD model, their value from the gamma-gamma model, both fitted to this installation's own
customers. Without enough of them, or where a model contradicts what it was fitted to, there is no forecast at all: a
number that looks exact is worse than none. The models themselves do not belong here, nor does reading orders.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import polars as pl

from orchestration.forecasting import bg_nbd, gamma_gamma
from orchestration.runtime.wording import counted

HORIZON_DAYS = 365
FITTED, TOO_LITTLE_DATA, NOT_PLAUSIBLE = "fitted", "too_little_data", "not_plausible"

PURCHASE_PARAMETERS = ("r", "alpha", "a", "b")
VALUE_PARAMETERS = ("p", "q", "gamma")
FIGURES = (
    *PURCHASE_PARAMETERS,
    *VALUE_PARAMETERS,
    "log_likelihood",
    "observed_repeats",
    "expected_repeats",
    "observed_mean_value",
    "expected_mean_value",
)
MODELS = {"model_status": pl.String, "status_reason": pl.String, **dict.fromkeys(FIGURES, pl.Float64)}


@dataclass(frozen=True)
class Limits:
    """When data are enough and a model is believed; the columns of seed forecast_limits."""

    minimum_customers: int
    minimum_repeat_customers: int
    minimum_history_days: int
    maximum_purchase_error_share: float
    maximum_value_error_share: float


def fit(customers: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """One row: the status, and if fitted the parameters and what they are believed for.

    `customers` has `repeat_count`, `recency_days`, `age_days`, `valued_repeat_count` and `repeat_amount`, in any order.
    """
    reason = next(_lacking(customers, limits), None)
    if reason:
        return _row(TOO_LITTLE_DATA, reason, {})
    valued = _valued(customers)
    purchases, values = bg_nbd.fit(customers), gamma_gamma.fit(valued)
    figures = {
        **asdict(purchases.model),
        **asdict(values.model),
        "log_likelihood": purchases.log_likelihood,
        "observed_repeats": float(customers["repeat_count"].sum()),
        "expected_repeats": bg_nbd.expected_repeats(purchases.model, customers),
        "observed_mean_value": gamma_gamma.observed_mean(valued),
        "expected_mean_value": gamma_gamma.mean_value(values.model),
    }
    doubt = next(_doubts(purchases, values, figures, limits), None)
    return _row(NOT_PLAUSIBLE, doubt, figures) if doubt else _row(FITTED, None, figures)


def predict(customers: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """By customer, in the given order: the forecast as of the day of `age_days`; all null unless the models are
    fitted."""
    fitted = models.row(0, named=True)
    if fitted["model_status"] != FITTED:
        return customers.select("customer_id", **{name: pl.lit(None, pl.Float64) for name in _FORECAST})
    purchases = bg_nbd.PurchaseModel(*(fitted[name] for name in PURCHASE_PARAMETERS))
    values = gamma_gamma.ValueModel(*(fitted[name] for name in VALUE_PARAMETERS))
    expected = bg_nbd.expected_purchases(purchases, customers, days=HORIZON_DAYS)
    return customers.select(
        "customer_id",
        probability_alive=bg_nbd.alive(purchases),
        expected_purchases=expected,
        expected_value=gamma_gamma.expected_value(values),
    )


_FORECAST = ("probability_alive", "expected_purchases", "expected_value")


def _lacking(customers: pl.DataFrame, limits: Limits) -> Iterator[str]:
    repeaters = customers.filter(pl.col("repeat_count") > 0).height
    valued = _valued(customers).height
    history = customers["age_days"].max() or 0
    if customers.height < limits.minimum_customers:
        yield f"{counted(customers.height, 'customer')} with an order, {limits.minimum_customers} are needed"
    if repeaters < limits.minimum_repeat_customers:
        yield f"{counted(repeaters, 'customer')} who bought again, {limits.minimum_repeat_customers} are needed"
    if valued < limits.minimum_repeat_customers:
        yield f"{counted(valued, 'customer')} whose later purchases have a value, {limits.minimum_repeat_customers} are needed"
    if history < limits.minimum_history_days:  # ty: ignore[unsupported-operator]
        yield f"{history} days since the first order, {limits.minimum_history_days} are needed"


def _doubts(
    purchases: bg_nbd.PurchaseFit, values: gamma_gamma.ValueFit, figures: dict[str, float], limits: Limits
) -> Iterator[str]:
    if not purchases.is_converged:
        yield "no likeliest model of purchases was found"
    if not values.is_converged:
        yield "no likeliest model of values was found"
    if abs(figures["expected_repeats"] / figures["observed_repeats"] - 1) > limits.maximum_purchase_error_share:
        yield "the model of purchases does not give back the purchases it was fitted to"
    if abs(figures["expected_mean_value"] / figures["observed_mean_value"] - 1) > limits.maximum_value_error_share:
        yield "the model of values does not give back the values it was fitted to"


def _valued(customers: pl.DataFrame) -> pl.DataFrame:
    return customers.filter(pl.col("valued_repeat_count") > 0, pl.col("repeat_amount") > 0)


def _row(status: str, reason: str | None, figures: dict[str, float]) -> pl.DataFrame:
    return pl.DataFrame([{"model_status": status, "status_reason": reason, **figures}], schema=MODELS)
