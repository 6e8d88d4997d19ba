"""The Dagster asset that pulls one vendor before its streams are loaded; there is one only for vendors that `pull.toml`
names.

It never fails: a vendor that is down costs its own stream a delivery, and no other. What went wrong is a failed check
here, and is reported by the run that publishes.
"""

import dagster as dg

from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.pulling import configuration as pull_configuration
from orchestration.pulling import walk_log
from orchestration.runtime.errors import to_operator_error

# Files that have landed are no reason to ask vendors again, nor is an export date that is loaded once more.
STARTED_OTHERWISE = (
    "dagster/sensor_name",
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/backfill",
)


def pulled_key(vendor: str) -> dg.AssetKey:
    """Key of the asset that pulls a vendor."""
    return dg.AssetKey(["pulled", vendor])


def pulling(vendor: str, owners: list[str]) -> dg.AssetsDefinition:
    """What a vendor has, in the landing zone."""
    key = pulled_key(vendor)

    @dg.asset(
        key=key,
        group_name=vendor,
        description=(
            "What the vendor's API lists, landed byte for byte as `pull.toml` says. Asked for by the schedule and by"
            " hand only."
        ),
        kinds={"http"},
        owners=owners,
        check_specs=[
            dg.AssetCheckSpec(
                "all_was_pulled", asset=key, description="Every stream that is configured was read to its end."
            )
        ],
    )
    def pull(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if any(tag in context.run.tags for tag in STARTED_OTHERWISE):
            return _result({"asked": False}, [])
        settings = configuration.load()
        problems, figures = pull_vendor(settings, vendor, context)
        return _result({"asked": True, **figures}, problems)

    return pull


def pull_vendor(settings: Settings, vendor: str, context: dg.AssetExecutionContext) -> tuple[list[str], dict[str, int]]:
    """Pulls the vendor's accounts; what a person must look at, and how much came."""
    try:
        from orchestration.pulling import pull

        outcomes = pull.pull(settings, pull_configuration.sources(settings, vendor=vendor), progress=context.log.info)
    except Exception as error:
        sentence = f"{vendor} was not pulled: {to_operator_error(error)}"
        for unit in pull_configuration.units(settings, vendor):
            walk_log.note_failure(settings, unit, sentence)
        return [sentence], {}
    problems = [outcome.problem for outcome in outcomes if outcome.problem]
    return problems, {
        "pages": sum(outcome.pages for outcome in outcomes),
        "records": sum(outcome.rows for outcome in outcomes),
    }


def _result(metadata: dict[str, int | bool], problems: list[str]) -> dg.MaterializeResult:
    check = dg.AssetCheckResult(
        check_name="all_was_pulled",
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"problems": problems},
    )
    return dg.MaterializeResult(metadata=metadata, check_results=[check])
