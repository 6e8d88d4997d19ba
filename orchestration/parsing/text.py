"""Text columns as they are compared: trimmed, without accents, each different word looked up once. Pure Polars
expressions.

Every function of this package takes expressions of text as delivered and never raises on data: what cannot be read is
null, and the caller compares given with parsed to log the failure. Nothing here knows a vendor, a table or a file.
"""

from collections.abc import Callable

import polars as pl

# Words that systems and people write where there is no value.
EMPTY_WORDS = (
    "null", "none", "nil", "nan", "n/a", "na", "n.a.", "undefined", "unknown", "empty", "not available", "not provided", "no email", "noemail",
    "nao informado", "não informado", "nao tem", "não tem", "sem email", "sem e-mail", "-", "--", "---", ".", "?", "0",
)  # fmt: skip


def clean(expr: pl.Expr) -> pl.Expr:
    """Text without white space around it; blank is null. Inside nothing changes."""
    return expr.cast(pl.String).str.strip_chars().replace("", None)


def stepwise(
    read: Callable[[pl.DataFrame], pl.Series], dtype: pl.DataType | type[pl.DataType], **columns: pl.Expr
) -> pl.Expr:
    """`read` over a frame of the columns, so that a step used twice is computed once: an expression that repeats itself
    grows exponentially."""
    return pl.struct(**columns).map_batches(  # ty: ignore[no-matching-overload]
        lambda struct: read(struct.struct.unnest()), return_dtype=dtype, is_elementwise=True
    )


def by_distinct(words: pl.Series, translate: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Translation of a column of few different words, each looked up once."""
    distinct = words.drop_nulls().unique()
    if not distinct.len():
        return pl.Series(words.name, [None] * words.len(), dtype=pl.String)
    found = distinct.to_frame("word").select(translate(pl.col("word"))).to_series()
    return words.replace_strict(distinct, found, default=None, return_dtype=pl.String)


def without_accents(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
