"""Landing files on their way from bytes to rows, in memory or in Parquet: several at once, their blocks too. Nothing
here writes the warehouse."""

import shutil
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import duckdb
import polars as pl

from orchestration.canonical.reason_codes import ERASED, RECORD_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import formats, landing_zone
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.loading import erasure_book
from orchestration.mapping.model import Vendor
from orchestration.normalisation.classifier import Bounds, ClassifiedBlock
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.erasures import Erasures
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser
from orchestration.normalisation.outcomes import Reject
from orchestration.vendors import discover
from orchestration.warehouse.duckdb_session import handed_over, quoted

MOST_RAW_BYTES = 16 * 2**20
READERS = 2
MOST_FILES_AHEAD = 16
SECONDS_OF_SILENCE = 10.0
# What the rows of a file may take in memory: some hundred records. For the many small files writing them costs more
# than all else of the disk.
MOST_HELD_BYTES = 2 * 2**20


@dataclass
class Counts:
    """What became of a file's records."""

    read: int = 0
    rejected: int = 0
    duplicate: int = 0
    erased: int = 0
    """Of the rejected ones, those about somebody who was erased: nothing is wrong with them."""


@dataclass
class Spool:
    """A file's rows, table by table, until they are booked: in memory while they are few, else as Parquet."""

    folder: Path
    parts: Counter[str] = field(default_factory=Counter)
    _held: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _held_bytes: int = 0
    _paths: dict[str, list[str]] = field(default_factory=dict)

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
            pl.concat(frames).write_parquet(path, compression="zstd", compression_level=1)
            paths.append(str(path))
        self._held.clear()
        self._held_bytes = 0

    @contextmanager
    def rows(self, con: duckdb.DuckDBPyConnection, table: str) -> Iterator[str]:
        """The rows of a table, as what a query of the connection may select from while the body runs."""
        if table in self._paths and table in self._held:
            self._write()
        if table in self._paths:
            yield f"read_parquet([{', '.join(map(quoted, self._paths[table]))}])"
        else:
            with handed_over(con, pl.concat(self._held[table])) as rows:
                yield rows


def read_ahead(
    settings: Settings,
    files: list[LandedFile],
    *,
    first_load_seq: int,
    progress: Callable[[str], None] = lambda text: None,
) -> Generator["Reading"]:
    """The files as rows, in their order, while the next ones are being read; every spool is gone in the end.

    `progress` hears now and then how far a large file is.
    """
    todo = enumerate(files, start=first_load_seq)
    erasures = erasure_book.erasures(settings)
    stop = Event()
    files_pool, blocks_pool = ThreadPoolExecutor(READERS, "read"), ThreadPoolExecutor(READERS, "finish")
    ahead: deque[tuple[Reading, Future[None]]] = deque()
    try:
        while True:
            while len(ahead) < MOST_FILES_AHEAD and (following := next(todo, None)) is not None:
                reading = Reading(settings, following[1], load_seq=following[0], erasures=erasures)
                ahead.append((reading, files_pool.submit(reading.read, blocks_pool, stop)))
            if not ahead:
                return
            reading, done = ahead[0]
            while not wait([done], SECONDS_OF_SILENCE).done:
                progress(f"{reading.file.shown_path}: {reading.counts.read:,} records read so far")
            done.result()
            yield reading
            reading.spool.remove()
            ahead.popleft()
    finally:
        stop.set()
        files_pool.shutdown(cancel_futures=True)
        blocks_pool.shutdown(cancel_futures=True)
        for reading, _ in ahead:
            reading.spool.remove()


class _StoppedError(Exception):
    """Nobody waits for the file any more."""


