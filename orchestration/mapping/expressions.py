"""Where a value of a record stands, and what of several values counts: the expressions that mappings are made of.

They give text as delivered. The normaliser makes a column of every field that they name.
"""

from collections.abc import Mapping, Set
from dataclasses import is_dataclass

import polars as pl

from orchestration.canonical.vocabulary import ORDER_STATUSES
from orchestration.parsing import codes, emails, phone_numbers


def roots(mapped: object) -> set[str]:
    """The columns that all expressions of a part of a mapping read."""
    return needs(mapped) - _SHARED.keys()


def needs(mapped: object) -> set[str]:
    """The columns that a frame must have for them: what they read, and what several of them share."""
    named = _named(mapped)
    return {one for name in named for one in ({name} | needs(_SHARED[name]) if name in _SHARED else {name})}


def _named(mapped: object) -> set[str]:
    if isinstance(mapped, pl.Expr):
        return set(mapped.meta.root_names())
    if isinstance(mapped, tuple):
        return {name for one in mapped for name in _named(one)}
    if isinstance(mapped, Mapping):
        return _named(tuple(mapped.values()))
    if not is_dataclass(mapped):
        return set()
    each = getattr(mapped, "each", None)
    listed = {f"at:{path}" for path in (each if isinstance(each, tuple) else (each,)) if isinstance(path, str)}
    return listed | _named(tuple(vars(mapped).values()))


_SHARED: dict[str, pl.Expr] = {}


def shared(expr: pl.Expr) -> pl.Expr:
    """An expression of fields of the record, or of the list element, that many values are made of: `with_shared` makes a
    column of it, where each of them would else have it planned and computed again. It may be made of others."""
    name = f"shared:{len(_SHARED)}"
    _SHARED[name] = expr
    return pl.col(name)


def with_shared(frame: pl.DataFrame, needed: Set[str]) -> pl.DataFrame:
    """The frame with those of the `needed` columns that several expressions share, as far as it has what they are made
    of."""
    columns = set(frame.columns)
    missing = {name for name in needed if name in _SHARED} - columns
    while ready := sorted(name for name in missing if columns.issuperset(_SHARED[name].meta.root_names())):
        frame = frame.with_columns(_SHARED[name].alias(name) for name in ready)
        columns.update(ready)
        missing.difference_update(ready)
    return frame


def at(path: str) -> pl.Expr:
    """Value of a field of the record, by dotted path."""
    return pl.col(f"at:{path}")


def item(path: str = "") -> pl.Expr:
    """Value of a field of the list element a row is made of (`Rows(each=…)`); without a path the element itself."""
    return pl.col(f"item:{path}") if path else pl.col("item")


def raw(path: str) -> pl.Expr:
    """A JSON leaf of the record as the text it was delivered as."""
    return pl.col(f"raw:{path}")


def parent(path: str) -> pl.Expr:
    """Value of a field of the outer list element, where `each` goes two lists deep."""
    return pl.col(f"parent:{path}")


def file_value() -> pl.Expr:
    """What the stream's `file_value` pattern found in the file name."""
    return pl.col("file_value")


def account_currency() -> pl.Expr:
    """Currency of the account, for amounts that come without one."""
    return pl.col("account_currency")


def account_phone_region() -> pl.Expr:
    """Country with the numbering plan that the account's phone numbers follow, for those that come without a country
    code."""
    return pl.col("account_phone_region")


def item_raw(path: str) -> pl.Expr:
    """A JSON leaf of the list element as the text it was delivered as."""
    return pl.col(f"item_raw:{path}")


def pairs(path: str) -> str:
    """Name of the list of {key, value} that an object with open keys becomes; for `each`."""
    return f"pairs:{path}"


def lookup(expr: pl.Expr, table: Mapping[str, str], default: str | pl.Expr | None = None) -> pl.Expr:
    """Translation of a text by a table, case and blanks aside."""
    found = (
        expr.str.strip_chars()
        .str.to_lowercase()
        .replace_strict({key.lower(): value for key, value in table.items()}, default=None, return_dtype=pl.String)
    )
    return found if default is None else pl.coalesce(found, pl.lit(default) if isinstance(default, str) else default)


def phone_number(stated: pl.Expr, country: pl.Expr | None = None) -> pl.Expr:
    """The phone number as identifiers hold it, for the key of a record that is known by it alone: read in one region
    everywhere."""
    region = account_phone_region() if country is None else pl.coalesce(codes.country(country), account_phone_region())
    return phone_numbers.phone(stated, region).struct.field("value")


def email_address(stated: pl.Expr) -> pl.Expr:
    """The e-mail address as identifiers hold it, for the key of a record that is known by it alone."""
    return emails.email(stated).struct.field("value")


def first_given(*exprs: pl.Expr) -> pl.Expr:
    """First of several fields that holds more than blanks."""
    return pl.coalesce([pl.when(expr.str.strip_chars() != "").then(expr) for expr in exprs])


def given(expr: pl.Expr) -> pl.Expr:
    """The field holds more than blanks."""
    return (expr.is_not_null() & (expr.str.strip_chars() != "")).fill_null(value=False)


def furthest(*statuses: pl.Expr) -> pl.Expr:
    """The order status furthest along of several; null where none is reported."""
    ranks = {status: rank for rank, status in enumerate(ORDER_STATUSES)}
    best = pl.max_horizontal([status.replace_strict(ranks, default=None, return_dtype=pl.Int8) for status in statuses])
    return best.replace_strict(dict(enumerate(ORDER_STATUSES)), default=None, return_dtype=pl.String)


def filled(items: pl.Expr) -> pl.Expr:
    """A list was delivered and has elements."""
    return (items.list.len() > 0).fill_null(value=False)
