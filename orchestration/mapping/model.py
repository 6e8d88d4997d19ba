"""What a vendor module is made of: the vendor, its streams, and the dialects that a stream's records come in.

A mapping only says where a value comes from. Parsing and judging follow from the column in `tables.py`; `normaliser.py`
does both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from orchestration.canonical.tables import TABLES
from orchestration.mapping.checks import check_fields, check_keys, check_reachable
from orchestration.mapping.compile_schema import Compiled, compile_shape
from orchestration.mapping.expressions import needs, roots
from orchestration.mapping.record_kinds import Kinds, Taken
from orchestration.mapping.record_schema import Leaf, leaves
from orchestration.mapping.selects import Contact, IssueRule, Profile, RejectRule, Rows
from orchestration.mapping.values import Time

ANY_WORD: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dialect:
    """One shape of a stream's records and what becomes of it.

    `has` are top-level keys that must be there, `lacks` keys that must not: together they distinguish a stream's
    dialects. Where a record fits several, the one with the fewest misfits is it, and of those the first in the stream.
    `kinds` are what a record may say it is, in whichever stream it came; `marks` are fields that mark a record as of
    this dialect although records of other kinds may have them, with the words, or `ANY_WORD`, that do so.
    `duplicates_of` names the table in which a record is known again by id and content.
    """

    name: str
    entity: str
    shape: dict[str, Any]
    about: Profile | Contact | None
    rows: tuple[Rows, ...]
    has: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    reject_rules: tuple[RejectRule, ...] = ()
    issue_rules: tuple[IssueRule, ...] = ()
    duplicates_of: Literal["orders", "events"] | None = None
    kinds: frozenset[str] = frozenset()
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stream: str = ""

    def fits(self, record: Mapping[str, Any]) -> bool:
        keys = record.keys()
        return self.has <= keys and not (self.lacks & keys)

    def taken(self, common: frozenset[str]) -> Taken:
        """What it takes, where those fields may be in records of any kind."""
        own = {
            name: None
            for name, leaf in self.shape.items()
            if name not in common and not (isinstance(leaf, Leaf) and leaf.kind == "drop")
        }
        must_be_there = bool(self.has & own.keys())
        return Taken(
            self.kinds,
            (
                {}
                if must_be_there or not common
                else {**own, **{name: words or None for name, words in self.marks.items()}}
            ),
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns that its checks, its identifiers and its selects read, and those that several of them share."""
        return frozenset(needs((self.about, self.rows, self.reject_rules, self.issue_rules)))

    @cached_property
    def decisive(self) -> frozenset[str]:
        """Fields that hold a record's money and time: whatever stands there is read, and the record rejected where it
        cannot be."""
        numbers = {
            path for path, leaf in leaves(self.shape) if isinstance(leaf, Leaf) and leaf.kind in ("number", "scalar")
        }
        found: set[str] = set()
        for select in self.rows:
            for name, value in select.columns.items() if select.each is None else ():
                if TABLES[select.table].column(name).unparseable:
                    read = {
                        path.removeprefix("at:") for path in roots(value.sources if isinstance(value, Time) else value)
                    }
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
    reject_rules: tuple[RejectRule, ...] = (),
    issue_rules: tuple[IssueRule, ...] = (),
    duplicates_of: Literal["orders", "events"] | None = None,
    kinds: tuple[str, ...] = (),
    marks: Mapping[str, Iterable[str]] | None = None,
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
        reject_rules=reject_rules,
        issue_rules=issue_rules,
        duplicates_of=duplicates_of,
        kinds=frozenset(kinds),
        marks={name: frozenset(word.lower() for word in words) for name, words in (marks or {}).items()},
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
    `owners` beside its list is a record itself, because they say who the list belongs to, in whichever stream it lies
    (`others` are the vendor's other streams that have any). `file_value` takes a value from the file name (a pattern
    with one group), which mappings read with `file_value()`.
    """

    name: str
    description: str
    dialects: tuple[Dialect, ...]
    envelopes: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    csv: CsvForm = CsvForm()
    file_value: str | None = None
    others: tuple["Stream", ...] = ()

    @property
    def list_names(self) -> tuple[str, ...]:
        """The names under which a page keeps the stream's records."""
        return tuple(dict.fromkeys((self.name, *self.envelopes)))

    @property
    def kinds(self) -> frozenset[str]:
        """What the stream's records may say they are."""
        return frozenset(kind for dialect in self.dialects for kind in dialect.kinds)


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
    check_reachable(name, [(one.name, (one.shape, one.has, one.lacks, one.kinds, one.marks)) for one in dialects])
    return Stream(
        name, description, tuple(replace(one, stream=name) for one in dialects), envelopes, owners, csv, file_value
    )


NO_KINDS = Kinds()


@dataclass(frozen=True)
class Vendor:
    """A vendor: its code name, what it is, its streams by name, in words the units and currencies of its amounts, and
    how its records say what they are."""

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
    known = {
        one.name: replace(one, others=tuple(other for other in streams if other.owners and other.name != one.name))
        for one in streams
    }
    return Vendor(code, title, known, money, default_currency, default_order_namespace, phone_region, kinds)
