"""Factories of the Dagster assets: a partitioned asset per vendor and stream, the staging tables, the dbt models,
publishing.

Thin: every body calls the same step of `pipeline.py` as the command line does and reports what came of it. What a step
does stands there. Error texts may quote rows, so a body lets out only sentences of our own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration import pipeline
from orchestration.canonical.tables import TABLES
from orchestration.config import settings as configuration
from orchestration.config.settings import DateRange, Settings
from orchestration.defs.resources import WarehouseResource
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading.loader import Warehouse
from orchestration.mapping.model import Stream, Vendor
from orchestration.monitoring import alerts, attention, dagster_runs, freshness, schema_drift
from orchestration.monitoring.dagster_reports import BY_DAGSTER, PUBLISHED
from orchestration.runtime.errors import to_operator_error
from orchestration.transformation import check_descriptions
from orchestration.transformation.node_result import NodeResult, TransformError
from orchestration.warehouse import build_file, known_names, meanings

POOL = "duckdb_writer"
OWNERS = ["team:data"]

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


class EngineConfig(dg.Config):
    """What a run may say of how its full build is done: engine, workers and shards as in `settings.toml`, which says it
    where a run does not."""

    engine: str | None = None
    workers: int | None = None
    shards: int | None = None


class Translator(DagsterDbtTranslator):
    """How dbt's nodes appear: our owners, each test as a check of its model, and groups that read from left to
    right."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
        self._between_marts = steps_between_marts(manifest)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The node with our owners; a step between two marts stands with them, and what reads nothing waits for the
        staging tables.

        Or else a backfill would not: it starts whatever waits for nothing at once, and so would run dbt twice.
        """
        spec = super().get_asset_spec(manifest, unique_id, project).replace_attributes(owners=OWNERS)
        if unique_id in manifest["nodes"] and not list(spec.deps):
            spec = spec.replace_attributes(
                deps=[
                    self.get_asset_key(source)
                    for source in manifest["sources"].values()
                    if source["schema"] == "internal"
                ]
            )
        return spec.replace_attributes(group_name="marts") if unique_id in self._between_marts else spec

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        """The test as a check that says what it asks."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=check_descriptions.of_test(manifest["nodes"][unique_id]))


