"""What wakes Dagster besides the clock: a delivery that has landed, and runs whose process is gone."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb

from orchestration import arrivals, landing, locking
from orchestration import settings as configuration
from orchestration.warehouse import Warehouse

PROCESS_TAG = "c360/process"
GRACE_SECONDS = 60
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def arrival(job_name: str) -> dg.SensorDefinition:
    """Starts the nightly job when a complete delivery that is not loaded has landed."""

    @dg.sensor(name="arrival", job_name=job_name, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = configuration.load()
        if not settings.landing.is_dir():
            return dg.SkipReason(f"There is no landing folder at {settings.landing}.")
        if writer := locking.holder(settings):
            return dg.SkipReason(f"{writer} is at work.")
        scan = landing.scan(settings)
        files = list(scan.files)
        if settings.build_file.exists():
            warehouse = Warehouse(settings)
            try:
                with warehouse.connect(read_only=True) as con:
                    files = warehouse.pending(con, scan, dates=None, full_refresh=False)
            except duckdb.Error:
                return dg.SkipReason("The build file is in use.")
        ready = arrivals.complete(files, quiet_seconds=settings.options.arrival_quiet_seconds)
        if not ready:
            return dg.SkipReason(f"{len(files)} files are still arriving." if files else "Nothing new has landed.")
        return dg.RunRequest(run_key=arrivals.key(ready))

    return look


def janitor() -> dg.SensorDefinition:
    """Ends runs whose process died without a word (power loss, kill), so that they block no other."""

    @dg.sensor(name="janitor", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
    def sweep(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = list(end_dead_runs(context.instance))
        return dg.SkipReason(f"Ended {len(ended)} runs whose process is gone." if ended else "Every unfinished run is alive.")

    return sweep


def end_dead_runs(instance: dg.DagsterInstance) -> Iterator[str]:
    """Marks dead runs as failed; gives their ids."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        if not is_alive(run.tags.get(PROCESS_TAG), started=record.start_time):
            instance.report_run_failed(run, "The process of this run is gone. The next run continues where it stopped.")
            yield run.run_id


def claim(context: dg.AssetExecutionContext) -> None:
    """Notes on the run which process works on it."""
    if PROCESS_TAG not in context.run.tags:
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: process_of(os.getpid())})


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
