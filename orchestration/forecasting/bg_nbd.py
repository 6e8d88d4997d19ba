"""How often customers will buy again, and who has left: the BG/NBD model of Fader, Hardie and Lee (2005).

While a customer stays he buys at random at a rate of his own (gamma: `r`, `alpha`), and after each purchase leaves for
good with a chance of his own (beta: `a`, `b`). What is known of a customer is enough: the purchases after the first,
when the last one was and how long ago the first, counted in days and modelled in weeks as the paper does.

The likelihood needs logarithms only, and the expectation one integral, so that Polars is enough for a million
customers: numpy and scipy would add 172 MB for an optimiser and a hypergeometric function that overflows for frequent
buyers. Of the libraries, `lifetimes` has had no release since 2020, `btyd` none since 2022, and pymc-marketing samples
with PyMC.

What too little data is does not belong here.
"""

import math
from dataclasses import dataclass
from functools import partial

import polars as pl

from orchestration.forecasting.optimiser import Point, maximise

DAYS_PER_WEEK = 7
START = (1.0, 10.0, 1.0, 2.0)
BOUNDS = ((1e-3, 1e2), (1e-3, 1e5), (1e-2, 1e2), (1e-2, 1e3))
KNOWN = ("repeat_count", "recency_days", "age_days")


