"""What Dagster looks out for besides the clock: deliveries that have landed, runs with no process any more, failed and
late runs."""

import dagster as dg
import duckdb

from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.landing import completeness, landing_zone
from orchestration.loading import load_log
from orchestration.monitoring import alerts, dagster_reports
from orchestration.monitoring.dagster_runs import GONE, end_dead_runs, forget_old_runs
from orchestration.publishing import retention
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted
from orchestration.warehouse import build_file, writer_lock

JANITOR_SECONDS = 20
# A sensor is given a minute.
REPORTING_SECONDS = 20
ON = dg.DefaultSensorStatus.RUNNING


def arrival(job_name: str) -> dg.SensorDefinition:
    """Starts the nightly job when a complete delivery that is not loaded has landed."""

    @dg.sensor(
        name="arrival", description=arrival.__doc__, job_name=job_name, minimum_interval_seconds=30, default_status=ON
    )
    def look(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings = configuration.load()
        if not settings.landing.is_dir():
            return dg.SkipReason(f"There is no landing folder at {settings.landing}.")
        if writer := writer_lock.holder(settings):
            return dg.SkipReason(f"{writer} is at work.")
        scan = landing_zone.scan(settings)
        files = list(scan.files)
        with writer_lock.reader_lock(settings) as is_free:
            if not is_free:
                return dg.SkipReason("A run has just begun.")
            if settings.build_file.exists():
                try:
                    with build_file.connect(settings, read_only=True) as con:
                        files = load_log.pending(con, scan, dates=None, full_refresh=False)
                except duckdb.Error:
                    return dg.SkipReason("The build file cannot be read; `c360 doctor` says more.")
        ready = completeness.complete(files, quiet_seconds=settings.options.arrival_quiet_seconds)
        if not ready:
            return dg.SkipReason(
                f"{counted(len(files), 'file')} still arriving." if files else "Nothing new has landed."
            )
        return dg.RunRequest(run_key=completeness.key(ready))

    return look


def janitor() -> dg.SensorDefinition:
    """Ends runs with a process that died without a word (power loss, kill), so that they block no other, and forgets
    old ones."""

    @dg.sensor(name="janitor", description=janitor.__doc__, minimum_interval_seconds=JANITOR_SECONDS, default_status=ON)
    def sweep(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = configuration.load()
        ended = list(end_dead_runs(context.instance))
        forgotten = forget_old_runs(context.instance, keep_days=settings.options.keep_run_days)
        retention.prune_logs(settings)
        reported = [f"Ended {counted(len(ended), 'run')} whose process is gone."] if ended else []
        reported += [f"Forgot {counted(forgotten, 'old run')}."] if forgotten else []
        return dg.SkipReason(" ".join(reported) or "Every unfinished run is alive.")

    return sweep


def command_line_runs() -> dg.SensorDefinition:
    """Reports to Dagster what runs of the command line have loaded and built."""

    @dg.sensor(
        name="command_line_runs",
        description=command_line_runs.__doc__,
        minimum_interval_seconds=30,
        default_status=ON,
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = configuration.load()
        seen = _state_of(settings)
        if context.cursor == seen:
            return dg.SkipReason("Nothing new is published.")
        try:
            left = dagster_reports.report(context.instance, settings, seconds=REPORTING_SECONDS)
        except OperatorError as error:
            return dg.SkipReason(str(error))
        if left:
            return dg.SkipReason(f"{counted(left, 'materialisation')} still to be reported.")
        context.update_cursor(seen)
        return dg.SkipReason("All that is published is reported.")

    return look


def _state_of(settings: Settings) -> str:
    """Changes with each publication."""
    if not settings.published_file.exists():
        return "none"
    found = settings.published_file.stat()
    return f"{found.st_ino}:{found.st_mtime_ns}"


def failures() -> dg.SensorDefinition:
    """Reports a failed run by the command or the webhook of the settings."""

    @dg.run_failure_sensor(
        name="failures", description=failures.__doc__, minimum_interval_seconds=30, default_status=ON
    )
    def alert(context: dg.RunFailureSensorContext) -> None:
        alerts.send(
            configuration.load(),
            alerts.Alert("failed", _why(context), f"The Dagster UI shows run {context.dagster_run.run_id}."),
        )

    return alert


def lateness() -> dg.SensorDefinition:
    """Reports a nightly run that has not come and streams that were not delivered."""

    @dg.sensor(name="lateness", description=lateness.__doc__, minimum_interval_seconds=300, default_status=ON)
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = configuration.load()
        if not alerts.is_on(settings):
            return dg.SkipReason("Neither alert_command nor alert_webhook is set.")
        return dg.SkipReason(alerts.report_lateness(settings) or "Nothing is late.")

    return look


def _why(context: dg.RunFailureSensorContext) -> str:
    """Our own sentences on it: what Dagster itself says of an error may quote a row."""
    if context.failure_event.message == GONE:
        return GONE
    failed = [event.step_failure_data.user_failure_data for event in context.get_step_failure_events()]
    return (
        " ".join(found.description for found in failed if found and found.description)
        or f"A run of {context.dagster_run.job_name} failed."
    )
