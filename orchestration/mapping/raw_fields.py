"""Fields of decoded records that go on as the text they were delivered as: to a column of their own, or together into
`extra`."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

import msgspec
import polars as pl
from msgspec import UNSET, Raw, UnsetType


@dataclass(frozen=True)
class RawLeaf:
    """A place with a value that is taken from the record as raw text: beside the record, or per element of one list."""

    path: str
    kind: Literal["json", "extra", "pairs"]
    steps: tuple[str, ...]
    value_type: pl.DataType | None = None
    is_list: bool = False
    """The values are lists of objects, kept whole."""


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


class ExtraCollector:
    """Gathers the fields of records that have no column into one JSON object each, by their paths."""

    def __init__(self, leaves: tuple[RawLeaf, ...]) -> None:
        self._leaves = leaves
        names = {f"f{position}": leaf.path for position, leaf in enumerate(leaves)}
        self._struct = msgspec.defstruct(
            "Kept", [(name, Raw | UnsetType, UNSET) for name in names], rename=names, gc=False
        )
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
