"""Values that need more than an expression: times, amounts, words, and what is typed already."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from orchestration.parsing.times import ISO


@dataclass(frozen=True)
class Time:
    """A time: the first of the sources that is given, read by the formats in the account's zone.

    Without any the column's `is_…_inferred` flag is set and the start of the export date taken if `else_export_date`.
    Where it would be earlier than one of the times of `not_before`, that one stands in, and is inferred.
    """

    sources: tuple[pl.Expr, ...]
    formats: tuple[str, ...] = ISO
    else_export_date: bool = False
    is_inferred: pl.Expr | None = None
    date_only_hour: int = 0
    not_before: tuple[pl.Expr, ...] = ()


def time(
    *sources: pl.Expr,
    formats: tuple[str, ...] = ISO,
    else_export_date: bool = False,
    is_inferred: pl.Expr | None = None,
    date_only_hour: int = 0,
    not_before: tuple[pl.Expr, ...] = (),
) -> Time:
    """See `Time`."""
    return Time(sources, formats, else_export_date, is_inferred, date_only_hour, not_before)


# Minor units have as many decimals as their currency; hundredths two, whatever the currency. An amount that is `stated`
# so is in major units although its record states others.
Unit = Literal["major", "minor", "hundredths", "stated"]


@dataclass(frozen=True)
class Amount:
    """An amount stated in its own unit, where a row mixes units or the sign must go."""

    source: pl.Expr
    unit: Unit = "major"
    absolute: bool = False


def absolute(source: pl.Expr, unit: Unit = "major") -> Amount:
    """An amount with a sign that means nothing."""
    return Amount(source, unit, absolute=True)


@dataclass(frozen=True)
class Typed:
    """An expression that already gives the column's type and needs no parsing; with `given`, null is logged as an issue
    where that is given."""

    expr: pl.Expr
    given: pl.Expr | None = None


@dataclass(frozen=True)
class Word:
    """One of our words, as an expression, and where the vendor's own words for it stand, with those that are known.

    A word that is given and not known is logged as `unknown_word`; where no other word says more, the column is then
    `unknown` if it may hold that, else null.
    """

    expr: pl.Expr
    sources: tuple[tuple[pl.Expr, frozenset[str]], ...]


Value = pl.Expr | Time | Amount | Typed | Word
