"""What customers spend when they buy: the gamma-gamma model of Fader and Hardie (2013).

A customer's purchases vary around his own mean (gamma: `p`), and the means of customers vary too (gamma: `q`, `gamma`),
so that the mean of few purchases is drawn towards everybody's. As published, first purchases are left out.
"""

import math
from dataclasses import dataclass
from functools import partial

import polars as pl

from orchestration.forecasting.optimiser import Point, maximise

START = (2.0, 3.0, 2.0)
BOUNDS = ((1e-2, 1e3), (1.01, 1e3), (1e-3, 1e5))


@dataclass(frozen=True)
class ValueModel:
    """Parameters of a population; `gamma` in the currency of the amounts."""

    p: float
    q: float
    gamma: float


@dataclass(frozen=True)
class ValueFit:
    """The likeliest parameters, to as many digits as are the same on every machine."""

    model: ValueModel
    is_converged: bool


def fit(customers: pl.DataFrame) -> ValueFit:
    """The model of these customers (`valued_repeat_count`, `repeat_amount`, both above zero)."""
    spent = customers.select(count="valued_repeat_count", amount=pl.col("repeat_amount").cast(pl.Float64)).sort(
        "count", "amount"
    )
    unit = observed_mean(customers)
    counts = spent.group_by("count").len("customers").sort("count").rows()
    scaled = spent.with_columns(pl.col("amount") / unit)
    optimum = maximise(partial(_mean_log_likelihood, scaled, counts), start=START, bounds=BOUNDS)
    p, q, gamma = optimum.point
    return ValueFit(ValueModel(*(float(f"{value:.6g}") for value in (p, q, gamma * unit))), optimum.is_converged)


def expected_value(model: ValueModel) -> pl.Expr:
    """Mean of a customer's future purchases; everybody's mean where nothing is known of repeat purchases."""
    amount = pl.col("repeat_amount").cast(pl.Float64).fill_null(0)
    return model.p * (model.gamma + amount) / (model.p * pl.col("valued_repeat_count") + model.q - 1)


def mean_value(model: ValueModel) -> float:
    """Mean purchase over all customers."""
    return model.p * model.gamma / (model.q - 1)


def observed_mean(customers: pl.DataFrame) -> float:
    """Mean over these customers of the mean of their own repeat purchases."""
    means = customers.select(mean=pl.col("repeat_amount").cast(pl.Float64) / pl.col("valued_repeat_count"))
    return float(means["mean"].sort().sum()) / means.height


def _mean_log_likelihood(spent: pl.DataFrame, counts: list[tuple[int, int]], point: Point) -> tuple[float, Point]:
    """Equation 1a of the note by customer, less what no parameter changes, and its derivatives."""
    p, q, gamma = point
    size = spent.height
    count, amount, log_all = pl.col("count"), pl.col("amount"), (pl.col("amount") + gamma).log()
    total, by_p, all_logs, by_gamma = spent.select(
        (p * count * amount.log() - (p * count + q) * log_all).sum(),
        (count * (amount.log() - log_all)).sum().alias("by_p"),
        log_all.sum().alias("all_logs"),
        ((p * count + q) / (gamma + amount)).sum().alias("by_gamma"),
    ).row(0)
    total += math.fsum(
        n * (math.lgamma(p * x + q) - math.lgamma(p * x) - math.lgamma(q) + q * math.log(gamma)) for x, n in counts
    )
    by_p += math.fsum(n * x * (_digamma(p * x + q) - _digamma(p * x)) for x, n in counts)
    by_q = math.fsum(n * (_digamma(p * x + q) - _digamma(q) + math.log(gamma)) for x, n in counts) - all_logs
    return total / size, (by_p / size, by_q / size, (size * q / gamma - by_gamma) / size)


def _digamma(x: float) -> float:
    """Derivative of `math.lgamma`, by its recurrence and then its asymptotic series."""
    shift = 0.0
    while x < 10:
        shift -= 1 / x
        x += 1
    square = 1 / (x * x)
    return (
        shift
        + math.log(x)
        - 0.5 / x
        - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    )
