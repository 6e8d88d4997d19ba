"""Text columns into numbers and flags, exactly: nothing goes through a float that a decimal could lose."""

from functools import partial

import polars as pl

from orchestration.parsing.text import clean, stepwise

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
_LONGEST_NUMBER = 100


def money(expr: pl.Expr) -> pl.Expr:
    """DECIMAL(18,4), exact, half up (away from zero) beyond four decimals; null unless it is a plain or scientific
    number that fits."""
    return stepwise(partial(_decimals, scale=4), pl.Decimal(38, 4), text=clean(expr)).cast(
        pl.Decimal(18, 4), strict=False
    )


def decimal(expr: pl.Expr) -> pl.Expr:
    """The type and rule of `money`, for figures that are not money."""
    return money(expr)


def number(expr: pl.Expr) -> pl.Expr:
    """DECIMAL(38,6), exact, half up beyond six decimals."""
    return stepwise(partial(_decimals, scale=6), pl.Decimal(38, 6), text=clean(expr))


def minor_to_major(expr_money_text: pl.Expr, exponent: pl.Expr | int) -> pl.Expr:
    """Amount in minor units (cents) as DECIMAL(18,4) in major units, exact: the point moves `exponent` digits to the
    left."""
    places = pl.lit(exponent) if isinstance(exponent, int) else exponent
    major = stepwise(
        partial(_decimals, scale=4), pl.Decimal(38, 4), text=clean(expr_money_text), places=-places.cast(pl.Int64)
    )
    return major.cast(pl.Decimal(18, 4), strict=False)


def cents_to_major(expr_money_text: pl.Expr, exponent: pl.Expr | int) -> pl.Expr:
    """Like `minor_to_major`, but null for a fraction: there is no part of a cent, so the amount was meant in another
    unit."""
    text = clean(expr_money_text)
    return pl.when(~text.str.contains(r"\.[0-9]*[1-9][0-9]*$|[eE]-")).then(minor_to_major(text, exponent))


def integer(expr: pl.Expr) -> pl.Expr:
    """BIGINT of a whole number, also written `5.0` or `1e3`; null if it has a fraction or does not fit."""
    plain = stepwise(plain_numbers, pl.String, text=clean(expr)).str.replace(r"^([+-]?)\.0", "${1}0.0")
    return plain.str.extract(r"^([+-]?[0-9]+)(?:\.0*)?$").cast(pl.Int64, strict=False)


def double(expr: pl.Expr) -> pl.Expr:
    """DOUBLE; null unless finite."""
    value = clean(expr).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def flag(expr: pl.Expr) -> pl.Expr:
    """BOOLEAN of true/false, t/f, yes/no, y/n, 1/0 in any case; anything else is null."""
    words = {
        "true": True,
        "t": True,
        "yes": True,
        "y": True,
        "1": True,
        "false": False,
        "f": False,
        "no": False,
        "n": False,
        "0": False,
    }
    return clean(expr).str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def _decimals(frame: pl.DataFrame, *, scale: int) -> pl.Series:
    """Half up by text: cut after `scale` decimals, then one unit away from zero where the next digit is 5 or more."""
    plain, cut = pl.col("plain"), pl.col("cut")
    digits = frame.select(plain=plain_numbers(frame))
    long = plain.str.contains(rf"\.[0-9]{{{scale + 1}}}")
    if not digits.select(long.any()).item():
        return digits["plain"].cast(pl.Decimal(38, scale), strict=False)
    unit = (
        pl.when(plain.str.starts_with("-"))
        .then(pl.lit(f"-1e-{scale}"))
        .otherwise(pl.lit(f"1e-{scale}"))
        .cast(pl.Decimal(38, scale))
    )
    largest = pl.lit("9" * (38 - scale)).cast(pl.Decimal(38, scale))
    is_up = plain.str.contains(rf"\.[0-9]{{{scale}}}[5-9]")
    staged = digits.select(
        cut=plain.str.extract(rf"^([+-]?[0-9]*\.?[0-9]{{0,{scale}}})").cast(pl.Decimal(38, scale), strict=False),
        unit=pl.when(is_up).then(unit).otherwise(pl.lit("0").cast(pl.Decimal(38, scale))),
    )
    return staged.select(pl.when(cut.abs() < largest).then(cut) + pl.when(cut.abs() < largest).then("unit")).to_series()


def plain_numbers(frame: pl.DataFrame) -> pl.Series:
    """The numbers in `text` without an exponent, as text; null where it is no number. The point moves by `places`,
    where that is given."""
    text = pl.col("text")
    is_number = text.str.contains(_NUMBER) & (text.str.len_bytes() <= _LONGEST_NUMBER)
    numbers = frame.with_columns(text=pl.when(is_number).then(text))
    is_scientific = text.str.contains("[eE]")
    if "places" not in frame.columns:
        if not numbers.select(is_scientific.any()).item():
            return numbers["text"]
        numbers = numbers.with_columns(places=pl.lit(0, pl.Int64))
    exponent = text.str.extract("[eE]([+-]?[0-9]+)$").cast(pl.Int64).fill_null(0)
    moved = numbers.with_columns(text=text.str.extract("^([^eE]*)"), places=pl.col("places") + exponent)
    return (
        moved.with_columns(moved=pl.when(pl.col("places") != 0).then("text"))
        .select(pl.when(pl.col("places") == 0).then("text").otherwise(_shifted(pl.col("moved"), pl.col("places"))))
        .to_series()
    )


def _shifted(text: pl.Expr, places: pl.Expr) -> pl.Expr:
    """The plain number with its point moved to the right by `places` (negative: left): exact, for it is done on the
    text."""
    padding = "0" * (_LONGEST_NUMBER + 20)
    whole = text.str.extract(r"^[+-]?([0-9]*)")
    fraction = text.str.extract(r"\.([0-9]*)$").fill_null("")
    digits = pl.concat_str(pl.lit(padding), whole, fraction, pl.lit(padding))
    point = len(padding) + whole.str.len_bytes().cast(pl.Int64) + places.clip(-len(padding), len(padding))
    major = digits.str.slice(0, point.cast(pl.UInt64)).str.strip_chars_start("0")
    minor = digits.str.slice(point).str.strip_chars_end("0")
    return pl.concat_str(text.str.extract("^([+-]?)"), pl.lit("0"), major, pl.lit("."), minor)
