"""A shape made ready: the typed validator (msgspec) and the schema Polars decodes with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl
from msgspec import UNSET, Raw, UnsetType

from orchestration.mapping.raw_fields import ExtraCollector, RawLeaf
from orchestration.mapping.record_schema import Leaf, Open, Pairs, Shape, goes_to_extra, leaves

_STRICT: dict[str, Any] = {
    "text": str | int | float | bool | None,
    "number": int | float | None,
    "flag": bool | None,
    "scalar": str | int | float | bool | None,
    "json": Raw,
    "extra": Raw,
    "drop": Raw,
}
_LOOSE = {**_STRICT, "number": str | int | float | bool | None, "flag": str | int | float | bool | None}


def _struct(shape: dict[str, Any], leaves: dict[str, Any], required: frozenset[str], *, is_open: bool = False) -> Any:
    fields: list[Any] = []
    names: dict[str, str] = {}
    for position, (key, inner) in enumerate(shape.items()):
        name = f"f{position}"
        names[name] = key
        kind = _annotation(inner, leaves, is_open=is_open)
        if key in required:
            fields.append((name, kind))
        else:
            fields.append((name, kind | UnsetType, UNSET))
    return msgspec.defstruct("Record", fields, rename=names, forbid_unknown_fields=not is_open, kw_only=True, gc=False)


def _annotation(shape: Shape, leaves: dict[str, Any], *, is_open: bool = False) -> Any:
    if isinstance(shape, Open):
        return Raw
    if isinstance(shape, Leaf):
        return leaves[shape.kind]
    if isinstance(shape, Pairs):
        value = _annotation(shape.value, leaves, is_open=is_open)
        return dict[str, value | list[value] if shape.many else value] | None  # ty: ignore[invalid-type-form]
    if isinstance(shape, list):
        return list[_annotation(shape[0], leaves, is_open=is_open)] | None  # ty: ignore[invalid-type-form]
    # What an object says of consent under other names is heard in an open one too.
    return (
        _struct(
            shape,
            leaves,
            frozenset(),
            is_open=is_open and not any(isinstance(leaf, Leaf) and leaf.is_consent for leaf in shape.values()),
        )
        | None
    )


def polars_type(shape: Shape) -> pl.DataType | None:
    """Type that Polars decodes the shape with; null for what is handed over as raw text instead."""
    if isinstance(shape, Pairs):
        return None
    if isinstance(shape, Leaf):
        return pl.String() if shape.kind in ("text", "number", "flag", "scalar") else None
    if isinstance(shape, list):
        inner = polars_type(shape[0])
        return None if inner is None else pl.List(inner)
    if isinstance(shape, Open):
        shape = shape.known
    fields = {key: polars_type(inner) for key, inner in shape.items()}
    kept = {key: kind for key, kind in fields.items() if kind is not None}
    # A struct without fields cannot be decoded; a list of such objects still needs its length.
    return pl.Struct(kept or {"": pl.String()})


def _walk(shape: dict[str, Any], path: str, steps: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for position, (key, inner) in enumerate(shape.items()):
        here = f"{path}.{key}" if path else key
        taken = (*steps, f"f{position}")
        if isinstance(inner, dict):
            yield from _walk(inner, here, taken)
        else:
            yield here, taken, inner


@dataclass(frozen=True)
class ListLeaves:
    """Raw leaves inside the elements of one list of objects."""

    path: str
    steps: tuple[str, ...]
    leaves: tuple[RawLeaf, ...]
    extra_collector: ExtraCollector | None


@dataclass(frozen=True)
class Compiled:
    """A shape made ready: validators, Polars type, raw leaves."""

    shape: dict[str, Any]
    strict: msgspec.json.Decoder
    loose: msgspec.json.Decoder
    open: tuple[tuple[str, msgspec.json.Decoder], ...]
    dtype: pl.Struct
    raw: tuple[RawLeaf, ...]
    extra_collector: ExtraCollector | None
    lists: tuple[ListLeaves, ...]
    required: frozenset[str] = field(default_factory=frozenset)


def _raw_leaf(path: str, steps: tuple[str, ...], shape: Any) -> RawLeaf | None:
    if isinstance(shape, Leaf) and goes_to_extra(shape):
        return RawLeaf(path, "extra", steps)
    if isinstance(shape, Leaf) and shape.kind == "json":
        return RawLeaf(path, "json", steps)
    if isinstance(shape, Open):
        return RawLeaf(path, "json", steps)
    if isinstance(shape, Pairs):
        value = polars_type(shape.value)
        return RawLeaf(path, "pairs", steps, pl.List(pl.Struct({"key": pl.String(), "value": value})))  # ty: ignore[invalid-argument-type]
    return None


def _extra_collector(leaves: tuple[RawLeaf, ...]) -> ExtraCollector | None:
    kept = tuple(leaf for leaf in leaves if leaf.kind == "extra")
    return ExtraCollector(kept) if kept else None


def compile_shape(shape: dict[str, Any], required: frozenset[str], exploded: frozenset[str] = frozenset()) -> Compiled:
    """Validators and types of a shape; the required keys are what distinguishes its dialect from the others.

    `exploded` are the lists that rows are made of: their kept fields go to the `extra` of those rows. Any other list
    with kept fields goes to the record's `extra` whole.
    """
    raw: list[RawLeaf] = []
    lists: list[ListLeaves] = []
    for path, steps, inner in _walk(shape, "", ()):
        leaf = _raw_leaf(path, steps, inner)
        if leaf is not None:
            raw.append(leaf)
        if isinstance(inner, list) and isinstance(inner[0], dict):
            if path not in exploded and any(goes_to_extra(leaf) for _, leaf in leaves(inner)):
                raw.append(RawLeaf(path, "extra", steps, is_list=True))
            found = [_raw_leaf(*below) for below in _walk(inner[0], "", ())]
            kept = tuple(leaf for leaf in found if leaf is not None)
            if kept:
                lists.append(ListLeaves(path, steps, kept, _extra_collector(kept)))
    dtype = polars_type(shape)
    assert isinstance(dtype, pl.Struct)
    return Compiled(
        shape=shape,
        strict=msgspec.json.Decoder(_struct(shape, _STRICT, required)),
        loose=msgspec.json.Decoder(_struct(shape, _LOOSE, frozenset())),
        open=tuple(
            (f"f{position}", msgspec.json.Decoder(_struct(inner.known, _STRICT, frozenset(), is_open=True) | None))
            for position, inner in enumerate(shape.values())
            if isinstance(inner, Open)
        ),
        dtype=dtype,
        raw=tuple(raw),
        extra_collector=_extra_collector(tuple(raw)),
        lists=tuple(lists),
        required=required,
    )
