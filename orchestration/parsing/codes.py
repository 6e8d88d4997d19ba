"""Words that stand for codes: countries, states, currencies, genders, languages. The names themselves are in
`geography.py`."""

from collections.abc import Callable

import polars as pl

from orchestration.canonical import geography
from orchestration.parsing.text import by_distinct, clean, without_accents

GENDERS = {
    "f": (
        "f",
        "female",
        "feminino",
        "feminina",
        "femenino",
        "femenina",
        "woman",
        "mulher",
        "mujer",
        "femme",
        "frau",
        "weiblich",
        "w",
    ),
    "m": ("m", "male", "masculino", "masculina", "man", "homem", "hombre", "homme", "herr", "mannlich"),
    "x": (
        "x",
        "d",
        "o",
        "other",
        "outro",
        "otro",
        "divers",
        "diverse",
        "non binary",
        "nonbinary",
        "nao binario",
        "no binario",
        "unspecified",
    ),
}


def country(expr: pl.Expr) -> pl.Expr:
    """ISO 3166-1 alpha-2 of a code of two or three letters or of a name in one of `geography.NAME_LANGUAGES`; else
    null."""
    return _looked_up(word_key(expr), geography.country_code)


def state(expr: pl.Expr, country_expr: pl.Expr) -> pl.Expr:
    """Code of a state of US, CA, BR or AU, given as code, name or `BR-SP`, in the country (alpha-2); else null."""
    return _looked_up(country_expr + " " + word_key(expr), geography.state_code)


def currency(expr: pl.Expr) -> pl.Expr:
    """ISO 4217 code in upper case, of today's currencies and those since 1990; else null."""
    code = clean(expr).str.to_uppercase()
    return pl.when(code.is_in(geography.currency_codes())).then(code)


def gender(expr: pl.Expr) -> pl.Expr:
    """f, m or x of the usual words in English, Portuguese, Spanish, German and French; else null."""
    words = {word: code for code, listed in GENDERS.items() for word in listed}
    return word_key(expr).replace_strict(words, default=None, return_dtype=pl.String)


def language(expr: pl.Expr) -> pl.Expr:
    """BCP 47 tag: language in lower, script in title, region in upper case, from a tag, a three-letter code or the
    language's name; else null."""
    text = clean(expr)
    part = text.str.extract_groups(
        r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[.@].*)?$"
    ).struct.field
    subtag = pl.coalesce(part("1"), text)
    code = _looked_up(word_key(subtag), geography.language_code)
    script = pl.coalesce("-" + part("2").str.to_titlecase(), pl.lit(""))
    region = pl.coalesce("-" + part("3").str.to_uppercase(), pl.lit(""))
    return pl.concat_str(code, script, region)


def _looked_up(words: pl.Expr, code_of: Callable[[str], str | None]) -> pl.Expr:
    """The code of each word, each word asked for once."""
    return words.map_batches(
        lambda series: by_distinct(series, lambda word: word.map_elements(code_of, return_dtype=pl.String)),
        return_dtype=pl.String,
        is_elementwise=True,
    )


def word_key(expr: pl.Expr) -> pl.Expr:
    """`geography.word_key` of a column."""
    plain = without_accents(clean(expr)).str.replace_all(r"[.'’]", "").str.replace_all("&", " and ", literal=True)
    return plain.str.replace_all(r"[^\p{Alphabetic}\p{M}\p{N}]+", " ").str.strip_chars()
