"""What a vendor module is written in: streams, dialects, and per canonical table one select of target = source.

A mapping only says where a value comes from. Parsing and judging follow from the column in `tables.py`; `normaliser.py`
does both. Expressions here give text as delivered, unless wrapped in one of the value classes below.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cached_property
from typing import Any, Literal

import polars as pl

from orchestration.canonical.tables import ORDER_STATUSES, TABLES
from orchestration.mapping.checks import check_columns, check_fields, check_keys, check_reachable
from orchestration.mapping.consent_words import CONSENT_WORDS, PLAIN_NO, bare_word
from orchestration.mapping.record_kinds import Kinds, Taken
from orchestration.mapping.record_schema import Compiled, Leaf, compile_shape, leaves
from orchestration.parsing import codes, emails, phone_numbers
from orchestration.parsing.times import ISO


def roots(mapped: object) -> set[str]:
    """The columns that all expressions of a part of a mapping read."""
    if isinstance(mapped, pl.Expr):
        return set(mapped.meta.root_names())
    if isinstance(mapped, tuple):
        return {name for one in mapped for name in roots(one)}
    if isinstance(mapped, Mapping):
        return roots(tuple(mapped.values()))
    if not is_dataclass(mapped):
        return set()
    each = getattr(mapped, "each", None)
    listed = {f"at:{path}" for path in (each if isinstance(each, tuple) else (each,)) if isinstance(path, str)}
    return listed | roots(tuple(vars(mapped).values()))


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
    """Country whose numbering plan the account's phone numbers follow, for those that come without a country code."""
    return pl.col("account_phone_region")


def item_raw(path: str) -> pl.Expr:
    """A JSON leaf of the list element as the text it was delivered as."""
    return pl.col(f"item_raw:{path}")


def pairs(path: str) -> str:
    """Name of the list of {key, value} that an object with open keys becomes; for `each`."""
    return f"pairs:{path}"


def lookup(expr: pl.Expr, table: Mapping[str, str], default: str | pl.Expr | None = None) -> pl.Expr:
    """Translation of a text by a table, case and blanks aside."""
    found = expr.str.strip_chars().str.to_lowercase().replace_strict({key.lower(): value for key, value in table.items()}, default=None, return_dtype=pl.String)
    return found if default is None else pl.coalesce(found, pl.lit(default) if isinstance(default, str) else default)


def phone_number(stated: pl.Expr, country: pl.Expr | None = None) -> pl.Expr:
    """The phone number as identifiers hold it, for the key of a record that is known by it alone: read in one region everywhere."""
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
    """The order status furthest along of several; null where none is told."""
    ranks = {status: rank for rank, status in enumerate(ORDER_STATUSES)}
    best = pl.max_horizontal([status.replace_strict(ranks, default=None, return_dtype=pl.Int8) for status in statuses])
    return best.replace_strict(dict(enumerate(ORDER_STATUSES)), default=None, return_dtype=pl.String)


def filled(items: pl.Expr) -> pl.Expr:
    """A list was delivered and has elements."""
    return (items.list.len() > 0).fill_null(value=False)


@dataclass(frozen=True)
class Time:
    """A time: the first of the sources that is given, read by the formats in the account's zone.

    Without any the column's `is_…_inferred` flag is set and the start of the export date taken if `else_export_date`.
    """

    sources: tuple[pl.Expr, ...]
    formats: tuple[str, ...] = ISO
    else_export_date: bool = False
    is_inferred: pl.Expr | None = None
    date_only_hour: int = 0


def time(
    *sources: pl.Expr, formats: tuple[str, ...] = ISO, else_export_date: bool = False, is_inferred: pl.Expr | None = None, date_only_hour: int = 0
) -> Time:
    """See `Time`."""
    return Time(sources, formats, else_export_date, is_inferred, date_only_hour)


# Minor units have as many decimals as their currency; hundredths two, whatever the currency. An amount that is `stated` so is
# in major units although its record states others.
Unit = Literal["major", "minor", "hundredths", "stated"]


@dataclass(frozen=True)
class Amount:
    """An amount stated in its own unit, where a row mixes units or the sign must go."""

    source: pl.Expr
    unit: Unit = "major"
    absolute: bool = False


def absolute(source: pl.Expr, unit: Unit = "major") -> Amount:
    """An amount whose sign means nothing."""
    return Amount(source, unit, absolute=True)


