"""Dagster's own records of runs: which of them are dead, and which are old enough to be forgotten."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from orchestration.runtime.errors import OperatorError

# with the janitor's round, a run that died before it named its process blocks the next for less than a minute
GRACE_SECONDS = 30
GONE = "The process of this run is gone. The next run continues where it stopped."
PRUNED_AT_ONCE = 100
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def forget_old_runs(instance: dg.DagsterInstance, *, keep_days: int) -> int:
    """Deletes Dagster's records of runs that are older than the setting says, some at a time; returns how many."""
    limit = datetime.now(UTC) - timedelta(days=keep_days)
    old = instance.get_run_records(
        dg.RunsFilter(created_before=limit, statuses=FINISHED), limit=PRUNED_AT_ONCE, ascending=True
    )
    for record in old:
        instance.delete_run(record.dagster_run.run_id)
        _note_of(instance, record.dagster_run.run_id).unlink(missing_ok=True)
    return len(old)


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs that stand as unfinished though their process is gone."""
    unfinished = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    return [
        record.dagster_run
        for record in unfinished
        if not is_alive(_noted(instance, record.dagster_run.run_id), started=record.start_time)
    ]


def end_dead_runs(instance: dg.DagsterInstance) -> Iterator[str]:
    """Marks dead runs as failed; gives their ids."""
    for run in dead_runs(instance):
        instance.report_run_failed(run, GONE)
        yield run.run_id


def claim(instance: dg.DagsterInstance, run_id: str, process: str | None = None) -> None:
    """Notes which process works on the run, in a file beside Dagster's: this one if none is named."""
    note = _note_of(instance, run_id)
    if not note.exists():
        note.parent.mkdir(exist_ok=True)
        note.write_text(process or process_of(os.getpid()), encoding="ascii")


def _note_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "processes" / run_id


def _noted(instance: dg.DagsterInstance, run_id: str) -> str | None:
    with suppress(OSError):
        return _note_of(instance, run_id).read_text(encoding="ascii") or None
    return None


def is_alive(process: str | None, *, started: float | None) -> bool:
    """The process still runs; a run that has named none yet is given a moment."""
    if process is None:
        return started is None or time.time() - started < GRACE_SECONDS
    return process == process_of(int(process.split(":")[0]))


def process_of(pid: int) -> str:
    """Process id with the moment it began and of this boot, because ids come back; without them where it is gone."""
    try:
        began = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{pid}:gone"
    return f"{pid}:{began}:{boot}"


def dead_runs_in(home: Path) -> list[str]:
    """Ids of the runs that the Dagster of this folder takes for alive though their process is gone."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return [run.run_id for run in dead_runs(instance)]


def prepare(home: Path) -> None:
    """Dagster's own tables, made once: two processes that make them at the same time fail."""
    try:
        dg.DagsterInstance.from_config(str(home)).dispose()
    except Exception as error:
        raise OperatorError(
            f"Dagster cannot use its own files in {home} ({type(error).__name__}).",
            remedy=(
                "Move that folder away and type the command again: Dagster forgets its runs, and the warehouse loses"
                " nothing."
            ),
        ) from None
