"""Landing files on their way from bytes to rows, in memory or in Parquet: several at once, their blocks too, and small
ones together. Nothing here writes the warehouse."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event

import polars as pl

from orchestration.config.settings import Settings
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import erasure_log
from orchestration.loading.reading import Reading, StoppedError, issues_frame, rejects_frame
from orchestration.loading.spool import Spool
from orchestration.normalisation.classifier import ClassifiedBlock
from orchestration.normalisation.normaliser import NotTogetherError, Together, together

READERS = 2
MOST_BUNDLES_AHEAD = 8
# Files up to this size are normalised and logged together: what is planned and looked up for a file costs more than its
# records.
SMALL_FILE_BYTES = 512 * 2**10
MOST_FILES_TOGETHER = 256
MOST_BYTES_TOGETHER = 12 * 2**20
SECONDS_OF_SILENCE = 10.0


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
                raise StoppedError
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
                self.spool.add("$issues", [issues_frame(reported).with_columns(load_seq)])
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
