"""In how many records, or elements of a list, every leaf of a shape was given."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import polars as pl

from orchestration.mapping.compile_schema import Compiled
from orchestration.mapping.record_schema import Open
from orchestration.normalisation.nested_columns import fields_of

Counts = list[int]


def coverage_of(
    compiled: Compiled, frame: pl.DataFrame, fields: Iterable[pl.Series], ends: Sequence[int]
) -> list[dict[str, int]]:
    """By the path of a leaf that was given anywhere, the number of records or list elements that hold it; for each of
    the files with records that stand one after the other in the frame and end at `ends`."""
    counts = {path.removeprefix("at:"): count for path, count in _given_leaves(fields, ends)}
    for leaf in compiled.raw:
        if leaf.kind == "extra":
            counts[leaf.path] = _holding(frame.get_column("extra"), leaf.path, ends)
        else:
            column = frame.get_column(f"{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaf.path}")
            is_open = isinstance(compiled.shape.get(leaf.path), Open)
            counts[f"{leaf.path}.*" if is_open else leaf.path] = _given(column, ends)
    for leaves in compiled.lists:
        kept = f"item_extra:{leaves.path}"
        for leaf in leaves.leaves:
            name = (
                kept
                if leaf.kind == "extra"
                else f"item_{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaves.path}:{leaf.path}"
            )
            if name in frame.columns:
                elements, below = _elements(frame.get_column(name), ends)
                counts[f"{leaves.path}[].{leaf.path}"] = (
                    _holding(elements, leaf.path, below) if leaf.kind == "extra" else _given(elements, below)
                )
    return [
        {path: of_files[place] for path, of_files in counts.items() if of_files[place]} for place in range(len(ends))
    ]


def _given_leaves(fields: Iterable[pl.Series], ends: Sequence[int]) -> Iterator[tuple[str, Counts]]:
    """Every decoded leaf with the number of values that are not null; `[]` marks a list."""
    for below in fields:
        if isinstance(below.dtype, pl.List):
            elements, ends_below = _elements(below, ends)
            if isinstance(elements.dtype, pl.Struct):
                yield from _given_leaves(fields_of(elements, f"{below.name}[]."), ends_below)
            else:
                yield f"{below.name}[]", _given(elements, ends_below)
        elif not isinstance(below.dtype, pl.Struct):
            yield below.name, _given(below, ends)


def _elements(lists: pl.Series, ends: Sequence[int]) -> tuple[pl.Series, list[int]]:
    """The elements of lists that are not null, and where those of each file end."""
    if len(ends) == 1:
        elements = lists.drop_nulls().explode().drop_nulls()
        return elements, [elements.len()]
    below = lists.alias("element").to_frame().with_row_index("record").explode("element").drop_nulls("element")
    elements = below.get_column("element").alias(lists.name)
    return elements, below.get_column("record").search_sorted(pl.Series(ends, dtype=pl.UInt32)).to_list()


def _given(values: pl.Series, ends: Sequence[int]) -> Counts:
    """How many values of each file are not null."""
    if not values.null_count():
        return [end - start for start, end in pairwise((0, *ends))]
    if values.null_count() == values.len():
        return [0] * len(ends)
    return [end - start - values.slice(start, end - start).null_count() for start, end in pairwise((0, *ends))]


def _holding(objects: pl.Series, field: str, ends: Sequence[int]) -> Counts:
    """How many of the JSON objects of each file hold the field."""
    is_held = objects.str.contains(f'"{field}":', literal=True)
    return [int(is_held.slice(start, end - start).sum() or 0) for start, end in pairwise((0, *ends))]
