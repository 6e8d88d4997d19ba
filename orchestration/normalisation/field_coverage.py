"""In how many records, or elements of a list, every leaf of a shape was given."""

from collections.abc import Iterable, Iterator

import polars as pl

from orchestration.mapping.compile_schema import Compiled
from orchestration.mapping.record_schema import Open
from orchestration.normalisation.nested_columns import fields_of


def coverage_of(compiled: Compiled, frame: pl.DataFrame, fields: Iterable[pl.Series]) -> dict[str, int]:
    """By the path of a leaf that was given anywhere, the number of records or list elements that hold it."""
    counts = {path.removeprefix("at:"): count for path, count in _given_leaves(fields)}
    for leaf in compiled.raw:
        if leaf.kind == "keep":
            counts[leaf.path] = _holding(frame.get_column("extra"), leaf.path)
        else:
            column = frame.get_column(f"{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaf.path}")
            is_open = isinstance(compiled.shape.get(leaf.path), Open)
            counts[f"{leaf.path}.*" if is_open else leaf.path] = column.len() - column.null_count()
    for leaves in compiled.lists:
        kept = f"item_extra:{leaves.path}"
        for leaf in leaves.leaves:
            name = (
                kept
                if leaf.kind == "keep"
                else f"item_{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaves.path}:{leaf.path}"
            )
            if name in frame.columns:
                elements = frame.get_column(name).explode()
                counts[f"{leaves.path}[].{leaf.path}"] = (
                    _holding(elements, leaf.path) if leaf.kind == "keep" else elements.len() - elements.null_count()
                )
    return {path: count for path, count in counts.items() if count}


def _given_leaves(fields: Iterable[pl.Series]) -> Iterator[tuple[str, int]]:
    """Every decoded leaf with the number of values that are not null; `[]` marks a list."""
    for below in fields:
        if isinstance(below.dtype, pl.List):
            elements = below.explode().drop_nulls()
            if isinstance(elements.dtype, pl.Struct):
                yield from _given_leaves(fields_of(elements, f"{below.name}[]."))
            else:
                yield f"{below.name}[]", elements.len()
        elif not isinstance(below.dtype, pl.Struct):
            yield below.name, below.len() - below.null_count()


def _holding(objects: pl.Series, field: str) -> int:
    """How many of the JSON objects hold the field."""
    return int(objects.str.contains(f'"{field}":', literal=True).sum() or 0)
