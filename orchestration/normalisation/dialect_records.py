"""The records of one dialect in a block, before they are made a frame of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class DialectRecords:
    """Records of one dialect in step: number, document, decoded object and hash of each, and the unknown fields of
    some."""

    numbers: list[int] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    objects: list[Any] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    unknown: dict[int, bytes] = field(default_factory=dict)

    def add(self, other: "DialectRecords", numbers: Sequence[int]) -> None:
        """Takes in records of another file under other numbers."""
        self.unknown |= {len(self.numbers) + place: unknown for place, unknown in other.unknown.items()}
        self.numbers.extend(numbers)
        self.documents.extend(other.documents)
        self.objects.extend(other.objects)
        self.hashes.extend(other.hashes)

    def at(self, places: Sequence[int]) -> "DialectRecords":
        """The records at these places alone."""
        return DialectRecords(
            [self.numbers[place] for place in places],
            [self.documents[place] for place in places],
            [self.objects[place] for place in places],
            [self.hashes[place] for place in places],
            {after: self.unknown[place] for after, place in enumerate(places) if place in self.unknown},
        )
