"""Shapes: what a vendor's record looks like, declared once as plain data. No vendor is named here.

A shape is a dictionary of field names, a list of one shape, or one of the leaves below; the field `name.*` gathers
every field that begins with `name.`, as CSV headers do, into one object. `compile_schema.py` makes validators and types
of it, `coercion.py` makes records fit it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Leaf:
    """A place in a record where the shape ends.

    text, number, flag and scalar become a text column; json keeps any value as delivered for a column of its own; keep
    is documented, has no column and goes to `extra`; drop is never stored, for the reason given. One that `is_kept`
    goes to `extra` too, because only some records fill a column with it. One that `stands_alone` is what a plain value
    means that comes in place of its object; one that `is_consent` is a yes or no that is heard in whatever it is
    wrapped.
    """

    kind: Literal["text", "number", "flag", "scalar", "json", "extra", "drop"]
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
    """An object at the top of a record that may hold anything: its known fields are decoded, all of it is kept as
    JSON."""

    known: "dict[str, Any]"


TEXT = Leaf("text")
NUMBER = Leaf("number")
FLAG = Leaf("flag")
SCALAR = Leaf("scalar")
JSON = Leaf("json")
EXTRA = Leaf("extra")


def drop(reason: str) -> Leaf:
    """A field that is left out on purpose: a secret, or a copy of what another stream delivers in full."""
    return Leaf("drop", reason)


def kept(shape: Any) -> Any:
    """The leaf, or every leaf of the object, also in `extra`: for what fills a column in some records alone."""
    if isinstance(shape, dict):
        return {key: kept(inner) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [kept(inner) for inner in shape]
    return (
        replace(shape, is_kept=True)
        if isinstance(shape, Leaf) and shape.kind in ("text", "number", "flag", "scalar")
        else shape
    )


def alone(leaf: Leaf) -> Leaf:
    """The field of an object that a plain value in place of the whole object is."""
    return replace(leaf, stands_alone=True)


def consent(leaf: Leaf) -> Leaf:
    """A yes or no, or a word for it: heard also where it stands alone, in an object or in a list."""
    return replace(leaf, stands_alone=True, is_consent=True)


def goes_to_extra(leaf: "Leaf | Pairs") -> bool:
    """The values of the leaf stand in `extra`, be it alone or beside a column."""
    return isinstance(leaf, Leaf) and (leaf.kind == "extra" or leaf.is_kept)


Shape = dict[str, Any] | list[Any] | Leaf | Pairs | Open


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
    return {"extra": "extra", "drop": "dropped"}.get(leaf.kind, "modelled") if isinstance(leaf, Leaf) else "modelled"
