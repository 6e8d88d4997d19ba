"""An asset per target of activation.toml, after publishing: what changed, as request bodies in files. Off until a
target is configured; sends nothing."""

import re

import dagster as dg

from orchestration.activation import activate, activation_log, targets
from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.defs.steps import OWNERS, POOL, plain_errors
from orchestration.monitoring.dagster_reports import PUBLISHED
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import known_names

LOOK = "needs_no_look"
MISCONFIGURED = "misconfigured"


def activation_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The targets as assets; for a file with a mistake, one asset that says so when it is run, since the nightly run must
    go on."""
    if not targets.is_configured(settings):
        return []
    try:
        return [
            _asset(target.name, f"{target.receiver.title}, account {target.account}")
            for target in targets.load(settings)
        ]
    except OperatorError:
        return [_asset(MISCONFIGURED, "activation.toml cannot be used; a run of this asset says why.")]


def _asset(name: str, description: str) -> dg.AssetsDefinition:
    key = dg.AssetKey(["activation", re.sub(r"[^a-z0-9]", "_", name)])

    @dg.asset(
        key=key,
        deps=[PUBLISHED],
        group_name="activation",
        description=description,
        kinds={"file"},
        owners=OWNERS,
        pool=POOL,
        check_specs=[
            dg.AssetCheckSpec(
                LOOK, asset=key, description="It is not the first time, and not unusually much would change or leave."
            )
        ],
    )
    def give_back(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        installation = configuration.load()
        known_names.ask(installation)
        with plain_errors():
            [target] = targets.load(installation, None if name == MISCONFIGURED else name)
            outcome = activate.activate(installation, target)
            activation_log.publish_log(installation)
            return _reported(outcome)

    return give_back


def _reported(outcome: activate.Outcome) -> dg.MaterializeResult:
    facts: dict[str, int | str] = {
        **activate.counts(outcome.plan),
        **{f"rejected: {reason}": count for reason, count in outcome.plan.rejected.items()},
    }
    waits = {"waits because": outcome.waits} if outcome.waits else {}
    check = dg.AssetCheckResult(
        check_name=LOOK, passed=outcome.waits is None, severity=dg.AssetCheckSeverity.WARN, metadata=waits
    )
    return dg.MaterializeResult(
        metadata={**facts, "folder": outcome.folder or "nothing was written", **waits}, check_results=[check]
    )
