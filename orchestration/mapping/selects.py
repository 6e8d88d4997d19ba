"""What is taken from a record: whom it is about, rows of canonical tables, and what is rejected or passed over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from orchestration.mapping.checks import check_columns, check_identifier_type
from orchestration.mapping.expressions import given, needs, shared
from orchestration.mapping.values import Unit, Value
from orchestration.mapping.words import is_no, is_no_time, is_plain_no, is_unknown, refuses

ADDRESS_COLUMNS = (
    "country_raw", "state_raw", "city", "district", "postal_code", "address_line_1", "address_line_2", "latitude", "longitude",
)  # fmt: skip
NAME_COLUMNS = ("full_name", "first_name", "middle_name", "last_name", "name_prefix", "name_suffix")


def one_address(*places: Mapping[str, pl.Expr]) -> dict[str, Value]:
    """The columns of one address, all from one of several: the first that names a city or a postal code, else the first
    that names anything."""
    return _of_one(places, ("city", "postal_code"))


def one_name(*names: Mapping[str, pl.Expr]) -> dict[str, Value]:
    """The columns of one name, all from one of several: the first with a last or a full name, else the first that names
    anything."""
    return _of_one(names, ("last_name", "full_name"))


def _of_one(objects: Sequence[Mapping[str, pl.Expr]], decisive: tuple[str, ...]) -> dict[str, Value]:
    def has(one: Mapping[str, pl.Expr], columns: Iterable[str]) -> pl.Expr:
        return pl.any_horizontal(
            [given(one[column].cast(pl.String)) for column in columns if column in one] or [pl.lit(value=False)]
        )

    ranked = [pl.when(has(one, decisive)).then(place) for place, one in enumerate(objects)]
    ranked += [pl.when(has(one, one)).then(place) for place, one in enumerate(objects)]
    chosen = shared(pl.coalesce(ranked))
    columns = dict.fromkeys(column for one in objects for column in one)
    return {
        column: pl.coalesce(
            [pl.when(chosen == place).then(one[column]) for place, one in enumerate(objects) if column in one]
        )
        for column in columns
    }


@dataclass(frozen=True)
class Identifier:
    """Where an identifier of the person is found.

    `type` may be an expression where the data say it; `namespace` is the part after vendor and account, for identifiers
    that are unique only within it; `each` takes one from every element of a list, with fields that `item` reads; of
    several of a type the one that `is_primary` is shown."""

    type: str | pl.Expr
    value: pl.Expr
    path: str
    namespace: str | pl.Expr | None = None
    region: pl.Expr | None = None
    each: str | pl.Expr | None = None
    confidence: Literal["high", "low", "none"] | None = None
    is_primary: pl.Expr | None = None
    is_deliverable: pl.Expr | None = None
    deliverability_reason: pl.Expr | None = None
    where: pl.Expr | None = None

    def __post_init__(self) -> None:
        if isinstance(self.type, str):
            check_identifier_type(self.type)


@dataclass(frozen=True)
class Profile:
    """The record is a vendor's profile of a person, known by `record_id`."""

    record_id: pl.Expr
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True)
class Contact:
    """The record is about a person it names by identifiers; `attributes` are what else it says of them (contacts
    columns).

    `profile_id` is the vendor's id of the profile, where the record names it. `evidence` columns (first name, birth
    date) keep apart two people who give the same identifier.
    """

    identifiers: tuple[Identifier, ...]
    profile_id: pl.Expr | None = None
    attributes: Mapping[str, Value] = field(default_factory=dict)
    is_lead: bool = False


@dataclass(frozen=True)
class Rows:
    """Rows of one canonical table made of a record: one, or one per element of `each`; only those that pass `where`.

    `each` is a list path, `pairs(path)` or a list as an expression; a tuple of two takes a list inside the elements of
    a list, which `parent` reads. `amounts` is the unit the record states amounts in; where the format leaves it open,
    `is_amount_unit_inferred`, and the account may settle it.
    """

    table: str
    columns: Mapping[str, Value]
    each: str | tuple[str, ...] | pl.Expr | None = None
    where: pl.Expr | None = None
    amounts: Unit = "major"
    is_amount_unit_inferred: bool = False

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns that its values and its condition read."""
        return frozenset(needs((self.each, self.where, self.columns)))


def rows(
    table: str,
    *,
    each: str | tuple[str, ...] | pl.Expr | None = None,
    where: pl.Expr | None = None,
    amounts: Unit = "major",
    is_amount_unit_inferred: bool = False,
    **columns: Value,
) -> Rows:
    """See `Rows`. Raises MappingError where there is no such table or column."""
    check_columns(table, columns)
    return Rows(table, columns, each, where, amounts, is_amount_unit_inferred)


@dataclass(frozen=True)
class RejectRule:
    """A record for which `condition` holds is rejected with the reason, naming the field."""

    reason: str
    field: str
    condition: pl.Expr


@dataclass(frozen=True)
class IssueRule:
    """Where `condition` holds a value is passed over although it was given: logged as a field issue of the code.

    With `each` it is about every element of a list, with fields that `item` reads.
    """

    field: str
    given: pl.Expr
    condition: pl.Expr
    each: str | None = None
    code: str = "unparseable"


def no_refusal(path: str, stated: pl.Expr, each: str | None = None) -> IssueRule:
    """Logs a plain no, or a word for nothing, in the field of a refusal or of its time as an issue: it says nothing."""
    return IssueRule(path, stated, is_plain_no(stated) | is_no_time(stated), each)


def no_agreement(path: str, stated: pl.Expr, each: str | None = None) -> IssueRule:
    """Logs a word for nothing in the field of the time of a yes as an issue: nobody has agreed."""
    return IssueRule(path, stated, is_no_time(stated) & ~is_no(stated), each)


def unknown_word(path: str, stated: pl.Expr, table: Mapping[str, str], each: str | None = None) -> IssueRule:
    """Logs a word that the table does not know; what it stands for counts as another kind."""
    return IssueRule(path, stated, is_unknown(stated, table), each, "unknown_word")


def unheard_refusal(path: str, name: pl.Expr, each: str | None = None, *, unless: pl.Expr | None = None) -> IssueRule:
    """Logs an event that is called after a refusal, and of which no consent is read, as an issue: it may have been a
    no."""
    is_heard = pl.lit(value=False) if unless is None else unless.fill_null(value=False)
    return IssueRule(path, name, refuses(name) & ~is_heard, each, "unheard_consent")
