"""The assets behind the loading ones: the staging tables, every dbt model with its tests as checks, the published file.

Thin: a body calls the step of `pipeline.py` that the command line calls, and reports what came of it."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration import pipeline
from orchestration.canonical.tables import TABLES
from orchestration.config import settings as configuration
from orchestration.defs.loading_assets import stream_key
from orchestration.defs.resources import SettingsResource, WarehouseResource
from orchestration.defs.steps import OWNERS, POOL, plain_errors, row_count, writing
from orchestration.landing import landing_zone
from orchestration.loading import unreported_rejects
from orchestration.mapping.model import Stream, Vendor
from orchestration.monitoring import alerts, attention
from orchestration.monitoring.dagster_reports import PUBLISHED
from orchestration.publishing.publish import current as current_publication
from orchestration.transformation import check_descriptions
from orchestration.transformation.dbt_runner import NodeResult, TransformError
from orchestration.warehouse import build_file, meanings


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
                rows = row_count(con, table) if table in present else 0
                yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows})

    return count


def _tables_of(stream: Stream) -> set[str]:
    """Staging tables the mappings of a stream name, and those every record about a person feeds."""
    named = {rows.table for dialect in stream.dialects for rows in dialect.rows}
    about = any(dialect.about for dialect in stream.dialects)
    return named | ({"contacts", "customer_identifiers"} if about else set())


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
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, settings: SettingsResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        with plain_errors():
            installation = settings.read()
        checks = {check.name: check for check in context.selected_asset_check_keys}
        failure: TransformError | None = None
        with plain_errors(), writing(context, installation) as build:
            try:
                nodes = pipeline.transform(installation, build, context.run.run_id, progress=context.log.info)
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
            seen = made or current_publication(settings)
            with build_file.connect(settings) as con:
                to_look_at = [
                    *attention.of_run(con, context.run.run_id),
                    *unreported_rejects.of_run(con, settings, context.run.run_id),
                ]
        with plain_errors():
            if pipeline.keep_limits(settings, progress=context.log.info):
                seen = current_publication(settings)
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


def _row_counts(con: Any, manifest: Mapping[str, Any]) -> dict[str, int]:
    present = set(con.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    tables = {
        key: (node["schema"], node["name"])
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }
    return {key: row_count(con, table) for key, table in tables.items() if table in present}


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
