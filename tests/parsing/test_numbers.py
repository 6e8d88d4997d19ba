"""Numbers are read exactly as `decimal` reads them, or not at all."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.parsing import numbers

DIGITS = st.text("0123456789", max_size=40)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("", "+", "-")),
    DIGITS,
    st.one_of(st.just(""), DIGITS.map(lambda digits: f".{digits}")),
    st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from("eE"), st.integers(-60, 60))),
)
# What Unicode calls white space; Python's own strip takes off four control characters more.
WHITE_SPACE = "".join(char for char in map(chr, range(0x3001)) if char.isspace() and char not in "\x1c\x1d\x1e\x1f")
COLUMNS = st.lists(st.one_of(NUMBERS, st.text(max_size=8)), min_size=1, max_size=20)


def read(expression, values, dtype=pl.String):
    return (
        pl.DataFrame({"given": values}, schema={"given": dtype})
        .select(read=expression(pl.col("given")))["read"]
        .to_list()
    )


def rounded(text: str | None, *, digits: int, scale: int, exponent: int = 0) -> Decimal | None:
    """The slow, obvious reading: a plain or scientific number of ASCII digits, half up, if it fits DECIMAL(digits, scale)."""
    trimmed = (text or "").strip(WHITE_SPACE)
    if not trimmed or not set(trimmed) <= set("0123456789.eE+-"):
        return None
    with localcontext(prec=400):
        try:
            value = Decimal(trimmed).scaleb(-exponent).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
        except ArithmeticError:
            return None
        return value if abs(value) < Decimal(10) ** (digits - scale) else None


@given(COLUMNS)
@example(["0\x1f", "\x1c1", "\x85 2\u3000"])
def test_money_is_the_decimal_rounded_half_up_or_null(values):
    assert read(numbers.money, values) == [rounded(value, digits=18, scale=4) for value in values]


@given(COLUMNS)
def test_numbers_are_decimals_of_six_places_or_null(values):
    assert read(numbers.number, values) == [rounded(value, digits=38, scale=6) for value in values]


@given(COLUMNS, st.integers(0, 4))
def test_minor_units_become_major_units_without_arithmetic_error(values, exponent):
    expected = [rounded(value, digits=18, scale=4, exponent=exponent) for value in values]
    assert read(lambda column: numbers.minor_to_major(column, exponent), values) == expected


@given(COLUMNS)
@example([".0", "-.0", ".", ".5"])
def test_integers_are_whole_numbers_of_64_bits_or_null(values):
    def whole(text):
        value = rounded(text, digits=400, scale=200)
        return int(value) if value is not None and value == int(value) and -(2**63) <= value < 2**63 else None

    assert read(numbers.integer, values) == [whole(value) for value in values]


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("3120", "31.20"),
        ("3120.00", "31.20"),
        ("-5", "-0.05"),
        ("1.5e3", "15.00"),
        ("31.20", None),
        ("0.5", None),
        ("312e-1", None),
    ],
)
def test_a_fraction_is_no_amount_in_cents(text, major):
    assert read(lambda column: numbers.cents_to_major(column, 2), [text]) == [None if major is None else Decimal(major)]


def test_the_exponent_may_differ_by_row():
    frame = pl.DataFrame({"amount": ["3120", "3120", "-3120"], "exponent": [0, 2, 3]})
    result = frame.select(major=numbers.minor_to_major(pl.col("amount"), pl.col("exponent")))["major"].to_list()
    assert result == [Decimal("3120"), Decimal("31.20"), Decimal("-3.12")]


@pytest.mark.parametrize(
    "text",
    [
        "1,000.00",
        "1.000,00",
        "€5",
        "5 EUR",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "1 000",
        "١٢",
        "",
        " ",
        "-",
        ".",
        "1e99999",
        "99999999999999.99995",
    ],
)
def test_what_is_not_surely_a_number_is_no_money(text):
    assert read(numbers.money, [text]) == [None]


def test_types_are_those_of_the_staging_tables():
    frame = pl.DataFrame({"given": ["1"]}).select(
        money=numbers.money(pl.col("given")),
        decimal=numbers.decimal(pl.col("given")),
        number=numbers.number(pl.col("given")),
        integer=numbers.integer(pl.col("given")),
    )
    assert frame.schema == {
        "money": pl.Decimal(18, 4),
        "decimal": pl.Decimal(18, 4),
        "number": pl.Decimal(38, 6),
        "integer": pl.Int64,
    }


def test_doubles_are_finite():
    assert read(numbers.double, ["1.5", "-2e3", "nan", "inf", "1e400", "x", None]) == [
        1.5,
        -2000.0,
        None,
        None,
        None,
        None,
        None,
    ]


def test_flags_are_the_usual_words_in_any_case():
    assert (
        read(numbers.flag, ["TRUE", "t", "Yes", "y", "1", "false", "F", "NO", "n", " 0 "]) == [True] * 5 + [False] * 5
    )
    assert read(numbers.flag, ["2", "", "ja", None]) == [None] * 4


@pytest.mark.parametrize("expression", [numbers.money, numbers.number, numbers.integer, numbers.double, numbers.flag])
def test_an_empty_or_all_null_column_stays_so(expression):
    assert read(expression, []) == []
    assert read(expression, [None, None]) == [None, None]
