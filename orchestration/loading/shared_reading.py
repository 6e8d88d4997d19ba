"""Landing files read by workers of an engine: what `prefetch` does by threads of the run itself, done by tasks.

A task reads the files of one bundle, or a stretch of a large file of lines, and leaves its slice of canonical staging,
with rejects, issues and counts, as a folder that is put in place by one rename: it may die, be repeated, or run twice at
once. What a worker gets is a number and a folder, what it gives back are counts: which files they are and what their
fields are called stands in the folder.
Scan, order, load log and whatever looks across files stay with the run.
"""

import itertools
import os
import pickle
import shutil
import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

import polars as pl

from orchestration.config import settings as configuration
from orchestration.config.chosen_engine import engine_of
from orchestration.config.settings import Settings
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.stretches import Stretch, repeated_lines, stretches_of
from orchestration.loading import erasure_log
from orchestration.loading.prefetch import Bundle, bundled
from orchestration.loading.reading import Counts, Reading
from orchestration.loading.spool import Kept
from orchestration.normalisation.erasures import Erasures
from orchestration.runtime.durable_files import put_in_place
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.fingerprints import made_by

ORDER, RESULT = "order", "result"
DIGESTS, FORETOLD = "digests.parquet", "foretold.parquet"
# A file twice as large is read by several workers: some five CPU seconds each.
STRETCH_BYTES, CUTTING_WORKERS = 64 * 2**20, 2
# So that a worker that waits for nobody has something to do while the run loads what others read.
TASKS_AHEAD_A_WORKER = 4


@dataclass(frozen=True)
class Order:
    """What all workers read by, and what shows that theirs are the same settings, secret and code."""

    settings: Settings
    made_by: str


@dataclass(frozen=True)
class Task:
    """A number, and the folder that the order and everything of its tasks stands in."""

    number: int
    folder: str

    @property
    def files(self) -> Path:
        """What is to be read."""
        return Path(self.folder) / f"{self.number:06}.files"

    @property
    def place(self) -> Path:
        """Where their rows stand in the end."""
        return Path(self.folder) / f"{self.number:06}"

    @property
    def known(self) -> Path:
        """Of a stretch, digests of what earlier ones have reported already, where it reports that again."""
        return Path(self.folder) / f"{self.number:06}.known.parquet"


@dataclass(frozen=True)
class _Work:
    """What a task reads: files, each with its load number, or of the only one a stretch."""

    files: list[tuple[LandedFile, int]]
    stretch: Stretch | None = None
    repeated: Sequence[int] = ()
    """Where lines of the stretch begin that an earlier one has too."""


@dataclass
class _Begun:
    """Files that are loaded together, what is to be read of them, and the tasks that do: one, or one a
    stretch."""

    works: list[_Work]
    tasks: list[Task]
    left: int
    """How many of the tasks are still to be done."""
    was_compared: bool = False


@dataclass
class _Todo:
    """Tasks in the order in which an engine is to begin them: those that others gave rise to before new ones."""

    new: Iterator[Task]
    more: deque[Task] = field(default_factory=deque)

    def __iter__(self) -> "_Todo":
        return self

    def __next__(self) -> Task:
        return self.more.popleft() if self.more else next(self.new)


@dataclass(frozen=True)
class Outcome:
    """What became of a task: how many records were read; or what went wrong with the machine, and its number of the
    system."""

    number: int
    records: int = 0
    failed: str = ""
    remedy: str = ""
    errno: int = 0


@dataclass(frozen=True)
class _Read:
    """What a file's reading leaves beside its rows."""

    counts: Counts
    sha256: str
    reason: str | None
    rows: Kept
    drift: Counter[tuple[str, str, str, str]]
    coverage: Counter[tuple[str, str]]
    dialect_records: Counter[str]


@dataclass(frozen=True)
class _Result:
    """What a bundle leaves beside its rows: each file by its load number, and what stands together."""

    files: dict[int, _Read]
    joint: set[int]
    rows: Kept


