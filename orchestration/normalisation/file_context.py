"""Where the records of landing files come from: what every row of them says of itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from datetime import time as clock
from functools import cached_property
from typing import Any

import polars as pl

from orchestration.config.accounts import Account
from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures

# Records of several files that are normalised together are distinguished by their numbers: the bits from here on are
# the place of the file. No file has so many records.
_PLACE_BIT = 40


@dataclass(frozen=True)
class Origin:
    """Where the records of a file come from."""

    account: Account
    stream: str
    export_date: date
    source_file: str
    load_seq: int
    file_value: str | None = None
    secret: bytes = b""
    erased: Erasures | None = None
    """Who was erased: whoever is known by the same later is somebody else."""

    @property
    def export_start(self) -> datetime:
        return datetime.combine(self.export_date, clock(), UTC)

    def life_of(self, stream: str, record: str) -> str:
        """What distinguishes a record from the one of the same id that was erased; nothing where none was."""
        if not self.erased:
            return ""
        until = self.erased.last_export_date(
            erasures.record(self.account.source, self.account.source_account, stream, record)
        )
        return "" if until is None or self.export_date <= until else f"\x1dafter {until}"


@dataclass(frozen=True)
class Span:
    """The files of one stream of an account with records that are normalised together: one, or several small ones."""

    origins: tuple[Origin, ...]

    @property
    def account(self) -> Account:
        return self.origins[0].account

    @property
    def stream(self) -> str:
        return self.origins[0].stream

    @property
    def secret(self) -> bytes:
        return self.origins[0].secret

    def of_stream(self, stream: str) -> "Span":
        """The same files for records that say they are another stream's: they are that stream's, whatever folder they
        lie in."""
        if stream == self.stream:
            return self
        return Span(tuple(replace(origin, stream=stream, file_value=None) for origin in self.origins))

    def life_of(self, number: int, stream: str, record: str) -> str:
        """See `Origin.life_of`, for the record's row of that number."""
        return self.origins[place_of(number)[0]].life_of(stream, record)

    def reported(self, value: Callable[[Origin], Any], dtype: Any = None) -> pl.Expr:
        """What the file of each row says of it, where `source_row` is a column."""
        if len(self.origins) == 1:
            return pl.lit(value(self.origins[0]), dtype=dtype)
        values = pl.Series("reported", [value(origin) for origin in self.origins], dtype=dtype)
        return pl.lit(values).gather(pl.col("source_row").floordiv(1 << _PLACE_BIT))

    @cached_property
    def export_start(self) -> pl.Expr:
        """The start of the export date of each row."""
        return self.reported(lambda origin: origin.export_start, pl.Datetime("us", "UTC"))

    def export_date(self, number: int) -> date:
        """The export date of the record of that number."""
        return self.origins[place_of(number)[0]].export_date

    def in_own_numbers(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the numbers that their records have in their own files."""
        return rows if len(self.origins) == 1 else rows.with_columns(pl.col("source_row").mod(1 << _PLACE_BIT))

    def by_file(self, text: pl.Expr) -> pl.Expr:
        """A text that distinguishes what several files say, and is the text itself where there is one."""
        if len(self.origins) == 1:
            return text
        place = pl.col("source_row").floordiv(1 << _PLACE_BIT).cast(pl.String)
        return pl.concat_str(text, place, separator=_BETWEEN)

    def without_file(self, text: pl.Expr) -> pl.Expr:
        """The text of `by_file` without what names the file."""
        return text if len(self.origins) == 1 else text.str.replace(rf"{_BETWEEN}\d+\z", "")


_BETWEEN = "\x1e"


def numbered(place: int, numbers: Sequence[int]) -> list[int]:
    """Numbers of the records of the file at that place of a span."""
    return [place << _PLACE_BIT | number for number in numbers]


def place_of(number: int) -> tuple[int, int]:
    """The place of the record's file in its span, and its number there."""
    return number >> _PLACE_BIT, number & ((1 << _PLACE_BIT) - 1)