@dataclass(frozen=True)
class Typed:
    """An expression that already gives the column's type and needs no parsing; with `given`, null is booked where that is given."""

    expr: pl.Expr
    given: pl.Expr | None = None


@dataclass(frozen=True)
class Word:
    """One of our words, as an expression, and where the vendor's own words for it stand, with those that are known.

    A word that is given and not known is booked as `unknown_word`; where no other word tells more, the column is then
    `unknown` if it may hold that, else null.
    """

    expr: pl.Expr
    sources: tuple[tuple[pl.Expr, frozenset[str]], ...]


def word_form(stated: pl.Expr) -> pl.Expr:
    """A word as it is compared: case, blanks, hyphens and underscores aside."""
    return stated.str.to_lowercase().str.replace_all(r"[\s_-]+", "")


def _known(table: Mapping[str, str]) -> dict[str, str]:
    return {bare_word(word): ours for word, ours in table.items()}


def translated(stated: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """The vendor's word in ours; null where the table does not know it."""
    return word_form(stated).replace_strict(_known(table), default=None, return_dtype=pl.String)


def word(stated: pl.Expr, table: Mapping[str, str], otherwise: pl.Expr | str | None = None) -> Word:
    """The vendor's word in ours, `otherwise` where none is given. See `Word` for one that is not known."""
    default = pl.lit(otherwise, pl.String) if otherwise is None or isinstance(otherwise, str) else otherwise
    return words(pl.when(given(stated)).then(translated(stated, table)).otherwise(default), (stated, table))


def words(expr: pl.Expr, *sources: tuple[pl.Expr, Mapping[str, str]]) -> Word:
    """Our word, made of several of the vendor's, each with the table that knows it. See `Word`."""
    return Word(expr, tuple((stated, frozenset(_known(table))) for stated, table in sources))


Value = pl.Expr | Time | Amount | Typed | Word


def consent_word(stated: pl.Expr, **own: str) -> Word:
    """Consent as a word or a yes or no tells it; `own` are words that only this vendor uses."""
    return word(stated, {**CONSENT_WORDS, **own}, "unknown")


def consent_said(stated: pl.Expr) -> pl.Expr:
    """opt_in or opt_out, where a word or a yes or no says so; else null."""
    said = translated(stated, CONSENT_WORDS)
    return pl.when(said.is_in(["opt_in", "opt_out"])).then(said)


def is_no(stated: pl.Expr) -> pl.Expr:
    """A word that refuses, or a plain no."""
    return (consent_said(stated) == "opt_out").fill_null(value=False)


def yes_since(agreed: pl.Expr) -> pl.Expr:
    """Since when there is a yes, by the field of its time; a no in its place is none."""
    return pl.when(~is_no(agreed)).then(agreed)


def is_plain_no(stated: pl.Expr) -> pl.Expr:
    """No, false, 0 and their like, which say in the place of a refusal that there is none."""
    return word_form(stated).is_in(list(map(bare_word, PLAIN_NO))).fill_null(value=False)


def no_since(refused: pl.Expr, agreed: pl.Expr) -> pl.Expr:
    """Since when there is a no, by the field of its time; a plain no in its place takes nothing back, and one in place of the time of a yes is one."""
    return first_given(pl.when(~is_plain_no(refused)).then(refused), pl.when(is_no(agreed)).then(agreed))


ADDRESS_COLUMNS = (
    "country_raw", "state_raw", "city", "district", "postal_code", "address_line_1", "address_line_2", "latitude", "longitude",
)  # fmt: skip
NAME_COLUMNS = ("full_name", "first_name", "middle_name", "last_name", "name_prefix", "name_suffix")


def one_address(*places: Mapping[str, pl.Expr]) -> dict[str, Value]:
    """The columns of one address, all from one of several: the first that names a city or a postal code, else the first that names anything."""
    return _of_one(places, ("city", "postal_code"))


def one_name(*names: Mapping[str, pl.Expr]) -> dict[str, Value]:
    """The columns of one name, all from one of several: the first with a last or a full name, else the first that names anything."""
    return _of_one(names, ("last_name", "full_name"))


def _of_one(objects: Sequence[Mapping[str, pl.Expr]], decisive: tuple[str, ...]) -> dict[str, Value]:
    def has(one: Mapping[str, pl.Expr], columns: Iterable[str]) -> pl.Expr:
        return pl.any_horizontal([given(one[column].cast(pl.String)) for column in columns if column in one] or [pl.lit(value=False)])

    ranked = [pl.when(has(one, decisive)).then(place) for place, one in enumerate(objects)]
    ranked += [pl.when(has(one, one)).then(place) for place, one in enumerate(objects)]
    chosen = pl.coalesce(ranked)
    columns = dict.fromkeys(column for one in objects for column in one)
    return {column: pl.coalesce([pl.when(chosen == place).then(one[column]) for place, one in enumerate(objects) if column in one]) for column in columns}


@dataclass(frozen=True)
class Identifier:
    """Where an identifier of the person is found.

    `type` may be an expression where the data say it; `namespace` is the part after vendor and account, for identifiers
    that are unique only within it; `each` takes one from every element of a list, whose fields `item` reads; of several of a
    type the one that `is_primary` is shown.
    """

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


@dataclass(frozen=True)
class Profile:
    """The record is a vendor's profile of a person, known by `record_id`."""

    record_id: pl.Expr
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True)
class Contact:
    """The record is about a person it names by identifiers; `attributes` are what else it says of them (contacts columns).

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

    `each` is a list path, `pairs(path)` or a list as an expression; a tuple of two takes a list inside the elements of a
    list, which `parent` reads.
    `amounts` is the unit the record states amounts in; where the format leaves it open, `is_amount_unit_inferred`, and the account may settle it.
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
        return frozenset(roots((self.each, self.where, self.columns)))


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
class Check:
    """A record for which `condition` holds is rejected with the reason, naming the field."""

    reason: str
    field: str
    condition: pl.Expr


@dataclass(frozen=True)
class Doubt:
    """Where `condition` holds a value is passed over although it was given: booked as a field issue of the code.

    With `each` it is about every element of a list, whose fields `item` reads.
    """

    field: str
    given: pl.Expr
    condition: pl.Expr
    each: str | None = None
    code: str = "unparseable"


def no_refusal(path: str, stated: pl.Expr, each: str | None = None) -> Doubt:
    """Books a plain no in the field of a refusal or of its time: it says nothing."""
    return Doubt(path, stated, is_plain_no(stated), each)


ANY_WORD: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dialect:
    """One shape of a stream's records and what becomes of it.

    `has` are top-level keys that must be there, `lacks` keys that must not: together they tell a stream's dialects
    apart. Where a record fits several, the one with the fewest misfits is it, and of those the first in the stream.
    `kinds` are what a record may say it is, in whichever stream it came; `tells` are the words, or `ANY_WORD`, that make a field
    tell of this one although records of other kinds may have it. `duplicates_of` names the table by whose id and content a record is known again.
    """

    name: str
    entity: str
    shape: dict[str, Any]
    about: Profile | Contact | None
    rows: tuple[Rows, ...]
    has: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    checks: tuple[Check, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    duplicates_of: Literal["orders", "events"] | None = None
    kinds: frozenset[str] = frozenset()
    tells: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stream: str = ""

    def fits(self, record: Mapping[str, Any]) -> bool:
        keys = record.keys()
        return self.has <= keys and not (self.lacks & keys)

    def taken(self, common: frozenset[str]) -> Taken:
        """What it takes, where those fields may be in records of any kind."""
        own = {name: None for name, leaf in self.shape.items() if name not in common and not (isinstance(leaf, Leaf) and leaf.kind == "drop")}
        must_be_there = bool(self.has & own.keys())
        return Taken(self.kinds, {} if must_be_there or not common else {**own, **{name: words or None for name, words in self.tells.items()}})

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns that its checks, its identifiers and its selects read."""
        return frozenset(roots((self.about, self.rows, self.checks, self.doubts)))

    @cached_property
    def decisive(self) -> frozenset[str]:
        """Fields that hold a record's money and time: whatever stands there is read, and the record rejected where it cannot be."""
        numbers = {path for path, leaf in leaves(self.shape) if isinstance(leaf, Leaf) and leaf.kind in ("number", "scalar")}
        found: set[str] = set()
        for select in self.rows:
            for name, value in select.columns.items() if select.each is None else ():
                if TABLES[select.table].column(name).unparseable:
                    read = {path.removeprefix("at:") for path in roots(value.sources if isinstance(value, Time) else value)}
                    # An amount of several fields may hang on words as well, such as the name of an event.
                    found |= read if isinstance(value, Time) or len(read) == 1 else read & numbers
        return frozenset(found)

    @cached_property
    def compiled(self) -> Compiled:
        """The shape made ready, once: it costs as much as normalising a hundred records."""
        lists = [select.each[0] if isinstance(select.each, tuple) else select.each for select in self.rows]
        return compile_shape(self.shape, self.has, frozenset(path for path in lists if isinstance(path, str)))


