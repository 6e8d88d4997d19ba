"""Phone numbers by columns are what libphonenumber says of each."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.phones import disagreements, made_up
from orchestration.parsing import phone_numbers


def phone(text, region=None):
    frame = pl.DataFrame({"given": [text], "region": [region]}, schema={"given": pl.String, "region": pl.String})
    return frame.select(read=phone_numbers.phone(pl.col("given"), pl.col("region")))["read"][0]


def test_columns_agree_with_the_library_on_made_up_numbers_of_twenty_countries():
    assert disagreements(made_up(8_000, seed=1)).is_empty()


def test_repeated_values_get_the_same_verdict_as_distinct_ones():
    numbers = made_up(300, seed=2)
    assert disagreements(pl.concat([numbers] * 3)).is_empty()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(
        st.tuples(
            st.text("0123456789+-() .x*/ext", max_size=16), st.sampled_from(("BR", "US", "CA", "GB", "KZ", "ZZ", None))
        ),
        min_size=1,
        max_size=20,
    )
)
def test_odd_texts_by_columns_are_judged_as_alone(pairs, every_plan_by_columns):
    assert disagreements(pl.DataFrame(pairs, schema={"value": pl.String, "region": pl.String}, orient="row")).is_empty()


@pytest.fixture
def every_plan_by_columns(monkeypatch):
    monkeypatch.setattr(phone_numbers, "FEWEST_FOR_A_PLAN", 1)


def test_every_example_number_of_every_region_agrees_with_the_library(every_plan_by_columns):
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    examples = [
        (kind, region, phonenumbers.example_number_for_type(region, kind)) for region in regions for kind in (0, 1, 3)
    ]
    known = [(region, number) for _, region, number in examples if number is not None]
    forms = (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL)
    rows = [(phonenumbers.format_number(number, form), region) for region, number in known for form in forms]
    assert disagreements(pl.DataFrame(rows, schema={"value": pl.String, "region": pl.String}, orient="row")).is_empty()


@pytest.mark.parametrize(
    ("text", "region", "value"),
    [
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("11 8765-4321", "BR", "+5511987654321"),
        ("+55 11 8765-4321", None, "+5511987654321"),
        ("+551133334444", None, "+551133334444"),
        ("+5511999999999", None, "+5511999999999"),
        ("'011 98765 4321", "BR", "+5511987654321"),
        ("0055 11 98765-4321", "US", "+5511987654321"),
        ("5511987654321.0", "BR", "+5511987654321"),
        ("tel:+1-212-555-2368", None, "+12125552368"),
        ("(212) 555-2368", "us", "+12125552368"),
        ("＋４４ ７９１１ ２０５３８４", None, "+447911205384"),
        ("００４４７９１１２０５３８４", None, "+447911205384"),
        ("٠٠٤٤٧٩١١٢٠٥٣٨٤", "BR", "+447911205384"),
    ],
)
def test_the_habits_of_exports_are_undone(text, region, value):
    assert phone(text, region) == {"value": value, "is_valid": True, "invalid_reason": None}


@pytest.mark.parametrize(
    ("text", "region", "value", "reason"),
    [
        ("555-867-5309", None, None, "no_region"),
        ("555-867-5309", "US", "+15558675309", "unassigned"),
        ("+443031237300", None, "+443031237300", "call_centre"),
        ("4004-1234", "BR", "+5540041234", "call_centre"),
        ("0800 123 4567", "BR", "+558001234567", "premium_or_toll_free"),
        ("(11) 3333-4444 ramal 12", "BR", "+551133334444", "extension"),
        ("+1 212 555 2368 x12", None, "+12125552368", "extension"),
        ("11 9****-1234", "BR", None, "masked"),
        ("00000000000", "BR", None, "repeated_digits"),
        ("99999999999", "BR", None, "repeated_digits"),
        ("n/a", "BR", None, "malformed"),
        ("123", "BR", None, "malformed"),
    ],
)
def test_numbers_that_join_nobody_say_why(text, region, value, reason):
    assert phone(text, region) == {"value": value, "is_valid": False, "invalid_reason": reason}


@pytest.mark.parametrize("text", [None, "", " "])
def test_nothing_given_is_neither_valid_nor_invalid(text):
    assert phone(text, "BR") == {"value": None, "is_valid": None, "invalid_reason": None}
