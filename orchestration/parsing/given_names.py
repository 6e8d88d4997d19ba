"""The given name of a person, as evidence of who shares an identifier with whom."""

import polars as pl

from orchestration.parsing.text import by_distinct, clean, stepwise, without_accents

NAME_TITLES = (
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "dra",
    "prof",
    "sr",
    "sra",
    "srta",
    "herr",
    "frau",
    "dona",
    "mme",
    "mlle",
)


def name_evidence(expr_first: pl.Expr, expr_full: pl.Expr) -> pl.Expr:
    """Given name for comparing people: first word of the first name, else of the full name; no accents, lower case,
    letters only.

    Null if shorter than two letters: an initial proves nothing. In `Silva, Ana` the given name stands after the comma.
    """
    return stepwise(_given_names, pl.String, first=clean(expr_first), full=clean(expr_full))


def _given_names(names: pl.DataFrame) -> pl.Series:
    """First names repeat, and where one states the given name, the full name is not looked at."""
    found = by_distinct(names["first"], _given_name)
    is_open = found.is_null() & names["full"].is_not_null()
    if not is_open.any():
        return found
    full = pl.col("full").str.replace(r"^[^,]+,\s*(\S.*)$", "$1")
    return found.scatter(is_open.arg_true(), names.filter(is_open).select(_given_name(full)).to_series())


def _given_name(name: pl.Expr) -> pl.Expr:
    words = (
        without_accents(name).str.replace_all(r"[^\p{L}\s\-.]", "").str.replace_all(r"[\s\-.]+", " ").str.strip_chars()
    )
    first = words.str.replace(rf"^(?:(?:{'|'.join(NAME_TITLES)}) )+", "").str.extract(r"^(\S+)")
    return pl.when(first.str.len_chars() >= 2).then(first)
