"""The forecast models against the published figures for CDNOW: `python benchmarks/cdnow.py` prints both, and the time for many customers.

A tenth of the customers who first bought at CDNOW in early 1997, known until the end of September, as in Fader, Hardie
and Lee (2005) and Fader and Hardie (2013). The purchase log is the one that the package `lifetimes` ships.
"""

import sys
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from orchestration.forecasting import bg_nbd, gamma_gamma

LAST_DAY = date(1997, 9, 30)
EXAMPLE = {"repeat_count": [2], "recency_days": [213], "age_days": [272]}
HALF_A_YEAR_AND_MORE = 39 * 7


@dataclass(frozen=True)
class Figure:
    """One published figure and ours; equal if they differ by no more than one in the last digit published."""

    name: str
    published: str
    ours: float

    @property
    def is_equal(self) -> bool:
        published = Decimal(self.published)
        return abs(Decimal(self.ours) - published) <= Decimal(1).scaleb(int(published.as_tuple().exponent))

    def __str__(self) -> str:
        return f"{self.name:<44}{self.published:>10}{self.ours:>14.5f}  {'equal' if self.is_equal else 'DIFFERENT'}"


def purchase_log() -> pl.DataFrame:
    """Every purchase: customer, day, amount."""
    found = find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("The package `lifetimes`, which ships the log, is not installed; `uv sync` brings it.")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    log = pl.DataFrame(
        [(row[1], row[2], row[4]) for row in rows], schema=["customer_id", "order_date", "amount"], orient="row"
    )
    return log.with_columns(pl.col("order_date").str.to_date("%Y%m%d"), pl.col("amount").cast(pl.Decimal(18, 2)))


def purchases(log: pl.DataFrame, as_of: date = LAST_DAY) -> pl.DataFrame:
    """What `int_customer_purchases` says of each customer as of a day."""
    days = log.filter(pl.col("order_date") <= as_of).group_by("customer_id", "order_date").agg(pl.col("amount").sum())
    first, last = pl.col("order_date").min(), pl.col("order_date").max()
    return (
        days.with_columns(is_repeat=pl.col("order_date") > first.over("customer_id"))
        .group_by("customer_id")
        .agg(
            repeat_count=pl.col("is_repeat").sum().cast(pl.Int64),
            recency_days=(last - first).dt.total_days(),
            age_days=(pl.lit(as_of) - first).dt.total_days(),
            valued_repeat_count=pl.col("is_repeat").sum().cast(pl.Int64),
            repeat_amount=pl.col("amount").filter("is_repeat").sum(),
        )
        .sort("customer_id")
    )


def figures(customers: pl.DataFrame) -> list[Figure]:
    """All figures that the papers give, as our models give them."""
    fitted = bg_nbd.fit(customers)
    model = fitted.model
    values = gamma_gamma.fit(customers.filter(pl.col("repeat_amount") > 0)).model
    expected = bg_nbd.expected_purchases(model, pl.DataFrame(EXAMPLE), days=HALF_A_YEAR_AND_MORE).item()
    return [
        Figure("BG/NBD r", "0.243", model.r),
        Figure("BG/NBD alpha", "4.414", model.alpha),
        Figure("BG/NBD a", "0.793", model.a),
        Figure("BG/NBD b", "2.426", model.b),
        Figure("BG/NBD log-likelihood", "-9582.4", fitted.log_likelihood),
        Figure("E[Y(39)], x = 2, t_x = 30.43, T = 38.86", "1.226", expected),
        Figure("gamma-gamma p", "6.25", values.p),
        Figure("gamma-gamma q", "3.74", values.q),
        Figure("gamma-gamma gamma", "15.44", values.gamma),
    ]


def many(customers: pl.DataFrame, count: int) -> pl.DataFrame:
    """As many customers: those of the log, up to five years older, the last purchase up to a year later, and spending more."""
    repeated = pl.concat([customers] * (count // customers.height + 1)).head(count).with_row_index("number")
    later = pl.col("number") * 7919 % 1825
    shift = pl.min_horizontal(pl.col("number") * 104_729 % 365, later)
    return repeated.with_columns(
        age_days=pl.col("age_days") + later,
        recency_days=pl.when(pl.col("repeat_count") > 0).then(pl.col("recency_days") + shift).otherwise(0),
        repeat_amount=pl.col("repeat_amount") * (pl.col("number") % 97 + 1),
    )


def main() -> None:
    customers = purchases(purchase_log())
    sys.stdout.write(f"{'':<44}{'published':>10}{'ours':>14}\n")
    for figure in figures(customers):
        sys.stdout.write(f"{figure}\n")
    crowd = many(customers, 1_000_000)
    started, used = time.perf_counter(), time.process_time()
    purchase_fit = bg_nbd.fit(crowd)
    value_fit = gamma_gamma.fit(crowd.filter(pl.col("repeat_amount") > 0))
    bg_nbd.expected_purchases(purchase_fit.model, crowd, days=365)
    crowd.select(value=gamma_gamma.expected_value(value_fit.model), alive=bg_nbd.alive(purchase_fit.model))
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    kinds = crowd.select(bg_nbd.KNOWN).n_unique()
    sys.stdout.write(
        f"{crowd.height:,} customers, with {kinds:,} different histories, fitted and forecast in {seconds:.1f} s ({cpu:.1f} CPU s)\n"
    )


if __name__ == "__main__":
    main()