@dataclass(frozen=True)
class PurchaseModel:
    """Parameters of a population; `alpha` in weeks."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class PurchaseFit:
    """The likeliest parameters, to as many digits as are the same on every machine."""

    model: PurchaseModel
    log_likelihood: float
    is_converged: bool


def fit(customers: pl.DataFrame) -> PurchaseFit:
    """The model of these customers (`repeat_count`, `recency_days`, `age_days`)."""
    counted = customers.group_by(KNOWN).agg(customers=pl.len().cast(pl.Int64)).sort(KNOWN)
    optimum = maximise(partial(_mean_log_likelihood, counted, _counts_beyond(counted)), start=START, bounds=BOUNDS)
    return PurchaseFit(
        PurchaseModel(*(float(f"{value:.6g}") for value in optimum.point)),
        optimum.value * customers.height,
        optimum.is_converged,
    )


def alive(model: PurchaseModel) -> pl.Expr:
    """Chance that a customer has not left."""
    return 1 / (1 + _log_odds_of_leaving(model).exp())


def expected_purchases(model: PurchaseModel, customers: pl.DataFrame, *, days: int) -> pl.Series:
    """Purchases of each customer in the next `days`, one a day at most."""
    kinds = customers.select("repeat_count", "age_days").unique().sort("repeat_count", "age_days")
    staying = kinds.with_columns(if_alive=_expected_if_alive(model, kinds, horizon=pl.lit(float(days))))
    found = customers.join(staying, on=["repeat_count", "age_days"], how="left", maintain_order="left")
    return found.select((pl.col("if_alive") * alive(model)).clip(upper_bound=days)).to_series()


def expected_repeats(model: PurchaseModel, customers: pl.DataFrame) -> float:
    """Purchases after the first that the model expects of all customers in the time they have been known."""
    ages = customers.group_by("age_days").len("customers").sort("age_days")
    newcomers = ages.select(pl.lit(0).alias("repeat_count"), pl.lit(0).alias("age_days"), horizon=pl.col("age_days"))
    return float((_expected_if_alive(model, newcomers, horizon=pl.col("horizon")) * ages["customers"]).sum())


def _counts_beyond(counted: pl.DataFrame) -> list[int]:
    """How many customers bought again more than 0, 1, 2 … times: all that the gamma functions of the likelihood depend
    on."""
    by_count = dict(counted.group_by("repeat_count").agg(pl.col("customers").sum()).iter_rows())
    beyond = [0]
    for repeat_count in range(max(by_count), 0, -1):
        beyond.append(beyond[-1] + by_count.get(repeat_count, 0))
    return beyond[:0:-1]


def _mean_log_likelihood(counted: pl.DataFrame, beyond: list[int], point: Point) -> tuple[float, Point]:
    """Equation 6 of the paper by customer, and its derivatives; ln Γ(r + x) - ln Γ(r) is a sum of logarithms."""
    model = PurchaseModel(*point)
    r, alpha, a, b = point
    customers, repeats = pl.col("customers"), pl.col("repeat_count")
    odds, left = pl.col("log_odds"), pl.col("left")
    rows = (
        counted.with_columns(
            _weeks(pl.col("age_days"), alpha).log().alias("log_age"),
            _weeks(pl.col("recency_days"), alpha).log().alias("log_recency"),
        )
        .with_columns(_log_odds_of_leaving(model).alias("log_odds"))
        .with_columns((1 / (1 + (-odds).exp())).alias("left"))
    )
    total, by_r, by_alpha, all_left, by_b = rows.select(
        (
            customers * (odds.clip(lower_bound=0) + (-odds.abs()).exp().log1p() - (r + repeats) * pl.col("log_age"))
        ).sum(),
        (customers * (left * (pl.col("log_age") - pl.col("log_recency")) - pl.col("log_age"))).sum().alias("by_r"),
        (
            -customers
            * (r + repeats)
            * ((1 - left) / _weeks(pl.col("age_days"), alpha) + left / _weeks(pl.col("recency_days"), alpha))
        )
        .sum()
        .alias("by_alpha"),
        (customers * left).sum().alias("all_left"),
        (-customers * left / (b - 1 + repeats.clip(lower_bound=1))).sum().alias("by_b"),
    ).row(0)
    size = rows["customers"].sum()
    both = math.fsum(count / (a + b + i) for i, count in enumerate(beyond))
    total += size * r * math.log(alpha) + math.fsum(  # ty: ignore[unsupported-operator]
        count * math.log((r + i) * (b + i) / (a + b + i)) for i, count in enumerate(beyond)
    )
    by_r += size * math.log(alpha) + math.fsum(  # ty: ignore[unsupported-operator]
        count / (r + i) for i, count in enumerate(beyond)
    )
    by_b += math.fsum(count / (b + i) for i, count in enumerate(beyond)) - both
    return total / size, (
        by_r / size,
        (by_alpha + size * r / alpha) / size,  # ty: ignore[unsupported-operator]
        (all_left / a - both) / size,
        by_b / size,
    )


def _log_odds_of_leaving(model: PurchaseModel) -> pl.Expr:
    """Logarithm of the chance to have left over the chance to be there; nobody leaves before his second purchase."""
    repeats = pl.col("repeat_count")
    silence = _weeks(pl.col("age_days"), model.alpha).log() - _weeks(pl.col("recency_days"), model.alpha).log()
    odds = math.log(model.a) - (model.b - 1 + repeats.clip(lower_bound=1)).log() + (model.r + repeats) * silence
    return pl.when(repeats > 0).then(odds).otherwise(-math.inf)


def _weeks(days: pl.Expr, more: float) -> pl.Expr:
    return days / DAYS_PER_WEEK + more


# Points of the integral below. Against 60 digits of the hypergeometric form, nine models up to the bounds, 0 to 150
# purchases: off by 1e-7 at most.
SPACING = 0.125
REACH = 9.0
# Each has a row for every point: 10 MB a column.
CUSTOMERS_AT_ONCE = 8_000


def _expected_if_alive(model: PurchaseModel, customers: pl.DataFrame, *, horizon: pl.Expr) -> pl.Series:
    """Purchases in `horizon` days of a customer who is there: over all chances `p` to leave that he may have, the mean
    of (1 - (1 + p h / (alpha + T)) ** -(r + x)) / p, which is what the hypergeometric form of the paper (equation 10)
    sums up.

    The integral runs over the log-odds of `p`, by the trapezoidal rule, denser where the beta distribution has its
    weight.
    """
    a, others = model.a, pl.col("others")
    known = customers.select(
        reach=horizon / DAYS_PER_WEEK / _weeks(pl.col("age_days"), model.alpha),
        rate=model.r + pl.col("repeat_count"),
        others=model.b + pl.col("repeat_count"),
    ).with_columns(
        middle=(a / others).log(),
        width=(1 / a + 1 / others).sqrt().clip(upper_bound=1),
        log_peak=a * (a / (a + others)).log() + others * (others / (a + others)).log(),
    )
    found = [_means(model, some).get_column("purchases") for some in known.iter_slices(CUSTOMERS_AT_ONCE)]
    return pl.concat(found) if found else pl.Series("purchases", [], pl.Float64)


def _means(model: PurchaseModel, known: pl.DataFrame) -> pl.DataFrame:
    """One row per row: the weighted mean over the points of the integral."""
    steps = [step * SPACING for step in range(-round(REACH / SPACING), round(REACH / SPACING) + 1)]
    points = pl.DataFrame({"far": [math.sinh(step) for step in steps], "dense": [math.cosh(step) for step in steps]})
    log_odds, log_p, p, half = (pl.col(name) for name in ("log_odds", "log_p", "p", "half"))
    log_weight = model.a * log_p + pl.col("others") * (log_p - log_odds) - pl.col("log_peak")
    return (
        known.with_row_index("row")
        .join(points, how="cross", maintain_order="left_right")
        .with_columns(log_odds=pl.col("middle") + pl.col("width") * pl.col("far"))
        .with_columns(log_p=-((-log_odds).clip(lower_bound=0) + (-log_odds.abs()).exp().log1p()))
        .with_columns(p=log_p.clip(lower_bound=-600).exp(), weight=log_weight.exp() * pl.col("dense"))
        .with_columns(half=((pl.col("reach") * p).log1p() * pl.col("rate") / 2).tanh())
        .group_by("row", maintain_order=True)
        .agg(purchases=(pl.col("weight") * 2 * half / (1 + half) / p).sum() / pl.col("weight").sum())
    )
