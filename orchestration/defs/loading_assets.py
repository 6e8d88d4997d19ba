"""The assets that load: one per vendor and stream, partitioned by export date, with what is checked of each.

Thin: a body calls the step of `pipeline.py` that the command line calls, and reports what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg

from orchestration import pipeline
from orchestration.config.settings import DateRange, Settings
from orchestration.defs.resources import SettingsResource, WarehouseResource
from orchestration.defs.steps import OWNERS, POOL, plain_errors, writing
from orchestration.job.run_report import Ingestion
from orchestration.landing.landing_zone import LandedFile
from orchestration.mapping.model import Vendor
from orchestration.monitoring import freshness, schema_drift

DELIVERED = """
select
    export_date,
    count(*)::bigint as files,
    coalesce(sum(rows_read), 0)::bigint as rows_read,
    coalesce(sum(rows_loaded), 0)::bigint as rows_loaded,
    coalesce(sum(rows_rejected), 0)::bigint as rows_rejected,
    coalesce(sum(rows_duplicate), 0)::bigint as rows_duplicate
from meta.loads
where source = $source and stream = $stream and status <> 'superseded' and export_date between $first and $last
group by export_date
order by export_date
"""


def stream_key(vendor: str, stream: str) -> dg.AssetKey:
    """Key of the asset that loads one stream of one vendor."""
    return dg.AssetKey([vendor, stream])


def vendor_assets(
    vendor: Vendor, partitions: dg.PartitionsDefinition, deps: Sequence[dg.AssetKey] = ()
) -> dg.AssetsDefinition:
    """A vendor's streams, an asset each, of all its accounts: chosen export dates again, or without a choice whatever is
    not loaded yet.

    One step loads them all: a step costs about half a CPU second however little there is to load, and there are over
    thirty streams.
    """
    streams = {stream_key(vendor.code, stream.name): stream for stream in vendor.streams.values()}

    @dg.multi_asset(
        name=f"load_{vendor.code}",
        specs=[
            dg.AssetSpec(
                key,
                description=f"{vendor.title}: {stream.description}",
                group_name=vendor.code,
                kinds={"polars", "duckdb"},
                owners=OWNERS,
                deps=deps,
            )
            for key, stream in streams.items()
        ],
        check_specs=[check for key in streams for check in _stream_checks(key)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=POOL,
    )
    def load(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, settings: SettingsResource
    ) -> Iterator[dg.MaterializeResult]:
        with plain_errors():
            installation = settings.read()
            pipeline.require_landing(installation)
        dates = chosen_dates(context)
        partitions_of_run = set(context.partition_keys) if dates else set()
        chosen = {stream.name: key for key, stream in streams.items() if key in context.selected_asset_keys}

        def is_ours(file: LandedFile) -> bool:
            return file.source == vendor.code and file.stream in chosen

        with plain_errors(), writing(context, installation) as build:
            ingestion = pipeline.ingest(
                installation, build, context.run.run_id, dates=dates, choose=is_ours, progress=context.log.info
            )
            with warehouse.get_connection() as con:
                last = [found for found in freshness.of_streams(con, installation) if found.source == vendor.code]
                streams_loaded = {
                    name: _loaded(
                        con,
                        installation,
                        vendor.code,
                        name,
                        ingestion,
                        dates,
                        [found for found in last if found.stream == name],
                    )
                    for name in chosen
                }
        for name, (delivered, metadata, checks) in streams_loaded.items():
            key = chosen[name]
            for delivery in delivered:
                partition = str(delivery["export_date"])
                # Of a range also what has landed for a date between that had no partition when the run was begun.
                if partition in partitions_of_run:
                    context.add_asset_metadata(_figures([delivery]), asset_key=key, partition_key=partition)
                else:
                    context.log_event(
                        dg.AssetMaterialization(asset_key=key, partition=partition, metadata=_figures([delivery]))
                    )
            yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks)

    return load


def chosen_dates(context: dg.AssetExecutionContext) -> DateRange | None:
    """The export dates that were selected; None in a run without partitions."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    return _range(date.fromisoformat(key) for key in context.partition_keys)


def _range(days: Any) -> DateRange | None:
    found = sorted(days)
    return DateRange(found[0], found[-1]) if found else None


