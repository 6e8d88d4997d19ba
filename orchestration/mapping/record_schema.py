"""Shapes: what a vendor's record looks like, declared once as plain data.

A shape is a dictionary of field names, a list of one shape, or one of the leaves below; the field `name.*` gathers every
field that begins with `name.`, as CSV headers do, into one object. From it derive the typed
validator (msgspec), the schema Polars decodes with, and the repair of records that do not fit. No vendor is named here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Literal

import msgspec
import polars as pl
from msgspec import UNSET, Raw, UnsetType

from orchestration.mapping.consent_words import heard, said


@dataclass(frozen=True)
class Leaf:
    """A place in a record where the shape ends.

    text, number, flag and scalar become a text column; json keeps any value as delivered for a column of its own;
    keep is documented, has no column and goes to `extra`; drop is never stored, for the reason given. One that
    `is_kept` goes to `extra` too, because only some records fill a column with it. One that `stands_alone` is what a plain
    value means that comes in place of its object; one that `is_consent` is a yes or no that is heard in whatever it is wrapped.
    """

    kind: Literal["text", "number", "flag", "scalar", "json", "keep", "drop"]
    reason: str = ""
    is_kept: bool = False
    stands_alone: bool = False
    is_consent: bool = False


@dataclass(frozen=True)
class Pairs:
    """An object with open keys, read as a list of {key, value}; the value is a leaf or an object of leaves.

    With `many` a leaf's place may hold a list of such leaves, which gives a pair for each.
    """

    value: "Shape"
    many: bool = False


@dataclass(frozen=True)
class Open:
    """An object at the top of a record that may hold anything: its known fields are decoded, all of it is kept as JSON."""

    known: "dict[str, Any]"


TEXT = Leaf("text")
NUMBER = Leaf("number")
FLAG = Leaf("flag")
SCALAR = Leaf("scalar")
JSON = Leaf("json")
KEEP = Leaf("keep")


def drop(reason: str) -> Leaf:
    """A field that is left out on purpose: a secret, or a copy of what another stream delivers in full."""
    return Leaf("drop", reason)


def kept(shape: Any) -> Any:
    """The leaf, or every leaf of the object, also in `extra`: for what fills a column in some records alone."""
    if isinstance(shape, dict):
        return {key: kept(inner) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [kept(inner) for inner in shape]
    return replace(shape, is_kept=True) if isinstance(shape, Leaf) and shape.kind in ("text", "number", "flag", "scalar") else shape


def alone(leaf: Leaf) -> Leaf:
    """The field of an object that a plain value in place of the whole object is."""
    return replace(leaf, stands_alone=True)


def consent(leaf: Leaf) -> Leaf:
    """A yes or no, or a word for it: heard also where it stands alone, in an object or in a list."""
    return replace(leaf, stands_alone=True, is_consent=True)


def goes_to_extra(leaf: "Leaf | Pairs") -> bool:
    """The values of the leaf stand in `extra`, be it alone or beside a column."""
    return isinstance(leaf, Leaf) and (leaf.kind == "keep" or leaf.is_kept)


Shape = dict[str, Any] | list[Any] | Leaf | Pairs | Open

_STRICT: dict[str, Any] = {
    "text": str | int | float | bool | None,
    "number": int | float | None,
    "flag": bool | None,
    "scalar": str | int | float | bool | None,
    "json": Raw,
    "keep": Raw,
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
    return _struct(shape, leaves, frozenset(), is_open=is_open and not any(isinstance(leaf, Leaf) and leaf.is_consent for leaf in shape.values())) | None


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


@dataclass(frozen=True)
class RawLeaf:
    """A place whose value is taken from the record as raw text: beside the record, or per element of one list."""

    path: str
    kind: Literal["json", "keep", "pairs"]
    steps: tuple[str, ...]
    value_type: pl.DataType | None = None
    is_list: bool = False
    """The values are lists of objects, kept whole."""


def _walk(shape: dict[str, Any], path: str, steps: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for position, (key, inner) in enumerate(shape.items()):
        here = f"{path}.{key}" if path else key
        taken = (*steps, f"f{position}")
        if isinstance(inner, dict):
            yield from _walk(inner, here, taken)
        else:
            yield here, taken, inner


class _Absent:
    """Stands for an object that is not there: none of its fields is given."""

    def __getattr__(self, name: str) -> Any:
        return UNSET


_ABSENT = _Absent()


class Fields:
    """Fields of many decoded records, each as a column of values; objects on the way to them are looked up once."""

    def __init__(self, records: Iterable[Any]) -> None:
        self._objects: dict[tuple[str, ...], list[Any]] = {(): [record or _ABSENT for record in records]}

    def __len__(self) -> int:
        return len(self._objects[()])

    def at(self, steps: tuple[str, ...]) -> list[Any]:
        """The values of a field, unset where an object above it is not there."""
        *above, last = steps
        return list(map(attrgetter(last), self._at_objects(tuple(above))))

    def _at_objects(self, steps: tuple[str, ...]) -> list[Any]:
        if steps not in self._objects:
            self._objects[steps] = [found or _ABSENT for found in self.at(steps)]
        return self._objects[steps]


class Keeper:
    """Gathers the fields of records that have no column into one JSON object each, by their paths."""

    def __init__(self, leaves: tuple[RawLeaf, ...]) -> None:
        self._leaves = leaves
        names = {f"f{position}": leaf.path for position, leaf in enumerate(leaves)}
        self._struct = msgspec.defstruct("Kept", [(name, Raw | UnsetType, UNSET) for name in names], rename=names, gc=False)
        self._encoder = msgspec.json.Encoder()

    def of(self, fields: Fields) -> list[bytes]:
        """One object for every record, `{}` where a record has none of the fields."""
        kept = list(map(self._struct, *(self._column(fields.at(leaf.steps), leaf) for leaf in self._leaves)))
        lines = self._encoder.encode_lines(kept).split(b"\n")[:-1]
        # A value that spans lines was delivered in a text that does.
        return lines if len(lines) == len(kept) else [self._encoder.encode(one) for one in kept]

    def _column(self, values: list[Any], leaf: RawLeaf) -> list[Any]:
        if not leaf.is_list:
            return values
        return [UNSET if value is None or value is UNSET else Raw(self._encoder.encode(value)) for value in values]


@dataclass(frozen=True)
class ListLeaves:
    """Raw leaves inside the elements of one list of objects."""

    path: str
    steps: tuple[str, ...]
    leaves: tuple[RawLeaf, ...]
    keeper: Keeper | None


@dataclass(frozen=True)
class Compiled:
    """A shape made ready: validators, Polars type, raw leaves."""

    shape: dict[str, Any]
    strict: msgspec.json.Decoder
    loose: msgspec.json.Decoder
    open: tuple[tuple[str, msgspec.json.Decoder], ...]
    dtype: pl.Struct
    raw: tuple[RawLeaf, ...]
    keeper: Keeper | None
    lists: tuple[ListLeaves, ...]
    required: frozenset[str] = field(default_factory=frozenset)
    is_open: bool = False
    """Some values may be objects of any keys, which may come in any order."""
    takes_as_delivered: bool = False
    """Some values go through as the text they were delivered as."""


def _raw_leaf(path: str, steps: tuple[str, ...], shape: Any) -> RawLeaf | None:
    if isinstance(shape, Leaf) and goes_to_extra(shape):
        return RawLeaf(path, "keep", steps)
    if isinstance(shape, Leaf) and shape.kind == "json":
        return RawLeaf(path, "json", steps)
    if isinstance(shape, Open):
        return RawLeaf(path, "json", steps)
    if isinstance(shape, Pairs):
        value = polars_type(shape.value)
        return RawLeaf(path, "pairs", steps, pl.List(pl.Struct({"key": pl.String(), "value": value})))  # ty: ignore[invalid-argument-type]
    return None


def _keeper(leaves: tuple[RawLeaf, ...]) -> Keeper | None:
    kept = tuple(leaf for leaf in leaves if leaf.kind == "keep")
    return Keeper(kept) if kept else None


def compile_shape(shape: dict[str, Any], required: frozenset[str], exploded: frozenset[str] = frozenset()) -> Compiled:
    """Validators and types of a shape; the required keys are what tells its dialect from the others.

    `exploded` are the lists that rows are made of: their kept fields go to the `extra` of those rows. Any other list with
    kept fields goes to the record's `extra` whole.
    """
    raw: list[RawLeaf] = []
    lists: list[ListLeaves] = []
    for path, steps, inner in _walk(shape, "", ()):
        leaf = _raw_leaf(path, steps, inner)
        if leaf is not None:
            raw.append(leaf)
        if isinstance(inner, list) and isinstance(inner[0], dict):
            if path not in exploded and any(goes_to_extra(leaf) for _, leaf in leaves(inner)):
                raw.append(RawLeaf(path, "keep", steps, is_list=True))
            found = [_raw_leaf(*below) for below in _walk(inner[0], "", ())]
            kept = tuple(leaf for leaf in found if leaf is not None)
            if kept:
                lists.append(ListLeaves(path, steps, kept, _keeper(kept)))
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
        keeper=_keeper(tuple(raw)),
        lists=tuple(lists),
        required=required,
        is_open=any(isinstance(leaf, Pairs) or leaf.kind in ("json", "keep", "drop") for _, leaf in leaves(shape)),
        takes_as_delivered=any(isinstance(leaf, Leaf) and leaf.kind in ("json", "keep", "drop") for _, leaf in leaves(shape)),
    )


def leaves(shape: Shape, path: str = "") -> Iterator[tuple[str, Leaf | Pairs]]:
    """Every leaf of a shape with its dotted path; `[]` marks a list."""
    if isinstance(shape, dict):
        for key, inner in shape.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(shape, list):
        yield from leaves(shape[0], f"{path}[]")
    elif isinstance(shape, Open):
        yield from leaves(shape.known, path)
        yield f"{path}.*", JSON
    else:
        yield path, shape


def handling(leaf: Leaf | Pairs) -> str:
    """What becomes of a leaf's values: `modelled` in a column, kept in `extra`, or `dropped` on purpose."""
    return {"keep": "extra", "drop": "dropped"}.get(leaf.kind, "modelled") if isinstance(leaf, Leaf) else "modelled"