class Reading:
    """A file being read; its rows are in the spool when that is done."""

    def __init__(
        self, settings: Settings, file: LandedFile, *, load_seq: int, erasures: Erasures | None = None
    ) -> None:
        self.file = file
        self.spool = Spool(settings.internal / "spool" / str(load_seq))
        self.counts = Counts()
        self.sha256 = ""
        self.reason: str | None = None
        self._settings = settings
        self._vendor = discover()[file.source]
        self.origin = Origin(
            account=settings.account(self._vendor, file.source_account),
            stream=file.stream,
            export_date=file.export_date,
            source_file=file.relative_path,
            load_seq=load_seq,
            file_value=_file_value(self._vendor, file),
            secret=settings.secret or b"",
            erased=erasures,
        )
        self.normaliser = Normaliser(
            self._vendor, self.origin, Bounds(settings.options.record_bytes, settings.options.record_levels), erasures
        )

    def read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """Reads the file into the spool; why it cannot be, is told as `reason`."""
        self.spool.remove()
        try:
            self.sha256 = landing_zone.sha256_of(self.file)
            self._read(pool, stop)
        except ContainerError as error:
            self.reason = error.reason
        except (KeyboardInterrupt, SystemExit, GeneratorExit, OSError, _StoppedError):
            # What the machine or the operator does, and not what the file holds.
            raise
        except BaseException:
            # A fault of ours: it costs this file, never the night. Polars panics with what is no `Exception`. The text
            # may hold values of customers.
            self.reason = "internal_error"
        finally:
            self.normaliser.decoder.forget()

    def _read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """One block is made frames of while the next is read and classified."""
        stream = self._vendor.streams[self.file.stream]
        self.normaliser.major_fields = columns_in_major_units(
            stream, self.file.path.name, blocks_of(self._settings, self.file)
        )
        before: Future[None] | None = None
        try:
            for block in blocks_of(self._settings, self.file):
                if stop.is_set():
                    raise _StoppedError
                found = self.normaliser.classify(block)
                if before is not None:
                    before.result()
                before = pool.submit(self._finish, found)
        finally:
            if before is not None:
                before.result()

    def _finish(self, found: ClassifiedBlock) -> None:
        result = self.normaliser.finish(found)
        self.counts.read += result.rows_read
        self.counts.rejected += result.rows_rejected
        self.counts.duplicate += result.rows_duplicate
        self.counts.erased += sum(reject.reason == ERASED for reject in result.rejects)
        for table, frames in result.frames.items():
            self.spool.add(table, frames)
        self.spool.add("$told", result.told)
        self.spool.add("$rejects", [rejects_frame(result.rejects)])
        self.spool.add("$issues", [_issues(result)])


def blocks_of(settings: Settings, file: LandedFile) -> Iterator[list[Record]]:
    """The file's records, in the form its stream comes in."""
    return formats.blocks(file, settings.data, settings.options, discover()[file.source].streams[file.stream])


def rejects_frame(rejects: Iterable[Reject]) -> pl.DataFrame:
    """Rejected records as rows of the books, each with its bytes."""
    rows = []
    for reject in rejects:
        raw = reject.raw[:MOST_RAW_BYTES]
        try:
            text, exact = raw.decode("utf-8"), None
        except UnicodeDecodeError:
            text, exact = raw.decode("utf-8", "backslashreplace"), raw
        rows.append((reject.number, reject.reason, reject.field, text, exact, RECORD_REASONS[reject.reason]))
    schema = {
        "row_number": pl.Int64,
        "reason_code": pl.String,
        "field": pl.String,
        "raw": pl.String,
        "raw_bytes": pl.Binary,
        "message": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _issues(result: Normalised) -> pl.DataFrame:
    rows = [(issue.number, issue.table, issue.field, issue.code, issue.given, issue.action) for issue in result.issues]
    schema = {
        "row_number": pl.Int64,
        "table_name": pl.String,
        "field": pl.String,
        "issue_code": pl.String,
        "value_given": pl.String,
        "action": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _file_value(vendor: Vendor, file: LandedFile) -> str | None:
    pattern = vendor.streams[file.stream].file_value
    return landing_zone.value_in_name(pattern, file.path.name) if pattern else None