def _stream_checks(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            "rows_add_up", asset=key, blocking=True, description="Every row read is loaded, rejected or a duplicate."
        ),
        dg.AssetCheckSpec(
            "rejects_within_limit",
            asset=key,
            description="No delivery has a larger share of rejected rows than the setting allows.",
        ),
        dg.AssetCheckSpec("is_fresh", asset=key, description="The last delivery is not older than the setting allows."),
        dg.AssetCheckSpec(
            "has_not_drifted",
            asset=key,
            description="No field is new, of another type, or no longer filled (meta.schema_drift).",
        ),
        dg.AssetCheckSpec(
            "fields_are_known",
            asset=key,
            description="Every field that was delivered is modelled, or kept in `extra` knowingly.",
        ),
    ]


def _loaded(
    con: Any,
    settings: Settings,
    vendor: str,
    stream: str,
    ingestion: Ingestion,
    dates: DateRange | None,
    last: list[freshness.Freshness],
) -> tuple[list[dict[str, Any]], dict[str, Any], list[dg.AssetCheckResult]]:
    """What is to be reported of one stream: the figures of its export dates, metadata, and what its checks found."""
    ours = Ingestion(
        tuple(
            outcome for outcome in ingestion.outcomes if (outcome.file.source, outcome.file.stream) == (vendor, stream)
        ),
        (),
    )
    affected = dates or _range(outcome.file.export_date for outcome in ours.outcomes)
    delivered = _delivered(con, vendor, stream, affected)
    changes, covered = _shape(con, vendor, stream, affected)
    above = ours.deliveries_above(settings.options.reject_share)
    key, warn = stream_key(vendor, stream), dg.AssetCheckSeverity.WARN
    shape = {**asdict(covered), "unknown": list(covered.unknown), "share known": covered.share}
    freshest = "; ".join(map(str, last)) or "nothing was ever delivered"
    drifted = [f"{change.export_date} {change}" for change in changes]
    checks = [
        dg.AssetCheckResult(
            asset_key=key,
            check_name="rows_add_up",
            passed=all(map(_adds_up, delivered)),
            metadata=_figures(delivered),
        ),
        dg.AssetCheckResult(
            asset_key=key,
            check_name="rejects_within_limit",
            passed=not above,
            severity=warn,
            metadata={"deliveries": above},
        ),
        dg.AssetCheckResult(
            asset_key=key,
            check_name="is_fresh",
            passed=not any(found.is_late for found in last),
            severity=warn,
            description=freshest,
        ),
        dg.AssetCheckResult(
            asset_key=key,
            check_name="has_not_drifted",
            passed=not changes,
            severity=warn,
            metadata={"changes": drifted},
        ),
        dg.AssetCheckResult(
            asset_key=key, check_name="fields_are_known", passed=not covered.unknown, severity=warn, metadata=shape
        ),
    ]
    return delivered, {"rejected files": [outcome.file.shown_path for outcome in ours.rejected_files]}, checks


def _delivered(con: Any, source: str, stream: str, dates: DateRange | None) -> list[dict[str, Any]]:
    if dates is None:
        return []
    found = con.execute(DELIVERED, {"source": source, "stream": stream, "first": dates.first, "last": dates.last})
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _shape(
    con: Any, source: str, stream: str, dates: DateRange | None
) -> tuple[list[schema_drift.Change], schema_drift.Coverage]:
    if dates is None:
        return [], schema_drift.Coverage(0, 0, 0, 0, ())
    return schema_drift.changes(con, dates, source=source, stream=stream), schema_drift.coverage(
        con, dates, source=source, stream=stream
    )


def _figures(deliveries: list[dict[str, Any]]) -> dict[str, int]:
    keys = ("files", "rows_read", "rows_loaded", "rows_rejected", "rows_duplicate")
    sums = {key.replace("_", " "): sum(delivery[key] for delivery in deliveries) for key in keys}
    return {"dagster/partition_row_count": sums["rows loaded"], **sums}


def _adds_up(delivery: dict[str, Any]) -> bool:
    return delivery["rows_read"] == delivery["rows_loaded"] + delivery["rows_rejected"] + delivery["rows_duplicate"]
