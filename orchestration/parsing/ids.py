"""Ids that vendors and shops gave, as text: of records, of people, of orders."""

import polars as pl

from orchestration.parsing.text import EMPTY_WORDS, clean


def order_key(expr: pl.Expr) -> pl.Expr:
    """Order number for matching reports of one order: trimmed, leading `#` off, upper case; nothing else. Null where a
    system wrote a word or only zeros for "none": such a number is shared by orders that have nothing in common."""
    return identifier(clean(expr).str.strip_prefix("#"), "order_number").str.to_uppercase()


def identity(expr: pl.Expr) -> pl.Expr:
    """An id as text: trimmed, and a whole number without the fraction that a column with empty cells gives it, in
    whatever format it came."""
    return clean(expr).str.replace(r"^(-?(?:0|[1-9][0-9]*))\.0+$", "${1}")


def identifier(value_expr: pl.Expr, type: str) -> pl.Expr:
    """A vendor's or shop's own id as text: trimmed; null where a system wrote a word or only zeros for "none"
    (Magento's guest is 0)."""
    value = identity(value_expr)
    is_zero = (
        value.str.contains("^0+$")
        if type in ("customer_id", "external_id", "profile_id", "contact_id", "order_number")
        else pl.lit(value=False)
    )
    return pl.when(~value.str.to_lowercase().is_in(EMPTY_WORDS) & ~is_zero).then(value)
