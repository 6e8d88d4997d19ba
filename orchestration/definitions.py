"""START HERE. The Dagster code location: everything that can be run, seen and scheduled.

The flow, from left to right in the asset graph: a vendor's streams (one asset each, a partition per export date) → the
staging tables they fill → identity, orders and marts (dbt) → the published warehouse. `defs` makes the assets,
`pipeline.py` is what their bodies call, and `c360 run` calls it too. Schedules, sensors and resources are declared
here.
"""

import json
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta

import dagster as dg

from orchestration import vendors
from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.defs import loading_assets, pulling_assets, sensors, warehouse_assets
from orchestration.defs.activation_assets import activation_assets
from orchestration.defs.resources import SettingsResource, WarehouseResource
from orchestration.defs.steps import OWNERS
from orchestration.landing import landing_zone
from orchestration.pulling import configuration as pull_configuration
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import dbt_project
from orchestration.warehouse import read_only

NIGHTLY = "nightly"
FIRST_PLAUSIBLE = date(2000, 1, 1)


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything in this code location, for the installation that C360_DATA names."""
    warnings.simplefilter("ignore", dg.BetaWarning)
    settings = configuration.load()
    manifest = json.loads(dbt_project.manifest(settings).read_text(encoding="utf-8"))
    known = vendors.discover()
    by_date = partitions(settings)
    pulled = pull_configuration.vendors(settings)
    pulling = [pulling_assets.pulling(vendor, OWNERS) for vendor in pulled]
    loading = [
        loading_assets.vendor_assets(
            vendor, by_date, deps=[pulling_assets.pulled_key(vendor.code)] if vendor.code in pulled else []
        )
        for vendor in known.values()
    ]
    nightly = dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all(),
        description=(
            "Loads what has landed, builds the marts, publishes. Without a partition: whatever is not loaded yet."
        ),
    )
    reloads = [
        dg.define_asset_job(
            f"reload_{vendor.code}",
            selection=dg.AssetSelection.assets(
                *(loading_assets.stream_key(vendor.code, stream.name) for stream in vendor.streams.values())
            ).downstream(),
            description=f"Loads chosen export dates of {vendor.title} again, builds the marts, publishes.",
        )
        for vendor in known.values()
    ]
    return dg.Definitions(
        assets=[
            *pulling,
            *loading,
            warehouse_assets.staging_tables(manifest, known),
            warehouse_assets.transformation(manifest),
            warehouse_assets.publishing(manifest),
            *activation_assets(settings),
        ],
        jobs=[nightly, *reloads],
        schedules=[nightly_schedule(settings)],
        sensors=[
            sensors.arrival(NIGHTLY),
            sensors.janitor(),
            sensors.failures(),
            sensors.lateness(),
            sensors.command_line_runs(),
        ],
        resources={"warehouse": WarehouseResource.of(settings), "settings": SettingsResource()},
        executor=dg.in_process_executor,
    )


def partitions(settings: Settings) -> dg.PartitionsDefinition:
    """A partition for every export date for which anything has landed or is loaded, and for those to come: what is
    missing was not delivered, or is not loaded yet. Days begin where the settings say, as for whatever is loaded."""
    today = settings.today()
    tomorrow = today + timedelta(days=1)
    dates = {day for day in _export_dates(settings) if FIRST_PLAUSIBLE <= day <= tomorrow}
    first = settings.options.first_export_date or min([*dates, today])
    empty = [day for number in range((today - first).days) if (day := first + timedelta(days=number)) not in dates]
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_offset=2 if tomorrow in dates else 1,
        timezone=settings.options.reporting_time_zone,
        exclusions=[datetime.combine(day, time.min) for day in empty] or None,
    )


def _export_dates(settings: Settings) -> Iterator[date]:
    """Export dates of what has landed, and of what is loaded though it has been archived since."""
    if settings.landing.is_dir():
        yield from (file.export_date for file in landing_zone.scan(settings).files)
    if settings.published_file.exists():
        with suppress(OperatorError), read_only.published(settings) as con:
            for (export_date,) in con.execute(
                "select distinct export_date from meta.loads where status <> 'superseded'"
            ).fetchall():
                yield export_date


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every night at the time and in the zone of the settings."""
    hour, minute = settings.options.schedule_time.split(":")
    return dg.ScheduleDefinition(
        name="every_night",
        job_name=NIGHTLY,
        description=(
            "Every night at `schedule_time` of the settings: loads what has landed, builds the marts, publishes."
        ),
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=settings.options.schedule_time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