def _fraction(text: str) -> Raw:
    """A JSON number kept as the text it was delivered as, so that no digit is lost on the way."""
    return Raw(text)


_GENERIC = msgspec.json.Decoder(float_hook=_fraction)
EXACT_INTEGER = 2**53
MOST_EXACT_SIGNS = 15
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*\Z")


@dataclass
class Fitted:
    """A record made to fit its shape: unknown fields and repairs apart."""

    record: Any
    unknown: dict[str, Any] = field(default_factory=dict)
    issues: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(field, issue code, value as given, action)"""
    decisive: frozenset[str] = frozenset()
    """Fields whose values are kept as text where they are of the wrong kind: without them the record would be another."""

    @property
    def misfits(self) -> int:
        """How many values have no place in the shape, or are of another kind than it says."""
        return len(self.unknown) + sum(code == "wrong_shape" for _, code, _, _ in self.issues)


def decode_generic(document: bytes) -> Any:
    """The record as plain Python values; fractions stay as written, so that they are exact."""
    return _GENERIC.decode(document)


def fit(record: dict[str, Any], shape: dict[str, Any], decisive: frozenset[str] = frozenset()) -> Fitted:
    """The record cut to its shape: what has no place goes to `unknown`, what has the wrong kind is repaired or null, or text where it is decisive."""
    fitted = Fitted(record=None, decisive=decisive)
    fitted.record = _fit_object(record, shape, "", fitted)
    return fitted


def _given(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode("utf-8", "replace")


def _wrong(value: Any, path: str, fitted: Fitted) -> None:
    fitted.issues.append((path, "wrong_shape", _given(value), "set_null"))


def _fit(value: Any, shape: Shape, path: str, fitted: Fitted) -> Any:
    if value is None:
        return None
    if isinstance(shape, Leaf):
        return _fit_leaf(value, shape, path, fitted)
    if isinstance(shape, Open):
        if isinstance(value, dict):
            named = {key: inner for key, inner in value.items() if key in shape.known}
            known = _fit_object(named, shape.known, path, Fitted(None, {}, fitted.issues, fitted.decisive))
            return _with_rest(known, value)
        if value != "" and value != []:
            _wrong(value, path, fitted)
        return None
    if isinstance(shape, Pairs):
        if isinstance(value, dict):
            return {key: _fit(inner, _pair_shape(shape, inner), f"{path}.{key}", fitted) for key, inner in value.items()}
        return _fit_pairs_of(value, shape, path, fitted)
    if isinstance(shape, list):
        if not isinstance(value, list):
            may_stand_alone = isinstance(shape[0], dict) and _alone_in(shape[0]) is not None
            if (isinstance(shape[0], dict) != isinstance(value, dict) and not may_stand_alone) or value == "":
                if value != "":
                    _wrong(value, path, fitted)
                return None
            fitted.issues.append((path, "object_for_list", _given(value), "repaired"))
            value = [value]
        return [_fit(inner, shape[0], f"{path}[{position}]", fitted) for position, inner in enumerate(value)]
    if isinstance(value, dict):
        return _with_consent(value, shape, _fit_object(value, shape, path, fitted), path, fitted)
    return _fit_alone(value, shape, path, fitted)


def _alone_in(shape: dict[str, Any]) -> str | None:
    """The field of the object that a plain value in its place is."""
    return next((key for key, leaf in shape.items() if isinstance(leaf, Leaf) and leaf.stands_alone), None)


def _fit_alone(value: Any, shape: dict[str, Any], path: str, fitted: Fitted) -> Any:
    """An object made of a value that came in its place."""
    key = _alone_in(shape)
    if value == "" or value == []:
        return None
    if key is None or (isinstance(value, list) and not (shape[key].is_consent and heard(value) is not None)):
        return _wrong(value, path, fitted)
    fitted.issues.append((path, "number_for_amount" if shape[key].kind == "number" else "value_for_object", _given(value), "repaired"))
    told = heard(value) if isinstance(value, list) else value
    return _fit_object({key: told}, shape, path, fitted)


def _with_consent(value: dict[str, Any], shape: dict[str, Any], fit_object: dict[str, Any], path: str, fitted: Fitted) -> dict[str, Any]:
    """The object with the yes or no that it tells under names that the shape does not know, where it tells none under those it does."""
    key = _alone_in(shape)
    if key is None or not shape[key].is_consent or fit_object.get(key) is not None:
        return fit_object
    told = heard({name: inner for name, inner in value.items() if name not in shape})
    if told is None:
        return fit_object
    fitted.issues.append((path, "value_for_object", _given(value), "repaired"))
    return {**fit_object, key: told}


def _fit_pairs_of(value: Any, shape: Pairs, path: str, fitted: Fitted) -> Any:
    """A no in place of an object of many consents is a no to all of them; nothing else may stand there."""
    if value == []:
        return None
    inner = shape.value if isinstance(shape.value, dict) else {}
    key, told = _alone_in(inner) if inner else None, heard(value)
    if key is None or not inner[key].is_consent or said(told) != "opt_out":
        return _wrong(value, path, fitted)
    fitted.issues.append((path, "value_for_object", _given(value), "repaired"))
    return {"all": {key: told}}


def _with_rest(known: Any, value: Any) -> Any:
    """What was made to fit, together with all that an open object holds beside it, at any depth."""
    if isinstance(known, dict) and isinstance(value, dict):
        delivered = {key: _with_rest(known[key], inner) if key in known else exact(inner) for key, inner in value.items()}
        return delivered | {key: inner for key, inner in known.items() if key not in value}
    if isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
        return [_with_rest(*pair) for pair in zip(known, value, strict=True)]
    # A fraction that a float holds stays the number it was delivered as.
    return value if isinstance(value, Raw) and len(value) <= MOST_EXACT_SIGNS and b"e" not in bytes(value).lower() else known


def _pair_shape(shape: Pairs, value: Any) -> Shape:
    return [shape.value] if shape.many and isinstance(value, list) else shape.value


def exact(value: Any) -> Any:
    """The value such that encoding it as JSON again changes no number."""
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return Raw(str(value)) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER else value


def _fit_leaf(value: Any, leaf: Leaf, path: str, fitted: Fitted) -> Any:
    if leaf.kind in ("json", "keep", "drop"):
        return exact(value)
    if isinstance(value, dict | list):
        if leaf.is_consent and (told := heard(value)) is not None:
            fitted.issues.append((path, "object_for_value", _given(value), "repaired"))
            return told
        _wrong(value, path, fitted)
        return _given(value) if path in fitted.decisive else None
    if isinstance(value, Raw):
        return bytes(value).decode()
    if leaf.kind == "number" and isinstance(value, str) and _NUMBER.match(value):
        fitted.issues.append((path, "number_as_text", value, "repaired"))
    elif leaf.kind == "flag" and not isinstance(value, bool) and value != "":
        fitted.issues.append((path, "flag_as_text", _given(value), "repaired"))
    return str(value) if isinstance(value, int) and abs(value) > EXACT_INTEGER else value


def _fit_object(value: dict[str, Any], shape: dict[str, Any], path: str, fitted: Fitted) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        here = f"{path}.{key}" if path else key
        group = None if key in shape else next((name for name in shape if name.endswith(".*") and key.startswith(name[:-1])), None)
        if key in shape:
            kept[key] = _fit(inner, shape[key], here, fitted)
        elif group:
            kept.setdefault(group, {})[key[len(group) - 1 :]] = exact(inner)
        else:
            fitted.unknown[here] = exact(inner)
    return kept


def fields_of(objects: pl.Series, start: str) -> Iterator[pl.Series]:
    """Every field below a column of objects, at any depth, named `start` and its dotted path.

    An expression of many such columns is planned in a third of the time that the same takes below one column of objects.
    """
    for below in objects.struct.unnest():
        yield below.alias(f"{start}{below.name}")
        if isinstance(below.dtype, pl.Struct):
            yield from fields_of(below, f"{start}{below.name}.")