def dialect(
    name: str,
    entity: str,
    shape: dict[str, Any],
    *rows: Rows,
    about: Profile | Contact | None,
    has: tuple[str, ...] = (),
    lacks: tuple[str, ...] = (),
    checks: tuple[Check, ...] = (),
    doubts: tuple[Doubt, ...] = (),
    duplicates_of: Literal["orders", "events"] | None = None,
    kinds: tuple[str, ...] = (),
    tells: Mapping[str, Iterable[str]] | None = None,
) -> Dialect:
    """See `Dialect`. Raises MappingError where it reads what its shape does not hold, or no record can be it."""
    made = Dialect(
        name=name,
        entity=entity,
        shape=shape,
        about=about,
        rows=rows,
        has=frozenset(has),
        lacks=frozenset(lacks),
        checks=checks,
        doubts=doubts,
        duplicates_of=duplicates_of,
        kinds=frozenset(kinds),
        tells={name: frozenset(word.lower() for word in words) for name, words in (tells or {}).items()},
    )
    check_keys(name, made.has, made.lacks)
    check_fields(name, shape, made.reads)
    return made


@dataclass(frozen=True)
class CsvForm:
    """How a stream's CSV text is to be read.

    `encodings` are tried in order, row by row. A header that spells one of `names` otherwise (case, blanks, `_` and `-`
    aside) is read as it; `name.*` stands for every name that begins so. In a file that has none of the columns of a
    `default`, nor any other that sounds like consent or status, every row holds its value in the first of them.
    """

    encodings: tuple[str, ...] = ("utf-8",)
    names: tuple[str, ...] = ()
    default: tuple[tuple[str, ...], str] | None = None


