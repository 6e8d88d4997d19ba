"""Lists inside records as frames of their elements, one row each, with what the rows need of their record."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import polars as pl

from orchestration.mapping.expressions import roots, with_shared
from orchestration.mapping.selects import Rows
from orchestration.mapping.values import Amount, Time, Typed, Value, Word
from orchestration.normalisation.nested_columns import fields_of

# What every row carries of its record.
CARRIED = ("source_row", "record_hash", "position", "owner", "profile", "updated")


def elements(select: Rows, each: str | tuple[str, ...] | pl.Expr, frame: pl.DataFrame) -> tuple[Rows, pl.DataFrame]:
    """A row for every element; what the record alone says is read before, so that the record need not be copied for
    each."""
    columns = set(frame.columns)

    def is_of_record(expr: pl.Expr | None) -> bool:
        return expr is not None and bool(read := roots(expr)) and columns >= read

    if select.where is not None and is_of_record(select.where):
        frame, select = frame.filter(select.where), replace(select, where=None)
    reported: list[pl.Expr] = []

    def read_before(expr: pl.Expr | None) -> Any:
        if expr is None or not is_of_record(expr):
            return expr
        reported.append(expr.alias(f"reported:{len(reported)}"))
        return pl.col(f"reported:{len(reported) - 1}")

    read: dict[str, Value] = {}
    for name, value in select.columns.items():
        if isinstance(value, Typed):
            read[name] = Typed(read_before(value.expr), read_before(value.given))
        elif isinstance(value, Time):
            read[name] = replace(
                value,
                sources=tuple(map(read_before, value.sources)),
                is_inferred=read_before(value.is_inferred),
                not_before=tuple(map(read_before, value.not_before)),
            )
        elif isinstance(value, Amount):
            read[name] = replace(value, source=read_before(value.source))
        elif isinstance(value, Word):
            read[name] = Word(
                read_before(value.expr), tuple((read_before(stated), known) for stated, known in value.sources)
            )
        else:
            read[name] = read_before(value)
    frame, select = frame.with_columns(reported), replace(select, columns=read)
    return select, exploded(frame, each, select.reads)


def exploded(frame: pl.DataFrame, each: str | tuple[str, ...] | pl.Expr, needed: AbstractSet[str]) -> pl.DataFrame:
    """One row per element of a list of the record: `item`, or its fields, its position, and the raw leaves of the
    elements.

    Of the record's own columns, and of the fields, only those that are `needed`, and what every row carries.
    """
    return with_shared(_exploded(frame, each, needed), needed)


def _exploded(frame: pl.DataFrame, each: str | tuple[str, ...] | pl.Expr, needed: AbstractSet[str]) -> pl.DataFrame:
    if isinstance(each, pl.Expr):
        return _opened(_explode(frame, each, _kept(frame, needed)), needed)
    if isinstance(each, str):
        return _explode_record(frame, each, needed)
    outer, inner = each
    lists = f"item_{inner}" if inner.startswith("pairs:") else f"item:{inner}"
    below = _explode_record(frame, outer, needed | {lists} | {name.replace("parent:", "item:", 1) for name in needed})
    lists_of_parent = lists.replace("item:", "parent:", 1)
    below = below.rename(
        {name: name.replace("item:", "parent:", 1) for name in below.columns} | {"position": "outer_position"}
    )
    return _opened(
        _explode(below, pl.col(lists_of_parent), [name for name in below.columns if name != lists_of_parent]), needed
    )


def records(select: Rows, frame: pl.DataFrame) -> pl.DataFrame:
    """A row for every record, with the columns that the select reads: the fewer, the less it costs to filter."""
    return frame.select(_kept(frame, select.reads | {"extra"})).with_columns(pl.lit(1, pl.Int64).alias("position"))


def _kept(frame: pl.DataFrame, needed: AbstractSet[str]) -> list[str]:
    return [name for name in frame.columns if name in needed or name in CARRIED or name.startswith("first:")]


def _explode_record(frame: pl.DataFrame, path: str, needed: AbstractSet[str]) -> pl.DataFrame:
    kept = _kept(frame, needed)
    if path.startswith("pairs:"):
        return _opened(_explode(frame, pl.col(path), kept), needed)
    beside = [name for name in frame.columns if name.startswith((f"item_raw:{path}:", f"item_pairs:{path}:"))]
    extra = [f"item_extra:{path}"] if f"item_extra:{path}" in frame.columns else []
    exploded = _opened(
        _explode(frame, pl.col(f"at:{path}"), [name for name in kept if name not in beside], beside + extra), needed
    )
    renamed = {name: f"{name.split(':')[0]}:{name.split(':', 2)[2]}" for name in beside} | dict.fromkeys(
        extra, "item_extra"
    )
    return exploded.rename(renamed)


def _explode(frame: pl.DataFrame, lists: pl.Expr, kept: list[str], beside: Sequence[str] = ()) -> pl.DataFrame:
    with_lists = frame.select(*kept, *beside, lists.alias("item")).filter(
        (pl.col("item").list.len() > 0).fill_null(value=False)
    )
    with_lists = with_lists.with_columns(pl.int_ranges(1, pl.col("item").list.len() + 1).alias("position"))
    exploded = with_lists.explode(["item", "position", *beside])
    return exploded.filter(pl.col("item").is_not_null())


def _opened(rows: pl.DataFrame, needed: AbstractSet[str]) -> pl.DataFrame:
    """The fields of `item` as columns, where it is an object."""
    if not isinstance(rows.schema["item"], pl.Struct):
        return rows
    return rows.drop("item").hstack(
        [field for field in fields_of(rows.get_column("item"), "item:") if field.name in needed]
    )