def is_wanted(settings: Settings, files: Collection[LandedFile]) -> bool:
    """The settings ask for workers, and the files are worth starting them."""
    options = settings.options
    return options.engine != "local" and sum(file.size for file in files) >= options.share_out_from_bytes


def read_by_workers(
    settings: Settings,
    files: list[LandedFile],
    *,
    first_load_seq: int,
    alone: Collection[str] = (),
    progress: Callable[[str], None] = lambda text: None,
) -> Generator[Bundle]:
    """What `prefetch.read_ahead` gives, read by the workers of the engine that the settings name."""
    erasures, engine = erasure_log.erasures(settings), engine_of(settings)
    folder = settings.internal / "spool" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    _write(folder / ORDER, Order(replace(settings, secret=None), made_by(settings)))
    begun: deque[_Begun] = deque()
    of_number: dict[int, _Begun] = {}
    numbers = itertools.count()

    def task(work: _Work) -> Task:
        found = Task(next(numbers), str(folder))
        _write(found.files, work)
        return found

    def tasks() -> Iterator[Task]:
        for start, some in bundled(files, alone):
            numbered = [(file, first_load_seq + place) for place, file in enumerate(some, start)]
            cut = stretches_of(some[0], STRETCH_BYTES) if len(some) == 1 and engine.workers >= CUTTING_WORKERS else []
            again = repeated_lines(some[0], cut) if cut else []
            works = [_Work(numbered, *one) for one in zip(cut, again, strict=True)] or [_Work(numbered)]
            one = _Begun(works, [task(work) for work in works], len(works))
            begun.append(one)
            of_number.update({each.number: one for each in one.tasks})
            yield from one.tasks

    progress(f"reading {len(files):,} files ({engine.name}, {engine.workers} workers)")
    todo = _Todo(tasks())
    try:
        with closing(engine.each(read, todo, ahead=TASKS_AHEAD_A_WORKER * engine.workers)) as outcomes:
            for outcome in outcomes:
                _require_read(outcome)
                one = of_number.pop(outcome.number)
                one.left -= 1
                if not one.left and len(one.tasks) > 1 and not one.was_compared:
                    again = _repeating(one, task)
                    todo.more.extend(again)
                    of_number.update({each.number: one for each in again})
                while begun and not begun[0].left:
                    yield _taken_over(settings, begun[0], erasures)
                    for each in begun.popleft().tasks:
                        shutil.rmtree(each.place, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read(task: Task) -> Outcome:
    """Reads the files of a task, or finds them read."""
    folder = Path(task.folder)
    was_begun_before = any(folder.glob("*.work"))
    if task.place.is_dir():
        return Outcome(task.number)
    work = folder / f"{task.place.name}.{uuid.uuid4().hex}.work"
    try:
        work.mkdir()
        pass_point("inside_reading_again" if was_begun_before else "inside_reading")
        settings = _settings_of(task)
        erasures = erasure_log.erasures(settings)
        wanted: _Work = pickle.loads(task.files.read_bytes())
        bundle = _bundle(settings, wanted, erasures, work)
        with ThreadPoolExecutor(1, "finish") as pool:
            if wanted.stretch is None:
                bundle.read(pool, Event())
            else:
                _read_stretch(bundle.readings[0], wanted, task, work, pool)
        _write(work / RESULT, _put_away(bundle))
        put_in_place(work, task.place)
    except Exception as error:
        # The text of what is none of an operator's errors may hold a path, and with it somebody's name.
        shutil.rmtree(work, ignore_errors=True)
        reported = to_operator_error(error)
        return Outcome(task.number, 0, reported.message, reported.remedy, getattr(error, "errno", None) or 0)
    return Outcome(task.number, sum(one.counts.read for one in bundle.readings))


def _settings_of(task: Task) -> Settings:
    """The settings of the run, with the secret that this machine knows."""
    order: Order = pickle.loads((Path(task.folder) / ORDER).read_bytes())
    settings = replace(order.settings, secret=configuration.load(order.settings.data).secret)
    if made_by(settings) != order.made_by:
        raise OperatorError(
            "A worker has another version of this package than the run, or another secret.",
            remedy=f"Install the same everywhere, and keep the secret in {settings.config / 'secret'}.",
        )
    return settings


def _bundle(settings: Settings, work: _Work, erasures: Erasures | None, spools: Path) -> Bundle:
    return Bundle(
        [
            Reading(settings, file, load_seq=load_seq, erasures=erasures, spools=spools, stretch=work.stretch)
            for file, load_seq in work.files
        ]
    )


def _read_stretch(reading: Reading, wanted: _Work, task: Task, work: Path, pool: ThreadPoolExecutor) -> None:
    digests = reading.normaliser.decoder.digests
    foretold = reading.digests_at(wanted.repeated)
    digests.learn(pl.read_parquet(task.known) if task.known.exists() else foretold)
    learnt = digests.known.height
    reading.read(pool, Event())
    digests.known[learnt:].write_parquet(work / DIGESTS)
    foretold.write_parquet(work / FORETOLD)


def _put_away(bundle: Bundle) -> _Result:
    files = {}
    for one in bundle.readings:
        decoder = one.normaliser.decoder
        result = decoder.drift, decoder.coverage, decoder.dialect_records
        files[one.origin.load_seq] = _Read(one.counts, one.sha256, one.reason, one.spool.put_away(), *result)
    return _Result(files, bundle.joint, bundle.spool.put_away())


def _taken_over(settings: Settings, begun: _Begun, erasures: Erasures | None) -> Bundle:
    """The files as the workers have read them."""
    bundle = _bundle(settings, begun.works[0], erasures, begun.tasks[0].place)
    for task in begun.tasks:
        result = _result(task)
        bundle.joint |= result.joint
        bundle.spool.take_over(task.place / bundle.spool.folder.name, result.rows)
        for one in bundle.readings:
            _take_over(one, result.files[one.origin.load_seq], task)
    return bundle


def _take_over(reading: Reading, found: _Read, task: Task) -> None:
    """What a task has read of a file, after what is taken over already."""
    counts, decoder = reading.counts, reading.normaliser.decoder
    reading.spool.take_over(task.place / reading.spool.folder.name, found.rows, before=counts.read)
    counts.read += found.counts.read
    counts.rejected += found.counts.rejected
    counts.duplicate += found.counts.duplicate
    counts.erased += found.counts.erased
    reading.sha256 = reading.sha256 or found.sha256
    reading.reason = reading.reason or found.reason
    decoder.drift.update(found.drift)
    decoder.coverage.update(found.coverage)
    decoder.dialect_records.update(found.dialect_records)


def _repeating(begun: _Begun, new_task: Callable[[_Work], Task]) -> list[Task]:
    """A record counts once in its file: stretches that report what an earlier one reported, and were not foretold it by
    their lines, or were foretold what none did, are to be read again, by tasks that know that."""
    earlier = pl.DataFrame(schema={"digest": pl.Binary})
    again = []
    for place, task in enumerate(begun.tasks):
        shown, foretold = (pl.read_parquet(task.place / name) for name in (DIGESTS, FORETOLD))
        met = earlier.join(shown, on="digest", how="semi").unique()
        was_right = met.join(foretold, on="digest", how="anti").is_empty() and (
            foretold.join(earlier, on="digest", how="anti").is_empty()
        )
        earlier = earlier.vstack(shown)
        if not was_right:
            # Under a number of its own: whoever is late with the first reading cannot put that in place.
            begun.tasks[place] = new_task(replace(begun.works[place], repeated=()))
            met.write_parquet(begun.tasks[place].known)
            shutil.rmtree(task.place, ignore_errors=True)
            again.append(begun.tasks[place])
    begun.left, begun.was_compared = len(again), True
    return again


def _result(task: Task) -> _Result:
    return pickle.loads((task.place / RESULT).read_bytes())


def _require_read(outcome: Outcome) -> None:
    if outcome.errno:
        raise OSError(outcome.errno, os.strerror(outcome.errno))
    if outcome.failed:
        raise OperatorError(outcome.failed, remedy=outcome.remedy)


def _write(path: Path, content: object) -> None:
    path.write_bytes(pickle.dumps(content))