def steps_between_marts(manifest: Mapping[str, Any]) -> set[str]:
    """Models outside the marts that read from one, be it through others: their arrows would run backwards in the graph
    of groups."""
    schemas = {key: node["schema"] for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    below: set[str] = set()
    for key in TopologicalSorter(manifest["parent_map"]).static_order():
        if key in schemas and any(
            parent in below or schemas.get(parent) == "marts" for parent in manifest["parent_map"][key]
        ):
            below.add(key)
    return {key for key in below if schemas[key] not in ("marts", "meta")}


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
    def load(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        settings = configuration.load()
        dates = chosen_dates(context)
        chosen = {stream.name: key for key, stream in streams.items() if key in context.selected_asset_keys}

        def is_ours(file: LandedFile) -> bool:
            return file.source == vendor.code and file.stream in chosen

        with plain_errors(), writing(context, settings) as build:
            ingestion = pipeline.ingest(
                settings, build, context.run.run_id, dates=dates, choose=is_ours, progress=context.log.info
            )
            with warehouse.get_connection() as con:
                last = [found for found in freshness.of_streams(con, settings) if found.source == vendor.code]
                streams_loaded = {
                    name: _loaded(
                        con,
                        settings,
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
                if dates is None:
                    context.log_event(
                        dg.AssetMaterialization(asset_key=key, partition=partition, metadata=_figures([delivery]))
                    )
                else:
                    context.add_asset_metadata(_figures([delivery]), asset_key=key, partition_key=partition)
            yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks)

    return load


def staging_tables(manifest: Mapping[str, Any], vendors: Mapping[str, Vendor]) -> dg.AssetsDefinition:
    """The tables that the loading assets fill together, each below the streams that can feed it, with their row
    counts."""
    translator = Translator(manifest)
    tables = {
        translator.get_asset_key(source): (source["schema"], source["name"]) for source in manifest["sources"].values()
    }
    feeds = {
        stream_key(vendor.code, stream.name): _tables_of(stream)
        for vendor in vendors.values()
        for stream in vendor.streams.values()
    }
    specs = [
        dg.AssetSpec(
            key,
            description=next(
                source["description"]
                for source in manifest["sources"].values()
                if translator.get_asset_key(source) == key
            ),
            group_name="staging" if schema == "staging" else "audit",
            kinds={"duckdb", "table"},
            owners=OWNERS,
            metadata=_columns(schema, name),
            deps=[feed for feed, fed in feeds.items() if schema != "staging" or name in fed],
        )
        for key, (schema, name) in tables.items()
    ]

    @dg.multi_asset(name="staging_tables", specs=specs, can_subset=True, pool=POOL)
    def count(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
        with plain_errors(), writing(context, configuration.load()), warehouse.get_connection() as con:
            present = set(con.execute("select schema_name, table_name from duckdb_tables()").fetchall())
            for key, table in tables.items():
                if key not in context.selected_asset_keys:
                    continue
                rows = _count(con, table) if table in present else 0
                yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows})

    return count


def _columns(schema: str, name: str) -> dict[str, dg.TableSchema]:
    """The columns of a table that the loading assets fill, as the pages of Dagster show them."""
    described = (
        [(column.name, column.duckdb_type, column.meaning) for column in TABLES[name].all_columns]
        if schema == "staging"
        else next((table.columns for table in meanings.of_schema(schema) if table.name == name), ())
    )
    columns = [dg.TableColumn(name, type=kind, description=meaning) for name, kind, meaning in described]
    return {"dagster/column_schema": dg.TableSchema(columns)} if columns else {}


def transformation(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Every dbt model as an asset, and its tests as checks; dbt runs in this process (see `dbt_process.py`)."""
    translator = Translator(manifest)

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="dbt_models", pool=POOL)
    def models(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, config: EngineConfig
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        with plain_errors():
            settings = configuration.with_options(configuration.load(), **config.model_dump())
        checks = {check.name: check for check in context.selected_asset_check_keys}
        failure: TransformError | None = None
        with plain_errors(), writing(context, settings) as build:
            try:
                nodes = pipeline.transform(settings, build, context.run.run_id, progress=context.log.info)
            except TransformError as error:
                failure, nodes = error, error.nodes
            results = {node.unique_id: node for node in nodes}
            with warehouse.get_connection() as con:
                rows = _row_counts(con, manifest)
            if failure is None:
                yield from _materialised(context, translator, manifest, results, rows)
            for node in nodes:
                if node.kind == "test" and node.name in checks:
                    yield _checked(checks[node.name], node)
            if failure is not None:
                raise failure

    return models


def publishing(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The warehouse that analysts open."""
    translator = Translator(manifest)
    marts = [
        translator.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("marts", "meta")
    ]

    @dg.asset(
        key=PUBLISHED,
        deps=marts,
        group_name="published",
        description=(
            "`warehouse.duckdb`, swapped in at once when everything above is sound: what analysts open, read-only."
        ),
        kinds={"duckdb"},
        owners=OWNERS,
        pool=POOL,
        check_specs=[
            dg.AssetCheckSpec(
                "landing_zone_is_sound",
                asset=PUBLISHED,
                description=(
                    "Everything in the landing zone is a delivery of a known vendor, stream and date, and can be read."
                ),
            )
        ],
    )
    def publish(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        settings = configuration.load()
        problems = (
            [problem.message for problem in landing_zone.scan(settings).problems] if settings.landing.is_dir() else []
        )
        alerts.report_problems(settings, len(problems))
        with plain_errors(), writing(context, settings) as build:
            made = pipeline.publish_if_new(settings, build, context.run.run_id, progress=context.log.info)
            seen = made or pipeline.publish.current(settings)
            with build_file.connect(settings) as con:
                to_look_at = list(attention.of_run(con, context.run.run_id))
        with plain_errors():
            if pipeline.keep_limits(settings, progress=context.log.info):
                seen = pipeline.publish.current(settings)
        alerts.report_attention(settings, to_look_at)
        return dg.MaterializeResult(
            metadata={
                "file": dg.MetadataValue.path(str(settings.published_file)),
                "is new": made is not None,
                "customers": seen.customers if seen else 0,
                "orders": seen.orders if seen else 0,
                "to look at": to_look_at,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="landing_zone_is_sound",
                    passed=not problems,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"problems": problems},
                )
            ],
        )

    return publish


def chosen_dates(context: dg.AssetExecutionContext) -> DateRange | None:
    """The export dates that were selected; None in a run without partitions."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return None
    return _range(date.fromisoformat(key) for key in context.partition_keys)


@contextmanager
def writing(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Warehouse]:
    """`pipeline.writing` for a run of Dagster's, which also learns which process works on it."""
    dagster_runs.claim(context.instance, context.run.run_id)
    known_names.ask(settings)
    name = context.run.job_name
    command = f"{BY_DAGSTER}{'materialisation' if name.startswith('__') else name}"
    pipeline.finish_erasures(settings, progress=context.log.info)
    with pipeline.writing(settings, context.run.run_id, command=command, progress=context.log.info) as warehouse:
        yield warehouse


@contextmanager
def plain_errors() -> Iterator[None]:
    """Lets out one sentence of our own instead of an error that may quote a row."""
    sentence = ""
    try:
        yield
    except (dg.Failure, GeneratorExit):
        raise
    except Exception as error:
        sentence = str(to_operator_error(error))
    if sentence:
        raise dg.Failure(description=sentence, allow_retries=False)


def _range(days: Any) -> DateRange | None:
    found = sorted(days)
    return DateRange(found[0], found[-1]) if found else None


def _tables_of(stream: Stream) -> set[str]:
    """Staging tables the mappings of a stream name, and those every record about a person feeds."""
    named = {rows.table for dialect in stream.dialects for rows in dialect.rows}
    about = any(dialect.about for dialect in stream.dialects)
    return named | ({"contacts", "customer_identifiers"} if about else set())


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
    ingestion: pipeline.Ingestion,
    dates: DateRange | None,
    last: list[freshness.Freshness],
) -> tuple[list[dict[str, Any]], dict[str, Any], list[dg.AssetCheckResult]]:
    """What is to be reported of one stream: the figures of its export dates, metadata, and what its checks found."""
    ours = pipeline.Ingestion(
        tuple(
            outcome for outcome in ingestion.outcomes if (outcome.file.source, outcome.file.stream) == (vendor, stream)
        ),
        (),
    )
    touched = dates or _range(outcome.file.export_date for outcome in ours.outcomes)
    delivered = _delivered(con, vendor, stream, touched)
    changes, covered = _shape(con, vendor, stream, touched)
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


def _count(con: Any, table: tuple[str, str]) -> int:
    return con.execute(f'select count(*) from "{table[0]}"."{table[1]}"').fetchone()[0]


def _row_counts(con: Any, manifest: Mapping[str, Any]) -> dict[str, int]:
    present = set(con.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    tables = {
        key: (node["schema"], node["name"])
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    return {key: _count(con, table) for key, table in tables.items() if table in present}


def _materialised(
    context: dg.AssetExecutionContext,
    translator: Translator,
    manifest: Mapping[str, Any],
    results: Mapping[str, NodeResult],
    rows: Mapping[str, int],
) -> Iterator[dg.MaterializeResult]:
    for unique_id in TopologicalSorter(manifest["parent_map"]).static_order():
        node = manifest["nodes"].get(unique_id)
        if node is None or node["resource_type"] not in ("model", "seed"):
            continue
        key = translator.get_asset_key(node)
        if key in context.selected_asset_keys:
            seconds = results[unique_id].seconds if unique_id in results else 0.0
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    "dagster/row_count": rows.get(unique_id, 0),
                    "seconds": seconds,
                    "built anew": unique_id in results,
                },
            )


def _checked(check: dg.AssetCheckKey, node: NodeResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=node.status == "pass",
        severity=dg.AssetCheckSeverity.WARN if node.is_warning else dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows": node.failures,
            **({"found": node.reason} if node.reason else {}),
            **({"query": str(node.query)} if node.query else {}),
        },
    )
