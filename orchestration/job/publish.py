"""Marts into what analysts open: checked, compared with what they see, swapped in, and reported on."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime

import duckdb

from orchestration.activation import activation_log
from orchestration.config.settings import Settings
from orchestration.insight import report
from orchestration.job.transform import transform
from orchestration.loading import load_log
from orchestration.loading.loader import Warehouse
from orchestration.monitoring import attention
from orchestration.publishing import change_report, publish
from orchestration.pulling import walk_log
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent
from orchestration.warehouse import build_file, fingerprints, meanings, run_log


def publish_if_new(
    settings: Settings,
    warehouse: Warehouse,
    run_id: str,
    *,
    accept_changes: bool = False,
    even_if_seen: bool = False,
    before: Callable[[], None] = lambda: None,
    progress: Progress = silent,
) -> publish.Publication | None:
    """Publishes the build file if its marts are sound and analysts do not see them yet, and writes the report on what
    they see.

    `before` is done to the build file last; with `even_if_seen` it is published although analysts see the same.
    """
    made = _publish_if_new(
        settings,
        warehouse,
        run_id,
        accept_changes=accept_changes,
        even_if_seen=even_if_seen,
        before=before,
        progress=progress,
    )
    with build_file.connect(settings) as con:
        attention.add(con, run_id, *report.refresh(settings, attention.of_run(con, run_id)))
    return made


def _publish_if_new(
    settings: Settings,
    warehouse: Warehouse,
    run_id: str,
    *,
    accept_changes: bool,
    even_if_seen: bool,
    before: Callable[[], None],
    progress: Progress,
) -> publish.Publication | None:
    with build_file.connect(settings) as con:
        if load_log.to_reload(con):
            raise OperatorError(
                "Not all that analysts see is loaded into the new build file yet.", remedy="`c360 run` loads it."
            )
        is_behind = fingerprints.is_behind(con)
    if is_behind:
        # Another run loaded something since the marts were made; a published file is of one moment.
        transform(settings, warehouse, run_id, progress=progress)
    with build_file.connect(settings) as con:
        attention.gather(con, settings, run_id)
        attention.add(con, run_id, *walk_log.failures(settings))
        made_of = fingerprints.transformed_fingerprint(con)
        seen = publish.current(settings)
        is_known = (seen and seen.fingerprint == made_of) or (made_of and publish.is_withdrawn(settings, made_of))
        if made_of is None or (is_known and not even_if_seen):
            return None
        progress("publishing")
        publish.check(con)
        activation_log.refresh(con, settings)
        found = change_report.record(con, settings, run_id=run_id, started_at=_now(con))
        run_log.note(con, run_id, changes=asdict(found))
        if not accept_changes:
            change_report.refuse_upheaval(found, settings)
        totals = publish.totals(con)
        run_log.prune(con, settings.options.keep_run_days)
        run_log.note(con, run_id, **totals)
        meanings.comment(con)

    def record(con: duckdb.DuckDBPyConnection) -> None:
        """Who reads this in the copy reads it because it was published; the build file learns it after it happened."""
        run_log.note(con, run_id, published=True)
        run_log.end(con, run_id)

    before()
    if build_file.holds_deleted_rows(settings):
        progress("writing the build file anew, for what was deleted can still be read in it")
        build_file.write_anew(settings)
    made = publish.publish(settings, run_id=run_id, fingerprint=made_of, **totals, record=record)
    pass_point("before_run_book")
    with suppress(duckdb.Error), build_file.connect(settings) as con:
        run_log.note(con, run_id, published=True)
    return made


def _now(con: duckdb.DuckDBPyConnection) -> datetime:
    row = con.execute("select now()").fetchone()
    assert row is not None
    return row[0]
