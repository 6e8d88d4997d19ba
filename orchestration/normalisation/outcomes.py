"""What becomes of a record that is read: a row in a frame of its dialect, a rejection with its reason, a value that was
repaired."""

from collections.abc import Collection
from dataclasses import dataclass, field

import polars as pl

from orchestration.mapping.model import Dialect


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was not loaded, and why."""

    number: int
    reason: str
    field: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that was repaired, set to null or inferred, as given."""

    number: int
    table: str | None
    field: str
    code: str
    given: str
    action: str


@dataclass
class Decoded:
    """Records of one dialect as a frame: number, hash, extra, and a column per field that the dialect reads, raw ones
    as text."""

    dialect: Dialect
    frame: pl.DataFrame

    def without(self, numbers: Collection[int]) -> "Decoded":
        """The others of the records."""
        return Decoded(self.dialect, self.frame.filter(~pl.col("source_row").is_in(list(numbers)))) if numbers else self


@dataclass
class Batch:
    """What became of a block of records."""

    decoded: list[Decoded] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    duplicates: int = 0
