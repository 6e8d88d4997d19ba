"""A file's rows between reading and loading: in memory, or in Parquet."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from orchestration.warehouse.duckdb_session import handed_over, quoted

# What the rows of a file may take in memory: some hundred records. For the many small files writing them costs more
# than all else of the disk.
MOST_HELD_BYTES = 2 * 2**20


@dataclass(frozen=True)
class Kept:
    """Rows that were put away: how many parts each table has, and in which files."""

    parts: Counter[str]
    names: dict[str, list[str]]


@dataclass
class Spool:
    """A file's rows, table by table, until they are loaded: in memory while they are few, else as Parquet."""

    folder: Path
    parts: Counter[str] = field(default_factory=Counter)
    _held: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _held_bytes: int = 0
    _paths: dict[str, list[str]] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)
    """By the path, how many records of the file stand before those that are numbered in it from 1."""

    @property
    def tables(self) -> set[str]:
        """The tables that it has rows of."""
        return self._held.keys() | self._paths.keys()

    def remove(self) -> None:
        self._held.clear()
        self.parts.clear()
        if self.folder.exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, table: str, frames: Iterable[pl.DataFrame]) -> None:
        """Takes in more rows of a table: as many `parts` of it as frames that have any."""
        for frame in frames:
            if frame.height:
                self.parts[table] += 1
                self._held.setdefault(table, []).append(frame)
                self._held_bytes += int(frame.estimated_size())
        if self._held_bytes > MOST_HELD_BYTES:
            self._write()

    def _write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for table, frames in self._held.items():
            paths = self._paths.setdefault(table, [])
            path = self.folder / f"{table}.{len(paths)}.parquet"
            pl.concat(frames).write_parquet(path, compression="lz4", statistics=False)
            paths.append(str(path))
        self._held.clear()
        self._held_bytes = 0

    def put_away(self) -> Kept:
        """Leaves all rows in files, for whoever takes them over."""
        if self._held:
            self._write()
        names = {table: [Path(path).name for path in paths] for table, paths in self._paths.items()}
        return Kept(self.parts.copy(), names)

    def take_over(self, folder: Path, kept: Kept, *, before: int = 0) -> None:
        """Holds the rows that somebody has put away in a folder, too; `before` records of the file come before
        theirs."""
        self.parts += kept.parts
        for table, names in kept.names.items():
            paths = [str(folder / name) for name in names]
            self._paths.setdefault(table, []).extend(paths)
            self._before |= dict.fromkeys(paths, before) if before else {}

    def frames(self, table: str) -> list[pl.DataFrame]:
        """The rows of a table, taken back."""
        number = _number_of(table)
        written = [
            pl.read_parquet(path).with_columns(pl.col(number) + self._before.get(path, 0))
            for path in self._paths.get(table, ())
        ]
        return [*written, *self._held.get(table, ())]

    @contextmanager
    def rows(self, con: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
        """The rows of a table, as what a query of the connection may select from while the body runs."""
        if table in self._paths and table in self._held:
            self._write()
        if table in self._paths:
            yield self._written(table)
        else:
            with handed_over(con, pl.concat(self._held[table])) as rows:
                yield rows

    def _written(self, table: str) -> str:
        by_place: dict[int, list[str]] = {}
        for path in self._paths[table]:
            by_place.setdefault(self._before.get(path, 0), []).append(quoted(path))
        scans = {before: f"read_parquet([{', '.join(paths)}])" for before, paths in by_place.items()}
        if scans.keys() == {0}:
            return scans[0]
        number = _number_of(table)
        numbered = (f"select * replace ({number} + {before} as {number}) from {scan}" for before, scan in scans.items())
        return f"({' union all by name '.join(numbered)})"


def _number_of(table: str) -> str:
    """The column that a record's number stands in."""
    return "row_number" if table in ("$rejects", "$issues") else "source_row"
