"""START HERE. The Dagster code location: everything that can be run, seen and scheduled.

The flow, from left to right in the asset graph: a vendor's streams (one asset each, a partition per export date) → the
staging tables they fill → identity, orders and marts (dbt) → the published warehouse. `assets.py` makes the assets,
`pipeline.py` is what their bodies call, and `c360 run` calls it too. Schedules, sensors and resources are declared
here.
"""

import json
import warnings
from datetime import date, timedelta

import dagster as dg

from orchestration import vendors
from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.defs import assets, pulling_assets, sensors
from orchestration.defs.activation_assets import activation_assets
from orchestration.defs.resources import WarehouseResource
from orchestration.landing import landing_zone
from orchestration.pulling import configuration as pull_configuration
from orchestration.transformation import dbt_runner

NIGHTLY = "nightly"
FIRST_PLAUSIBLE = date(2000, 1, 1)


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything in this code location, for the installation that C360_DATA names."""
    warnings.simplefilter("ignore", dg.BetaWarning)
    settings = configuration.load()
    manifest = json.loads(dbt_runner.manifest(settings).read_text(encoding="utf-8"))
    known = vendors.discover()
    nights = dg.DailyPartitionsDefinition(start_date=first_night(settings).isoformat(), end_offset=1)
    pulled = pull_configuration.vendors(settings)
    pulling = [pulling_assets.pulling(vendor, assets.OWNERS) for vendor in pulled]
    loading = [
        assets.vendor_assets(
            vendor, nights, deps=[pulling_assets.pulled_key(vendor.code)] if vendor.code in pulled else []
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
    return dg.Definitions(
        assets=[
            *pulling,
            *loading,
            assets.staging_tables(manifest, known),
            assets.transformation(manifest),
            assets.publishing(manifest),
            *activation_assets(settings),
        ],
        jobs=[nightly],
        schedules=[nightly_schedule(settings)],
        sensors=[sensors.arrival(NIGHTLY), sensors.janitor(), sensors.failures(), sensors.lateness()],
        resources={"warehouse": WarehouseResource.of(settings)},
        executor=dg.in_process_executor,
    )


def first_night(settings: Settings) -> date:
    """Where the partitions begin: the setting, else the year of the oldest export that has landed, else this year."""
    if settings.options.first_export_date:
        return settings.options.first_export_date
    today = settings.today()
    landed = [file.export_date for file in landing_zone.scan(settings).files] if settings.landing.is_dir() else []
    plausible = [night for night in landed if FIRST_PLAUSIBLE <= night <= today + timedelta(days=1)]
    return min([*plausible, today]).replace(month=1, day=1)


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
