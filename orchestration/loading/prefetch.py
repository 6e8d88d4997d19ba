"""Landing files on their way from bytes to rows, in memory or in Parquet: several at once, their blocks too, and small
ones together. Nothing here writes the warehouse."""

import shutil
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event

import duckdb
import polars as pl

from orchestration.canonical.reason_codes import ERASED, RECORD_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import formats, landing_zone, stretches
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.landing.stretches import Stretch
from orchestration.loading import erasure_log
from orchestration.mapping.model import Vendor
from orchestration.normalisation.classifier import Bounds, ClassifiedBlock
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.erasures import Erasures
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser, NotTogetherError, Together, together
from orchestration.normalisation.outcomes import Reject
from orchestration.vendors import discover
from orchestration.warehouse.duckdb_session import handed_over, quoted

MOST_RAW_BYTES = 16 * 2**20
READERS = 2
MOST_BUNDLES_AHEAD = 8
# Files up to this size are normalised and logged together: what is planned and looked up for a file costs more than its
# records.
SMALL_FILE_BYTES = 512 * 2**10
MOST_UNPACKED_BYTES = 2 * 2**20
MOST_FILES_TOGETHER = 256
MOST_BYTES_TOGETHER = 12 * 2**20
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

    @property
    def loaded(self) -> int:
        return self.read - self.rejected - self.duplicate


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


def read_ahead(
    settings: Settings,
    files: list[LandedFile],
    *,
    first_load_seq: int,
    alone: Collection[str] = (),
    progress: Callable[[str], None] = lambda text: None,
) -> Generator["Bundle"]:
    """The files as rows, in their order, while the next ones are being read; every spool is gone in the end.

    Small files come together, those with the paths `alone` never do. `progress` hears now and then how far a large file
    is.
    """
    erasures = erasure_log.erasures(settings)
    bundles = (
        Bundle(
            [
                Reading(settings, file, load_seq=first_load_seq + place, erasures=erasures)
                for place, file in enumerate(some, start)
            ]
        )
        for start, some in bundled(files, alone)
    )
    stop = Event()
    files_pool, blocks_pool = ThreadPoolExecutor(READERS, "read"), ThreadPoolExecutor(READERS, "finish")
    ahead: deque[tuple[Bundle, Future[None]]] = deque()
    try:
        while True:
            while len(ahead) < MOST_BUNDLES_AHEAD and (following := next(bundles, None)) is not None:
                ahead.append((following, files_pool.submit(following.read, blocks_pool, stop)))
            if not ahead:
                return
            bundle, done = ahead[0]
            while not wait([done], SECONDS_OF_SILENCE).done:
                reading = bundle.readings[0]
                progress(f"{reading.file.shown_path}: {reading.counts.read:,} records read so far")
            done.result()
            yield bundle
            bundle.remove()
            ahead.popleft()
    finally:
        stop.set()
        files_pool.shutdown(cancel_futures=True)
        blocks_pool.shutdown(cancel_futures=True)
        for bundle, _ in ahead:
            bundle.remove()


def bundled(files: list[LandedFile], alone: Collection[str]) -> Iterator[tuple[int, list[LandedFile]]]:
    """The files in their order, small ones in lists of several, each list with the place of its first."""
    start, some, size = 0, list[LandedFile](), 0
    for place, file in enumerate(files):
        is_small = file.size <= SMALL_FILE_BYTES and file.relative_path not in alone
        if some and (not is_small or len(some) == MOST_FILES_TOGETHER or size + file.size > MOST_BYTES_TOGETHER):
            yield start, some
            start, some, size = place, [], 0
        if is_small:
            some.append(file)
            size += file.size
        else:
            yield place, [file]
            start = place + 1
    if some:
        yield start, some


class _StoppedError(Exception):
    """Nobody waits for the file any more."""


