"""The nightly job: what has landed is loaded, transformed, checked and published. The command line, Dagster and scripts
call the same steps from here; what each does stands in `job/`.

What is left to do is derived from the files and from fingerprints alone, so that a run continues whatever an earlier
one left undone. Every step expects to stand inside `writing`, which holds the lock and keeps the run log. Imports
neither Dagster nor, before there is something to transform, dbt.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from typing import Any

from orchestration.config.settings import DateRange, Settings
from orchestration.job.erase import finish_erasures, keep_limits
from orchestration.job.ingest import Choice, Delivery, everything, ingest, require_landing
from orchestration.job.publish import publish_if_new
from orchestration.job.run_report import RunReport
from orchestration.job.transform import transform
from orchestration.job.writing import DamagedFileError, ErasureBegunError, new_run_id, writing
from orchestration.loading.load_log import Delivered
from orchestration.monitoring import attention, schema_drift
from orchestration.publishing import change_report, publish, retention
from orchestration.runtime.progress import Progress, silent
from orchestration.warehouse import build_file, run_log


def run(
    settings: Settings,
    *,
    dates: DateRange | None = None,
    full_refresh: bool = False,
    as_of: date | None = None,
    choose: Choice = everything,
    accept_changes: bool = False,
    accept_deletions: Sequence[Delivery] = (),
    without_archived: bool = False,
    is_replay: bool = False,
    withdraw: Callable[[Delivered], bool] | None = None,
    command: str = "c360 run",
    progress: Progress = silent,
) -> RunReport:
    """The whole job, once. Does nothing when nothing is new; begins again where a damaged file had to be moved
    aside."""
    asked = {
        "accept_deletions": accept_deletions,
        "without_archived": without_archived,
        "is_replay": is_replay,
        "withdraw": withdraw,
    }
    chosen: dict[str, Any] = {
        "dates": dates,
        "full_refresh": full_refresh,
        "as_of": as_of,
        "choose": choose,
        "accept_changes": accept_changes,
        "asked": asked,
    }
    reported: list[str] = []
    while True:
        finish_erasures(settings, progress=progress)
        try:
            report_of_run = _run(settings, **chosen, command=command, reported=reported, progress=progress)
            return report_of_run.after(settings) if keep_limits(settings, progress=progress) else report_of_run
        except ErasureBegunError:
            continue
        except DamagedFileError as error:
            if reported:
                raise
            progress(error.message)
            reported = [error.message]


def _run(
    settings: Settings,
    *,
    dates: DateRange | None,
    full_refresh: bool,
    as_of: date | None,
    choose: Choice,
    accept_changes: bool,
    asked: dict[str, Any],
    command: str,
    progress: Progress,
    reported: Sequence[str] = (),
) -> RunReport:
    started = time.monotonic()
    run_id = new_run_id()
    require_landing(settings)
    with writing(
        settings,
        run_id,
        command=command,
        from_scratch=full_refresh and dates is None,
        reported=reported,
        progress=progress,
    ) as warehouse:
        ingestion = ingest(
            settings,
            warehouse,
            run_id,
            dates=dates,
            full_refresh=full_refresh,
            choose=choose,
            **asked,
            progress=progress,
        )
        nodes = transform(settings, warehouse, run_id, as_of=as_of, progress=progress)
        published = publish_if_new(settings, warehouse, run_id, accept_changes=accept_changes, progress=progress)
        with build_file.connect(settings) as con:
            figures = run_log.figures(con, run_id)
            to_look_at = attention.of_run(con, run_id)
            unread = schema_drift.warnings(con, run_id=run_id)
            changed = change_report.recorded(con, run_id) if published else None
        with suppress(OSError):
            retention.prune_logs(settings)
    seen = publish.current(settings)
    return RunReport(
        **asdict(figures),
        customers=seen.customers if seen else 0,
        orders=seen.orders if seen else 0,
        published=published is not None,
        duration_s=round(time.monotonic() - started, 2),
        run_id=run_id,
        ingestion=ingestion,
        deliveries_above_limit=tuple(ingestion.deliveries_above(settings.options.reject_share)),
        warnings=(*(str(node) for node in nodes if node.is_warning), *unread),
        attention=to_look_at,
        changed=changed,
    )
