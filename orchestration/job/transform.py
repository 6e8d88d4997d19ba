"""Staging into marts: rules and settings beside it, and as much built as has changed."""

from datetime import UTC, date, datetime, timedelta

import duckdb

from orchestration.config.settings import Settings
from orchestration.job.disk_space import bytes_to_write, require_disk
from orchestration.loading import anonymous_orders
from orchestration.loading.loader import Warehouse
from orchestration.publishing import issued_ids
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent
from orchestration.transformation import incremental, seeds, sharded
from orchestration.transformation.node_result import NodeResult
from orchestration.warehouse import build_file, fingerprints, run_log


def transform(
    settings: Settings, warehouse: Warehouse, run_id: str, *, as_of: date | None = None, progress: Progress = silent
) -> tuple[NodeResult, ...]:
    """Brings the marts of the build file up to date with staging, rules and settings."""
    with build_file.connect(settings) as con:
        day = as_of or run_log.greatest_export_date(con) or _day_of_marts(con)
        if day is None:
            return ()
        run_log.note(con, run_id, as_of_date=day)
        rules = fingerprints.rules_fingerprint(settings)
        wanted = fingerprints.wanted_fingerprint(con, rules, day)
        if fingerprints.transformed_fingerprint(con) == wanted:
            return ()
        require_disk(settings, bytes_to_write(settings) * (3 if sharded.is_wanted(settings) else 1))
        before = fingerprints.transformed_by(con, rules)
        fingerprints.forget_transformed(con)
        seeds.load(con, settings)
        issued_ids.hand_on(con, settings)
        anonymous_orders.bring_up_to_date(con, settings)
        write_run_settings(con, settings, day)
    pass_point("before_dbt")
    nodes = incremental.build(settings, before.load_seq, progress=progress) if before else None
    in_full_at = before.in_full_at if before and nodes is not None else None
    if nodes is None:
        nodes = sharded.build_in_full(settings, progress=progress)
    elif in_full_at is not None and in_full_at + timedelta(days=settings.options.full_build_days) <= datetime.now(UTC):
        nodes, in_full_at = incremental.compare(settings, progress=progress), None
    with build_file.connect(settings) as con:
        fingerprints.remember_transformed(con, wanted, rules, in_full_at)
        run_log.note(con, run_id, warnings=[str(node) for node in nodes if node.is_warning])
    pass_point("after_dbt")
    return nodes


def _day_of_marts(con: duckdb.DuckDBPyConnection) -> date | None:
    """The day of the marts that stand there: what they were made of may have been withdrawn to the last file."""
    if fingerprints.transformed_fingerprint(con) is None:
        return None
    row = con.execute("select as_of_date from internal.run_settings").fetchone()
    return row[0] if row else None


def write_run_settings(con: duckdb.DuckDBPyConnection, settings: Settings, as_of: date) -> None:
    """What models may know of the run, as one row."""
    con.execute(
        """
        create or replace table internal.run_settings as
        select $1::date as as_of_date, $2 as reporting_currency, $3 as reporting_time_zone, $4::integer as identity_sharing_limit
        """,
        [
            as_of,
            settings.options.reporting_currency,
            settings.options.reporting_time_zone,
            settings.options.identity_sharing_limit,
        ],
    )
