"""What the mappings say of every field of every shape, without a record: it is read, kept in `extra`, or dropped for a reason, and an address is of one place."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from itertools import combinations

import polars as pl
import pytest

from orchestration.mapping.expressions import needs, roots, with_shared
from orchestration.mapping.model import Dialect
from orchestration.mapping.record_schema import Leaf, goes_to_extra, leaves
from orchestration.mapping.selects import ADDRESS_COLUMNS, NAME_COLUMNS, Contact
from orchestration.normalisation.nested_columns import fields_of
from orchestration.vendors import discover
from tests.vendors.test_every_vendor import open_objects

DIALECTS = {
    dialect.name: dialect
    for vendor in discover().values()
    for stream in vendor.streams.values()
    for dialect in stream.dialects
}


def expressions(mapped: object) -> Iterator[pl.Expr]:
    """Every expression of a part of a mapping."""
    if isinstance(mapped, pl.Expr):
        yield mapped
    elif isinstance(mapped, tuple | Mapping) or is_dataclass(mapped):
        parts = (
            mapped
            if isinstance(mapped, tuple)
            else mapped.values()
            if isinstance(mapped, Mapping)
            else vars(mapped).values()
        )
        for part in parts:
            yield from expressions(part)


def read_fields(dialect: Dialect) -> set[str]:
    """Paths that the dialect's expressions read; those of a list's elements below the list."""
    found = {name.partition(":")[2] for name in dialect.reads if name.partition(":")[0] in ("at", "raw", "pairs")}
    found |= {path.removeprefix("pairs:") for path in found} | set(dialect.marks)
    identifiers = dialect.about.identifiers if dialect.about else ()
    for part in (*dialect.rows, *identifiers, *dialect.issue_rules):
        if part.each is None:
            continue
        lists = {name.partition(":")[2] for name in roots(part.each)} if isinstance(part.each, pl.Expr) else {part.each}
        outer, inner = part.each if isinstance(part.each, tuple) else (None, None)
        found |= {f"{outer}[].{inner.removeprefix('pairs:')}"} if outer and inner else set()
        for kind, _, path in (name.partition(":") for name in roots(part)):
            above = {"item": {f"{outer}[].{inner}"} if outer else lists, "item_raw": lists, "parent": {outer}}.get(
                kind, set()
            )
            found |= {f"{one}[].{path}" if path else f"{one}[]" for one in above}
    return found


def is_read(path: str, found: set[str], reported: str) -> bool:
    """The leaf itself is read, or an object or list that it stands in, of which an expression takes the field by its name."""
    if path in found or path.removesuffix("[]") in found:
        return True
    above = [path[:place] for place, sign in enumerate(path) if sign in ".["]
    name = path.replace("[]", "").rpartition(".")[2]
    return any(one in found for one in above) and (f"({name})" in reported or f'"{name}"' in reported)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_field_is_read_or_kept_or_dropped_for_a_reason(name: str) -> None:
    dialect = DIALECTS[name]
    found = read_fields(dialect)
    reported = " ".join(map(str, expressions((dialect.rows, dialect.about, dialect.reject_rules, dialect.issue_rules))))
    stored = tuple(open_objects(dialect.shape))
    lost = {
        path
        for path, leaf in leaves(dialect.shape)
        if not goes_to_extra(leaf)
        and not (isinstance(leaf, Leaf) and leaf.kind == "drop")
        and not path.startswith(stored)
        and not is_read(path, found, reported)
    }
    assert lost == set()


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_dropped_says_why(name: str) -> None:
    assert all(
        leaf.reason for _, leaf in leaves(DIALECTS[name].shape) if isinstance(leaf, Leaf) and leaf.kind == "drop"
    )


def people(dialect: Dialect) -> Iterator[dict[str, pl.Expr]]:
    """The columns of a person that each part of the dialect fills, as expressions of text."""
    filled = [select.columns for select in dialect.rows if select.table == "customers" and select.each is None]
    filled += [dialect.about.attributes] if isinstance(dialect.about, Contact) else []
    for columns in filled:
        yield {name: value for name, value in columns.items() if isinstance(value, pl.Expr)}


# What one object may be called in two ways: a flat file has its columns by path, or with the object's name in front.
SPELLINGS = (
    ("optimizely.", "customer.", ""),
    ("optimizely.", "data.order.", "order."),
    ("voucherify.", "address_", "address."),
)


def place_of(dialect: str, path: str) -> str:
    """The object that a field stands in."""
    # The template of Voucherify's import names the parts of an address without their object.
    same = (
        f"address.{path}"
        if dialect.startswith("voucherify.") and path in ("city", "state", "line_1", "line_2", "country", "postal_code")
        else path
    )
    for start, written, meant in SPELLINGS:
        same = meant + same.removeprefix(written) if dialect.startswith(start) and same.startswith(written) else same
    return same.rpartition(".")[0].removesuffix(".coordinates")


def reported_alone(dialect: Dialect, *paths: str) -> dict[str, object]:
    """A record that fills these fields and no other."""
    record: dict[str, object] = {}
    for path in paths:
        inner = record
        *above, last = path.split(".") if path not in dialect.shape else [path]
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = "1"
    return record


def frame_of(dialect: Dialect, records: list[dict[str, object]], names: set[str]) -> pl.DataFrame:
    """The records as the dialect's expressions see them."""
    frame = pl.DataFrame(list(fields_of(pl.Series(records, dtype=dialect.compiled.dtype), "at:")))
    kinds = {
        f"pairs:{leaf.path}": leaf.value_type or pl.String for leaf in dialect.compiled.raw if leaf.kind == "pairs"
    }
    return frame.with_columns(
        pl.lit(None, kinds.get(name, pl.String)).alias(name) for name in names - set(frame.columns)
    )


@pytest.mark.parametrize("columns", [ADDRESS_COLUMNS, NAME_COLUMNS], ids=["address", "name"])
@pytest.mark.parametrize("name", DIALECTS)
def test_an_address_or_a_name_is_never_put_together_of_two(name: str, columns: tuple[str, ...]) -> None:
    """Of any two fields in different objects alone, never both fill a column of one row."""
    dialect = DIALECTS[name]
    plain = [
        path
        for path, leaf in leaves(dialect.shape)
        if isinstance(leaf, Leaf) and leaf.kind in ("text", "number", "flag", "scalar") and "[]" not in path
    ]
    for person in people(dialect):
        reported = {column: person[column].cast(pl.String) for column in columns if column in person}
        roots_of = {
            column: {root[3:] for root in roots(expr) if root.startswith("at:")} for column, expr in reported.items()
        }
        read = {
            column: [path for path in plain if any(path == root or path.startswith(f"{root}.") for root in found)]
            for column, found in roots_of.items()
        }
        for one, other in combinations(reported, 2):
            pairs = [(a, b) for a in read[one] for b in read[other] if place_of(name, a) != place_of(name, b)]
            if not pairs:
                continue
            frame = frame_of(
                dialect,
                [reported_alone(dialect, *pair) for pair in pairs],
                set().union(*map(roots, reported.values())),
            )
            frame = with_shared(frame, needs(reported))
            both = frame.select(reported[one].is_not_null() & reported[other].is_not_null()).to_series()
            assert [pair for pair, is_mixed in zip(pairs, both, strict=True) if is_mixed] == [], (one, other)
