"""From staging to marts: dbt makes the models inside this process, and what they promise is asked after that.

What failed is reported by model and test name, with a query that shows the rows.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from orchestration.config.settings import Settings
from orchestration.runtime.errors import without_values
from orchestration.runtime.progress import Progress, silent
from orchestration.transformation import data_tests, dbt_project
from orchestration.transformation.dbt_process import invoke
from orchestration.transformation.dbt_project import Project
from orchestration.transformation.node_result import NodeResult, TransformError


def build(
    settings: Settings,
    *,
    file: Path | None = None,
    only: Collection[str] = (),
    project: Project | None = None,
    shards: Sequence[Path] = (),
    progress: Progress = silent,
) -> tuple[NodeResult, ...]:
    """Runs every model and test on the build file; raises when one fails, with the file closed either way.

    Or on another `file`, or only models and tests of those names; a `project` is one that was rendered. With `shards` a
    model that can be made of shards is the union of what stands there. What has no memory is tried once more, with one
    thread.
    """
    project = project or dbt_project.rendered(settings)
    made = partial(_built, file=file or settings.build_file, project=project, shards=shards, progress=progress)
    nodes = made(settings, only)
    if any(node.is_starved for node in nodes):
        progress("memory was short: what is missing is built again, with one thread")
        alone = replace(settings, options=msgspec.structs.replace(settings.options, threads=1))
        missing = [node for node in nodes if node.is_starved or node.status == "skipped"]
        again = made(alone, [node.short_name for node in missing])
        nodes = (*(node for node in nodes if node not in missing), *again)
    if any(node.is_failure for node in nodes):
        raise TransformError(nodes, settings)
    return nodes


def _built(
    settings: Settings,
    only: Collection[str],
    *,
    file: Path,
    project: Project,
    shards: Sequence[Path],
    progress: Progress,
) -> tuple[NodeResult, ...]:
    models, tests = project.chosen("model", only), project.chosen("test", only)
    made: tuple[NodeResult, ...] = ()
    if models:
        chosen = ["--select", *sorted(node.name for node in models)] if only else []
        result = invoke(settings, ["run", *chosen], progress, file=file, project=project.models, shards=shards)
        made = tuple(_node(run) for run in getattr(result, "results", []))
    unmade = {node.unique_id for node in made if node.is_failure or node.status == "skipped"}
    return (*made, *data_tests.run(settings, tests, file, progress, unmade=unmade))


def _node(run: Any) -> NodeResult:
    node, status = run.node, str(run.status)
    return NodeResult(
        unique_id=node.unique_id,
        kind=str(node.resource_type),
        name=f"{node.schema}.{node.name}",
        status=status,
        seconds=round(run.execution_time, 3),
        reason=without_values(run.message or "") if status == "error" else "",
    )
