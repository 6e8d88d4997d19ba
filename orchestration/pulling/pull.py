"""Everything that `pull.toml` names, one account after the other: one that fails costs no other its pull."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from orchestration.config.settings import Settings
from orchestration.network.client import Client, Patience, RefusedError, UnreachableError
from orchestration.pulling import walk_log
from orchestration.pulling.configuration import Source, Unit
from orchestration.pulling.export import export
from orchestration.pulling.streams import Listing
from orchestration.pulling.walk import begin, walk
from orchestration.runtime import file_lock
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent

# After these the account would answer nothing else either.
OF_THE_ACCOUNT = (401, 429)


@dataclass(frozen=True)
class Outcome:
    """What came of one stream: `problem` is what a person must look at, and empty if there is nothing."""

    name: str
    pages: int
    rows: int
    is_done: bool
    problem: str = ""


def pull(
    settings: Settings,
    sources: Sequence[Source],
    *,
    since: date | None = None,
    full: bool = False,
    patience: Patience | None = None,
    progress: Progress = silent,
) -> list[Outcome]:
    """Walks over all streams; what landed stays, whatever failed beside it."""
    with _alone(settings):
        return [
            outcome
            for source in sources
            for outcome in _pull_account(settings, source, since=since, full=full, patience=patience, progress=progress)
        ]


def _pull_account(
    settings: Settings,
    source: Source,
    *,
    since: date | None,
    full: bool,
    patience: Patience | None,
    progress: Progress,
) -> Iterator[Outcome]:
    down = ""
    with Client(settings, source.login, patience) as client:
        for unit in source.units:
            if down:
                yield _failed(settings, unit, f"{unit.name} was not asked for: {down}")
                continue
            progress(f"pulling {unit.name}")
            try:
                yield _pull_unit(settings, client, unit, since=since, full=full)
            except Exception as error:
                plain = to_operator_error(error)
                if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    raise
                if isinstance(error, UnreachableError) or (
                    isinstance(error, RefusedError) and error.status in OF_THE_ACCOUNT
                ):
                    down = str(plain)
                yield _failed(settings, unit, f"{unit.name} was not pulled: {plain}")


def _pull_unit(settings: Settings, client: Client, unit: Unit, *, since: date | None, full: bool) -> Outcome:
    log = walk_log.load(settings, unit)
    log.walk = begin(settings, unit, log, since=since, full=full)
    walk_log.save(settings, unit, log)
    pass_point("walk_is_noted")
    made = walk(settings, client, unit, log) if isinstance(unit.facts, Listing) else export(settings, client, unit, log)
    problem = f"{unit.name} may be incomplete: {'; '.join(made.gaps)}." if made.gaps else ""
    log.failure, log.failed_at = problem, walk_log.now() if problem else None
    walk_log.save(settings, unit, log)
    return Outcome(unit.name, made.pages, made.rows, is_done=True, problem=problem)


def _failed(settings: Settings, unit: Unit, sentence: str) -> Outcome:
    landed = walk_log.note_failure(settings, unit, sentence).walk
    return Outcome(
        unit.name, landed.pages if landed else 0, landed.rows if landed else 0, is_done=False, problem=sentence
    )


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two pulls at once would ask for the same pages twice."""
    path = settings.internal / "pull" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not file_lock.lock_within(handle):
            raise OperatorError("Another `c360 pull` is at work.", remedy="Run again when it has ended.")
        yield
    finally:
        os.close(handle)
