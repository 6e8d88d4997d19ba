"""Lists inside records as frames of their elements, one row each, with what the rows need of their record."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import polars as pl

from orchestration.mapping import Amount, Rows, Time, Typed, Value

# What every row carries of its record.
CARRIED = ("source_row", "record_hash", "position", "owner", "profile")


def elements(select: Rows, each: str | tuple[str, ...] | pl.Expr, frame: pl.DataFrame) -> tuple[Rows, pl.DataFrame]:
    """A row for every element; what the record alone says is read before, so that the record need not be copied for each."""
    columns = set(frame.columns)

    def is_of_record(expr: pl.Expr | None) -> bool:
        return expr is not None and bool(roots := expr.meta.root_names()) and columns.issuperset(roots)

    if select.where is not None and is_of_record(select.where):
        frame, select = frame.filter(select.where), replace(select, where=None)
    told: list[pl.Expr] = []

    def read_before(expr: pl.Expr | None) -> Any:
        if expr is None or not is_of_record(expr):
            return expr
        told.append(expr.alias(f"told:{len(told)}"))
        return pl.col(f"told:{len(told) - 1}")

    read: dict[str, Value] = {}
    for name, value in select.columns.items():
        if isinstance(value, Typed):
            read[name] = Typed(read_before(value.expr))
        elif isinstance(value, Time):
            read[name] = replace(value, sources=tuple(map(read_before, value.sources)), is_inferred=read_before(value.is_inferred))
        elif isinstance(value, Amount):
            read[name] = replace(value, source=read_before(value.source))
        else:
            read[name] = read_before(value)
    frame = frame.with_columns(told)
    return replace(select, columns=read), exploded(frame, each, needed=_roots(select.where, read.values()))


def exploded(frame: pl.DataFrame, each: str | tuple[str, ...] | pl.Expr, needed: set[str] | None = None) -> pl.DataFrame:
    """One row per element of a list of the record: `item`, its position, and the raw leaves of the elements.

    Of the record's own columns only those that are `needed`, if it says which, and what every row carries.
    """
    if isinstance(each, pl.Expr):
        return _explode(frame, each, [], needed).rename({"element": "item"})
    outer = each if isinstance(each, str) else each[0]
    below = _explode_record(frame, outer, needed)
    if isinstance(each, str):
        return below
    inner = each[1]
    lists = pl.col(f"item_{inner}") if inner.startswith("pairs:") else _path(pl.col("item"), inner)
    return _explode(below.rename({"position": "outer_position"}), lists, []).rename({"item": "parent", "element": "item"})


def _explode_record(frame: pl.DataFrame, path: str, needed: set[str] | None) -> pl.DataFrame:
    if path.startswith("pairs:"):
        return _explode(frame, pl.col(path), [], needed).rename({"element": "item"})
    beside = [name for name in frame.columns if name.startswith((f"item_raw:{path}:", f"item_pairs:{path}:"))]
    extra = [f"item_extra:{path}"] if f"item_extra:{path}" in frame.columns else []
    exploded = _explode(frame, _path(pl.col("record"), path), beside + extra, needed).rename({"element": "item"})
    renamed = {name: f"{name.split(':')[0]}:{name.split(':', 2)[2]}" for name in beside} | dict.fromkeys(extra, "item_extra")
    return exploded.rename(renamed)


def _path(root: pl.Expr, path: str) -> pl.Expr:
    for step in path.split("."):
        root = root.struct.field(step)
    return root


def _explode(frame: pl.DataFrame, lists: pl.Expr, beside: list[str], needed: set[str] | None = None) -> pl.DataFrame:
    if needed is None:
        kept = [name for name in frame.columns if name not in beside]
    else:
        kept = [name for name in frame.columns if name not in beside and (name in needed or name in CARRIED or name.startswith("first:"))]
    with_lists = frame.select(*kept, *beside, lists.alias("element")).filter((pl.col("element").list.len() > 0).fill_null(value=False))
    with_lists = with_lists.with_columns(pl.int_ranges(1, pl.col("element").list.len() + 1).alias("position"))
    exploded = with_lists.explode(["element", "position", *beside])
    return exploded.filter(pl.col("element").is_not_null())


def _roots(where: pl.Expr | None, values: Iterable[Value]) -> set[str]:
    """Columns that the values and the condition read."""
    exprs: list[pl.Expr] = [] if where is None else [where]
    for value in values:
        if isinstance(value, Typed):
            exprs.append(value.expr)
        elif isinstance(value, Time):
            exprs.extend(value.sources)
            exprs.extend([] if value.is_inferred is None else [value.is_inferred])
        else:
            exprs.append(value.source if isinstance(value, Amount) else value)
    return {name for expr in exprs for name in expr.meta.root_names()}
