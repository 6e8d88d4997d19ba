"""Words become codes, or null; never another country's."""

import polars as pl
import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from orchestration.canonical import geography
from orchestration.parsing import codes
from orchestration.parsing.text import clean


def column(expression, values):
    return (
        pl.DataFrame({"given": values}, schema={"given": pl.String})
        .select(read=expression(pl.col("given")))["read"]
        .to_list()
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "US") for text in ("us", "USA", "U.S.A.", "United States", "United States of America", "Estados Unidos")),
        *((text, "BR") for text in ("br", "BRA", "Brasil", "Brazil", "BRÉSIL")),
        *((text, "GB") for text in ("UK", "GB", "England", "Great Britain")),
        ("Lithuania", "LT"), ("Lietuva", "LT"), ("Deutschland", "DE"), ("Côte d’Ivoire", "CI"), ("Bosnia and Herzegovina", "BA"), ("中国", "CN"),
        ("ZZ", None), ("EU", None), ("Atlantis", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_countries(text, code):
    assert column(codes.country, [text]) == [code]


def test_every_english_name_of_a_country_is_its_own():
    names = Locale.parse("en").territories
    countries = list(geography.countries())
    assert len(countries) == 250  # 249 of ISO 3166-1, and Kosovo
    assert column(codes.country, [names[code] for code in countries]) == countries


def test_states_are_read_within_their_country():
    frame = pl.DataFrame(
        {
            "state": ["Virginia", "va", "US-VA", "São Paulo", "sao paulo", "SP", "WA", "WA", "Vilnius", None],
            "country": ["US"] * 3 + ["BR"] * 3 + ["US", "AU", "LT", "US"],
        }
    )
    read = frame.select(read=codes.state(pl.col("state"), pl.col("country")))["read"].to_list()
    assert read == ["VA"] * 3 + ["SP"] * 3 + ["WA", "WA", None, None]


def test_currencies_are_iso_4217_of_our_age():
    assert (
        column(codes.currency, ["eur", " USD ", "BRL", "JPY", "hrk", "XXX", "BTC", "€", "", None])
        == ["EUR", "USD", "BRL", "JPY", "HRK"] + [None] * 5
    )


def test_genders():
    assert column(
        codes.gender, ["M", "male", "Masculino", "F", "Female", "feminino", "x", "Non-binary", "", "?", None]
    ) == ["m"] * 3 + ["f"] * 3 + [
        "x",
        "x",
        None,
        None,
        None,
    ]


def test_languages_become_tags():
    assert column(codes.language, ["pt_BR", "EN", "English", "por", "zh-hans-cn", "Português", "en_US.UTF-8", "xx-YY", None]) == [
        "pt-BR", "en", "en", "pt", "zh-Hans-CN", "pt", "en-US", None, None,
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(max_codepoint=0x2FF), max_size=12), min_size=1, max_size=10))
def test_columns_and_tables_make_the_same_key_of_a_word(words):
    keys = pl.DataFrame({"given": words}).select(key=codes.word_key(pl.col("given")).fill_null(""))["key"].to_list()
    assert keys == [geography.word_key(word.strip()) for word in words]


def test_text_is_trimmed_and_blank_is_null():
    assert column(clean, [" a  b ", "", "\t\n", None]) == ["a  b", None, None, None]