class Reading:
    """A file being read; its rows are in the spool when that is done."""

    def __init__(
        self,
        settings: Settings,
        file: LandedFile,
        *,
        load_seq: int,
        erasures: Erasures | None = None,
        spools: Path | None = None,
        stretch: Stretch | None = None,
    ) -> None:
        self.file = file
        self.stretch = stretch
        self.spools = spools or settings.internal / "spool"
        self.spool = Spool(self.spools / str(load_seq))
        self.counts = Counts()
        self.sha256 = ""
        self.reason: str | None = None
        self._erasures = erasures
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

    @property
    def feed(self) -> tuple[str, str]:
        """Where the file is from: vendor and account."""
        return self.origin.account.source, self.origin.account.source_account

    def anew(self) -> "Reading":
        """The same file, nothing of it read yet."""
        return Reading(
            self._settings,
            self.file,
            load_seq=self.origin.load_seq,
            erasures=self._erasures,
            spools=self.spools,
            stretch=self.stretch,
        )

    def only_block(self) -> ClassifiedBlock | None:
        """The records of a small file, to be normalised together with those of others; null where something is special
        about the file, which is then to be read alone."""
        try:
            self.sha256 = landing_zone.sha256_of(self.file)
            stream = self._vendor.streams[self.file.stream]
            if columns_in_major_units(stream, self.file.path.name, blocks_of(self._settings, self.file)):
                return None
            blocks = list(islice(blocks_of(self._settings, self.file), 2))
            if len(blocks) != 1 or sum(len(record.raw) for record in blocks[0]) > MOST_UNPACKED_BYTES:
                return None
            return self.normaliser.classify(blocks[0])
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException:
            # Read alone it is reported as what it is.
            return None

    def note(self, result: Normalised) -> None:
        """Counts what became of records."""
        self.counts.read += result.rows_read
        self.counts.rejected += result.rows_rejected
        self.counts.duplicate += result.rows_duplicate
        self.counts.erased += sum(reject.reason == ERASED for reject in result.rejects)

    def read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """Reads the file into the spool; why it cannot be, stands in `reason`."""
        self.spool.remove()
        try:
            if self.stretch is None or self.stretch.start == 0:
                self.sha256 = landing_zone.sha256_of(self.file)
            self._read(pool, stop)
        except ContainerError as error:
            self.reason = error.reason
        except (KeyboardInterrupt, SystemExit, GeneratorExit, OSError, _StoppedError):
            # What the machine or the operator does, and not what the file holds.
            raise
        except BaseException:
            # A fault of ours: it costs this file, never the run. Polars panics with what is no `Exception`. The text
            # may hold values of customers.
            self.reason = "internal_error"
        finally:
            if self.stretch is None:
                self.normaliser.decoder.forget()

    def _blocks(self) -> Iterator[list[Record]]:
        if self.stretch is None:
            return blocks_of(self._settings, self.file)
        return stretches.blocks(self.file, self.stretch, self._settings.options, self._vendor.streams[self.file.stream])

    def _read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """One block is made frames of while the next is read and classified."""
        stream = self._vendor.streams[self.file.stream]
        self.normaliser.major_fields = columns_in_major_units(
            stream, self.file.path.name, blocks_of(self._settings, self.file)
        )
        before: Future[None] | None = None
        try:
            for block in self._blocks():
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
        self.note(result)
        for table, frames in result.frames.items():
            self.spool.add(table, frames)
        self.spool.add("$reported", result.reported)
        self.spool.add("$rejects", [rejects_frame(result.rejects)])
        self.spool.add("$issues", [_issues(result)])


class Bundle:
    """Files that are read, and loaded, one after the other or together."""

    def __init__(self, readings: list[Reading]) -> None:
        self.readings = readings
        self.joint: set[int] = set()
        """Load numbers of those with their rows together in `spool`; those of the others are in their own."""
        self.spool = Spool(readings[0].spools / f"together{readings[0].origin.load_seq}")

    def remove(self) -> None:
        """Forgets all rows."""
        for reading in self.readings:
            reading.spool.remove()
        self.spool.remove()

    def read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """Reads the files into the spools."""
        self.spool.remove()
        blocks: dict[tuple[str, str, str], list[tuple[int, ClassifiedBlock]]] = {}
        size = 0
        for place, reading in enumerate(self.readings if len(self.readings) > 1 else ()):
            if stop.is_set():
                raise _StoppedError
            found = reading.only_block() if size <= 2 * MOST_BYTES_TOGETHER else None
            if found is not None:
                size += sum(len(record.raw) for record in found.records)
                blocks.setdefault((*reading.feed, reading.file.stream), []).append((place, found))
        for some in blocks.values():
            if len(some) > 1:
                self._read_together(some)
        for place, reading in enumerate(self.readings):
            if reading.origin.load_seq in self.joint:
                reading.normaliser.decoder.forget()
            else:
                self.readings[place] = reading.anew()
                self.readings[place].read(pool, stop)

    def _read_together(self, blocks: list[tuple[int, ClassifiedBlock]]) -> None:
        """Takes in the rows of several files of one stream, if nothing is special about any of them."""
        readings = [self.readings[place] for place, _ in blocks]
        try:
            result = together([(self.readings[place].normaliser, found) for place, found in blocks])
            _check_contacts(result)
        except (KeyboardInterrupt, SystemExit, GeneratorExit, OSError):
            raise
        except BaseException:
            # Read alone each file is reported as what it is; Polars panics with what is no `Exception`.
            return
        for table, frames in result.frames.items():
            self.spool.add(table, frames)
        for reading, reported in zip(readings, result.files, strict=True):
            load_seq = pl.lit(reading.origin.load_seq).alias("load_seq")
            reading.note(reported)
            if reported.rejects:
                self.spool.add("$rejects", [rejects_frame(reported.rejects).with_columns(load_seq)])
            if reported.issues:
                self.spool.add("$issues", [_issues(reported).with_columns(load_seq)])
            self.joint.add(reading.origin.load_seq)

    def part(self, load_seqs: Collection[int]) -> None:
        """Gives those files spools of their own."""
        readings = {one.origin.load_seq: one for one in self.readings if one.origin.load_seq in load_seqs}
        self.joint -= readings.keys()
        for table in self.spool.tables if readings else ():
            for frame in self.spool.frames(table):
                for (load_seq,), rows in frame.partition_by("load_seq", as_dict=True, maintain_order=True).items():
                    if load_seq in readings:
                        own = rows.drop("load_seq") if table in ("$rejects", "$issues") else rows
                        readings[load_seq].spool.add(table, [own])


def _check_contacts(result: Together) -> None:
    """Refuses a file in which several dialects name people: what they say of one is reported once, which takes the file
    alone."""
    seen: set[int] = set()
    for frame in result.frames.get("contacts", ()):
        loads = set(frame.get_column("load_seq").unique())
        if loads & seen:
            raise NotTogetherError
        seen |= loads


def blocks_of(settings: Settings, file: LandedFile) -> Iterator[list[Record]]:
    """The file's records, in the form its stream comes in."""
    return formats.blocks(file, settings.data, settings.options, discover()[file.source].streams[file.stream])


def rejects_frame(rejects: Iterable[Reject]) -> pl.DataFrame:
    """Rejected records as rows of the audit tables, each with its bytes."""
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
