"""What Dagster looks out for besides the clock: deliveries that have landed, runs whose process is gone, failed and late nights."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb

from orchestration import alerts, arrivals, landing, locking, retention
from orchestration import settings as configuration
from orchestration.warehouse import Warehouse

PROCESS_TAG = "c360/process"
JANITOR_SECONDS = 20
GRACE_SECONDS = 30  # with the janitor's round, a run that died before it named its process blocks the next for less than a minute
GONE = "The process of this run is gone. The next run continues where it stopped."
PRUNED_AT_ONCE = 100
ON = dg.DefaultSensorStatus.RUNNING
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def arrival(job_name: str) -> dg.SensorDefinition:
    """Starts the nightly job when a complete delivery that is not loaded has landed."""

    @dg.sensor(name="arrival", description=arrival.__doc__, job_name=job_name, minimum_interval_seconds=30, default_status=ON)
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = configuration.load()
        if not settings.landing.is_dir():
            return dg.SkipReason(f"There is no landing folder at {settings.landing}.")
        if writer := locking.holder(settings):
            return dg.SkipReason(f"{writer} is at work.")
        scan = landing.scan(settings)
        files = list(scan.files)
        with locking.reader_lock(settings) as is_free:
            if not is_free:
                return dg.SkipReason("A run has just begun.")
            if settings.build_file.exists():
                warehouse = Warehouse(settings)
                try:
                    with warehouse.connect(read_only=True) as con:
                        files = warehouse.pending(con, scan, dates=None, full_refresh=False)
                except duckdb.Error:
                    return dg.SkipReason("The build file cannot be read; `c360 doctor` tells more.")
        ready = arrivals.complete(files, quiet_seconds=settings.options.arrival_quiet_seconds)
        if not ready:
            return dg.SkipReason(f"{len(files)} files are still arriving." if files else "Nothing new has landed.")
        return dg.RunRequest(run_key=arrivals.key(ready))

    return look


def janitor() -> dg.SensorDefinition:
    """Ends runs whose process died without a word (power loss, kill), so that they block no other, and forgets old ones."""

    @dg.sensor(name="janitor", description=janitor.__doc__, minimum_interval_seconds=JANITOR_SECONDS, default_status=ON)
    def sweep(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = configuration.load()
        ended = list(end_dead_runs(context.instance))
        forgotten = forget_old_runs(context.instance, keep_days=settings.options.keep_run_days)
        retention.prune_logs(settings)
        told = [f"Ended {len(ended)} runs whose process is gone."] if ended else []
        told += [f"Forgot {forgotten} old runs."] if forgotten else []
        return dg.SkipReason(" ".join(told) or "Every unfinished run is alive.")

    return sweep


def failures() -> dg.SensorDefinition:
    """Tells of a failed run by the command or the webhook of the settings."""

    @dg.run_failure_sensor(name="failures", description=failures.__doc__, minimum_interval_seconds=30, default_status=ON)
    def tell(context: dg.RunFailureSensorContext) -> None:
        alerts.send(configuration.load(), alerts.Alert("failed", _why(context), f"The Dagster UI shows run {context.dagster_run.run_id}."))

    return tell


def lateness() -> dg.SensorDefinition:
    """Tells of a night that has not come and of streams that were not delivered."""

    @dg.sensor(name="lateness", description=lateness.__doc__, minimum_interval_seconds=300, default_status=ON)
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = configuration.load()
        if not alerts.is_on(settings):
            return dg.SkipReason("Neither alert_command nor alert_webhook is set.")
        return dg.SkipReason(alerts.tell_lateness(settings) or "Nothing is late.")

    return look


def forget_old_runs(instance: dg.DagsterInstance, *, keep_days: int) -> int:
    """Deletes Dagster's records of runs that are older than the setting says, some at a time; returns how many."""
    limit = datetime.now(UTC) - timedelta(days=keep_days)
    old = instance.get_run_records(dg.RunsFilter(created_before=limit, statuses=FINISHED), limit=PRUNED_AT_ONCE, ascending=True)
    for record in old:
        instance.delete_run(record.dagster_run.run_id)
    return len(old)


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs that stand as unfinished though their process is gone."""
    unfinished = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))
    return [record.dagster_run for record in unfinished if not is_alive(record.dagster_run.tags.get(PROCESS_TAG), started=record.start_time)]


def end_dead_runs(instance: dg.DagsterInstance) -> Iterator[str]:
    """Marks dead runs as failed; gives their ids."""
    for run in dead_runs(instance):
        instance.report_run_failed(run, GONE)
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


def _why(context: dg.RunFailureSensorContext) -> str:
    """Our own sentences on it: what Dagster itself says of an error may quote a row."""
    if context.failure_event.message == GONE:
        return GONE
    failed = [event.step_failure_data.user_failure_data for event in context.get_step_failure_events()]
    return " ".join(found.description for found in failed if found and found.description) or f"A run of {context.dagster_run.job_name} failed."