@dataclass(frozen=True)
class Stream:
    """One stream of a vendor: what it delivers and the dialects it may come in.

    `envelopes` are keys beyond the stream's own name under which a page keeps its records; a page with one of the
    `owners` beside its list is a record itself, because they say whose the list is. `file_value` takes a value from the
    file name (a pattern with one group), which mappings read with `file_value()`.
    """

    name: str
    description: str
    dialects: tuple[Dialect, ...]
    envelopes: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    csv: CsvForm = CsvForm()
    file_value: str | None = None


def stream(
    name: str,
    description: str,
    *dialects: Dialect,
    envelopes: tuple[str, ...] = (),
    owners: tuple[str, ...] = (),
    csv: CsvForm = CsvForm(),
    file_value: str | None = None,
) -> Stream:
    """See `Stream`. Raises MappingError where one of the dialects can never be met."""
    check_reachable(name, [(one.name, (one.shape, one.has, one.lacks, one.kinds, one.tells)) for one in dialects])
    return Stream(name, description, tuple(replace(one, stream=name) for one in dialects), envelopes, owners, csv, file_value)


NO_KINDS = Kinds()


@dataclass(frozen=True)
class Vendor:
    """A vendor: its code name, what it is, its streams by name, in words the units and currencies of its amounts, and how its records say what they are."""

    code: str
    title: str
    streams: dict[str, Stream]
    money: str = ""
    default_currency: str = "EUR"
    default_order_namespace: str = "shop"
    phone_region: str | None = None
    kinds: Kinds = NO_KINDS

    @property
    def dialects(self) -> tuple[Dialect, ...]:
        """The dialects of all streams."""
        return tuple(dialect for stream in self.streams.values() for dialect in stream.dialects)


def vendor(
    code: str,
    title: str,
    *streams: Stream,
    money: str = "",
    default_currency: str = "EUR",
    default_order_namespace: str = "shop",
    phone_region: str | None = None,
    kinds: Kinds = NO_KINDS,
) -> Vendor:
    """See `Vendor`."""
    return Vendor(code, title, {stream.name: stream for stream in streams}, money, default_currency, default_order_namespace, phone_region, kinds)
