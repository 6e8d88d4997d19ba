"""Validated records of one dialect as a frame: a column for every field that the dialect reads, and `extra` for those
without one."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import polars as pl
from msgspec import UNSET

from orchestration.mapping.compile_schema import Compiled, ListLeaves
from orchestration.mapping.model import Dialect
from orchestration.mapping.raw_fields import ExtraCollector, Fields, RawLeaf
from orchestration.normalisation.dialect_records import DialectRecords
from orchestration.normalisation.nested_columns import fields_of

# Polars makes a tree of each document before it makes columns of any: as many trees at a time as stay in the cache.
_DECODED_BYTES = 2**20


def decoded_fields(dialect: Dialect, group: DialectRecords) -> list[pl.Series]:
    """Every field of the records as a column. Raises PolarsError where one of them cannot be decoded."""
    documents = texts("record", group.documents)
    at_once = max(1, _DECODED_BYTES * len(documents) // max(1, sum(map(len, group.documents))))
    parts = [
        documents.slice(start, at_once).str.json_decode(dialect.compiled.dtype)
        for start in range(0, len(documents), at_once)
    ]
    return list(fields_of(pl.concat(parts, rechunk=True), "at:"))


def frame_of(
    dialect: Dialect, group: DialectRecords, fields: list[pl.Series], encode: Callable[[Any], bytes]
) -> pl.DataFrame:
    """The records with their numbers and hashes, and what of them the dialect reads; raw values as text."""
    compiled, given = dialect.compiled, Fields(group.objects)
    columns: list[pl.Series] = [
        pl.Series("source_row", group.numbers, dtype=pl.Int64),
        pl.Series("record_hash", group.hashes, dtype=pl.Binary).bin.encode("hex"),
        *(field for field in fields if field.name in dialect.reads),
        _extra(compiled, group, given),
        *(_raw_series(leaf, given, encode) for leaf in compiled.raw if leaf.kind != "extra"),
        *(series for leaves in compiled.lists for series in _list_series(leaves, given, encode)),
    ]
    return pl.DataFrame(columns)


def texts(name: str, values: Sequence[bytes | None]) -> pl.Series:
    """Documents as a column of text."""
    return pl.Series(name, values, dtype=pl.Binary).cast(pl.String)


def _plain(value: Any) -> bytes | None:
    if value is None or value is UNSET:
        return None
    text = bytes(value)
    return None if text == b"null" else text


def _pairs(value: Any, encode: Callable[[Any], bytes]) -> bytes | None:
    if not isinstance(value, dict):
        return None
    return encode(
        [
            {"key": key, "value": one}
            for key, inner in value.items()
            for one in (inner if isinstance(inner, list) else (inner,))
        ]
    )


def _raw_series(leaf: RawLeaf, fields: Fields, encode: Callable[[Any], bytes]) -> pl.Series:
    values = fields.at(leaf.steps)
    if leaf.kind == "pairs":
        return texts(f"pairs:{leaf.path}", [_pairs(value, encode) for value in values]).str.json_decode(leaf.value_type)
    return texts(f"raw:{leaf.path}", [_plain(value) for value in values])


_LIST_COLUMNS = {"json": "item_raw", "pairs": "item_pairs"}


def _list_series(leaves: ListLeaves, fields: Fields, encode: Callable[[Any], bytes]) -> list[pl.Series]:
    """Raw leaves of a list's elements: read as one column of all elements, then cut into a list for each record."""
    lists = [elements or () for elements in fields.at(leaves.steps)]
    elements = Fields(chain.from_iterable(lists))
    flat = [
        _raw_series(leaf, elements, encode).alias(f"{_LIST_COLUMNS[leaf.kind]}:{leaves.path}:{leaf.path}")
        for leaf in leaves.leaves
        if leaf.kind in _LIST_COLUMNS
    ]
    if leaves.extra_collector is not None:
        flat.append(_kept(f"item_extra:{leaves.path}", leaves.extra_collector, elements))
    lengths = pl.DataFrame({"length": [len(row) for row in lists]}, schema={"length": pl.UInt32}).with_row_index("row")
    owners = lengths.select(pl.col("row").repeat_by("length").explode(empty_as_null=False))
    by_record = owners.hstack(flat).group_by("row", maintain_order=True).agg(pl.all())
    return lengths.join(by_record, on="row", how="left", maintain_order="left").drop("row", "length").get_columns()


def _kept(name: str, extra_collector: ExtraCollector, fields: Fields) -> pl.Series:
    return texts(name, extra_collector.of(fields)).replace("{}", None)


def _extra(compiled: Compiled, group: DialectRecords, fields: Fields) -> pl.Series:
    """Fields that have no column, and those that have no place in the shape, as one JSON object."""
    none = pl.repeat(None, len(group.objects), dtype=pl.String, eager=True).alias("extra")
    known = none if compiled.extra_collector is None else _kept("extra", compiled.extra_collector, fields)
    if not group.unknown:
        return known
    places = list(group.unknown)
    completed = [_with_unknown(known[place], group.unknown[place].decode("utf-8", "replace")) for place in places]
    return known.scatter(places, completed)


def _with_unknown(known: str | None, unknown: str) -> str:
    return unknown if known is None else f"{known[:-1]},{unknown[1:]}"
