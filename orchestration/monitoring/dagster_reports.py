"""What runs of the command line loaded and built, reported to Dagster as materialisations without a run: its pages then
show what is published, whoever made it.

Read from the published file: what Dagster's own runs loaded is left out, for they have reported it. For an export date
that is loaded every stream is reported, also one that brought nothing: otherwise Dagster would take that partition for
missing and warn of everything after it. Dagster stores each event by itself, which takes some milliseconds, so as many
are reported at a time as the caller has time for, and the rest the next time; a file beside Dagster's notes which have
been reported. Each is reported after what it is made of and the last export date last: Dagster goes by the order, and
would call outdated what it heard of earlier. Metadata are counts and ids of runs.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator

from orchestration import vendors
from orchestration.config.settings import Settings
from orchestration.runtime import durable_files
from orchestration.transformation import dbt_project
from orchestration.warehouse import read_only

PUBLISHED = dg.AssetKey(["published", "warehouse"])
BY_DAGSTER = "Dagster "
NOTE = "reported.json"

_DELIVERIES = """
with standing as (
    select loads.*, starts_with(coalesce(runs.command, ''), $1) as is_by_dagster
    from meta.loads as loads left join meta.runs as runs using (run_id)
    where loads.status <> 'superseded'
)
select source, stream, export_date::varchar, max_by(run_id, load_seq), count(*)::bigint, coalesce(sum(rows_read), 0)::bigint,
    coalesce(sum(rows_loaded), 0)::bigint, coalesce(sum(rows_rejected), 0)::bigint, coalesce(sum(rows_duplicate), 0)::bigint
from standing
group by source, stream, export_date
having not max_by(is_by_dagster, load_seq)
order by export_date, source, stream
"""
# Export dates, with the run that loaded each last and the streams it brought.
_LOADED = """
select
    export_date::varchar, max_by(run_id, load_seq), list(distinct (source, stream))
from meta.loads
where status <> 'superseded'
group by export_date
"""
_BUILT_BY = "select run_id, command from meta.runs where published order by started_at desc limit 1"
_ROWS = "select schema_name, table_name, estimated_size from duckdb_tables()"
_TOTALS = "select (select count(*) from marts.dim_customers), (select count(*) from marts.fct_orders)"


def report(instance: dg.DagsterInstance, settings: Settings, *, seconds: float) -> int:
    """Reports for so many seconds what has not been reported yet; returns how many events are left."""
    if not settings.published_file.exists():
        return 0
    note = settings.dagster_home / NOTE
    reported = _read(note)
    with read_only.published(settings) as con:
        due = [(key, run_id, event) for key, run_id, event in _events(con, settings) if reported.get(key) != run_id]
    limit = time.monotonic() + seconds
    count = 0
    try:
        for key, run_id, event in due:
            if time.monotonic() > limit:
                break
            instance.report_runless_asset_event(event)
            reported[key] = run_id
            count += 1
    finally:
        if count:
            durable_files.replace(note, json.dumps(reported).encode())
    return len(due) - count


def report_in(settings: Settings, *, seconds: float) -> None:
    """The same for the Dagster of this installation, from outside."""
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        report(instance, settings, seconds=seconds)


def _read(note: Any) -> dict[str, str]:
    """What has been reported; where that is lost, it is reported again, which changes no figure."""
    with suppress(OSError, ValueError):
        found = json.loads(note.read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def _events(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[tuple[str, str, dg.AssetMaterialization]]:
    """Everything to be known of runs of the command line: what it is, the run that made it, the event."""
    built_by, command = con.execute(_BUILT_BY).fetchone() or (None, "")
    if built_by and not str(command).startswith(BY_DAGSTER):
        for key, metadata in _built(con, settings):
            yield key.to_user_string(), built_by, dg.AssetMaterialization(key, metadata={**metadata, "run": built_by})
    for source, stream, export_date, run_id, *counts in sorted(
        [*con.execute(_DELIVERIES, [BY_DAGSTER]).fetchall(), *_empty(con)], key=lambda row: row[2]
    ):
        names = ("files", "rows read", "rows loaded", "rows rejected", "rows duplicate")
        figures = dict(zip(names, counts, strict=True))
        metadata = {"dagster/partition_row_count": figures["rows loaded"], **figures, "run": run_id}
        event = dg.AssetMaterialization([source, stream], partition=export_date, metadata=metadata)
        yield f"{source}/{stream}/{export_date}", run_id, event


def _empty(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, str, str, int, int, int, int, int]]:
    """Streams that brought nothing on an export date for which another did, in the shape of those that did."""
    known = [(vendor.code, name) for vendor in vendors.discover().values() for name in vendor.streams]
    for export_date, run_id, delivered in con.execute(_LOADED).fetchall():
        brought = set(map(tuple, delivered))
        yield from (
            (source, stream, export_date, run_id, 0, 0, 0, 0, 0)
            for source, stream in known
            if (source, stream) not in brought
        )


def _built(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[tuple[dg.AssetKey, Mapping[str, Any]]]:
    """Every table and model that the published file was made of, with rows where it holds them, and the file itself."""
    manifest = json.loads(dbt_project.manifest(settings).read_text(encoding="utf-8"))
    translator = DagsterDbtTranslator()
    rows = {(schema, table): count for schema, table, count in con.execute(_ROWS).fetchall()}
    made = {**manifest["sources"], **manifest["nodes"]}
    # Staging first: whatever else reads nothing waits for it.
    for unique_id in dict.fromkeys((*manifest["sources"], *TopologicalSorter(manifest["parent_map"]).static_order())):
        node = made.get(unique_id)
        if (
            node
            and node["resource_type"] in ("source", "model", "seed")
            and node["config"].get("materialized") != "ephemeral"
        ):
            count = rows.get((node["schema"], node["name"]))
            yield translator.get_asset_key(node), {} if count is None else {"dagster/row_count": count}
    customers, orders = con.execute(_TOTALS).fetchone() or (0, 0)
    yield PUBLISHED, {"customers": customers, "orders": orders}
