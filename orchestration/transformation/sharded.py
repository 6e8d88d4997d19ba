"""A full build that is shared out: models whose rows give the change keys first, then shards of the data in tasks, then
everybody's models; the result is that of one build.

Shards consist of closed parts, so that what is made of a shard is what would be made of the whole for its rows: a union
of the shards' tables is the table. A model of which that is not true says `made_of: everybody` in its YAML, and is made
of all shards together at the end, where every test runs too. Where the tasks are done is the engine's business.
"""

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from orchestration.config.chosen_engine import engine_of
from orchestration.config.settings import Settings
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent
from orchestration.transformation import dbt_project, dbt_runner, parts, shard
from orchestration.transformation.cutting import renewed
from orchestration.transformation.dbt_project import Project
from orchestration.transformation.node_result import NodeResult, TransformError
from orchestration.warehouse import build_file
from orchestration.warehouse.meanings import INTERNAL, SHOWN

# What change keys are found by beside staging itself (`key_pairs.py`), and the query that closes them.
LINKED_BY = ("int_record_identifiers", "int_composite_keys")
COMPONENTS = "parts"


def shards_of(settings: Settings) -> int:
    """Into how many shards a full build is cut; 1 is a build as it always was.

    DuckDB keeps the cores of one machine busy by itself, and every row of a shard is written twice. So a build is cut for
    the workers of other machines, and for those of this one if the settings say so.
    """
    engine = engine_of(settings)
    return settings.options.shards or (1 if engine.is_on_this_machine else engine.workers)


def is_wanted(settings: Settings) -> bool:
    """The settings ask for a build in shards."""
    return shards_of(settings) > 1


@dataclass(frozen=True)
class Plan:
    """Which models of a project are made before, in and after the shards."""

    nodes: Mapping[str, Any]

    @cached_property
    def models(self) -> dict[str, Any]:
        """Every model by its name, in the order of the flow."""
        keys = {key: node for key, node in self.nodes.items() if node.resource_type == "model"}
        needs = {key: [parent for parent in node.depends_on.nodes if parent in keys] for key, node in keys.items()}
        return {keys[key].name: keys[key] for key in TopologicalSorter(needs).static_order()}

    @cached_property
    def first(self) -> list[str]:
        """Models that change keys are found by."""
        return self._with_ancestors(set(LINKED_BY))

    @cached_property
    def of_parts(self) -> list[str]:
        """Models that are the union of what is made of shards."""
        return [name for name, node in self.models.items() if name not in self.first and not _is_of_everybody(node)]

    @cached_property
    def in_shards(self) -> list[str]:
        """Models that every shard makes: those, and what of everybody's they rest on, which says the same of a shard's
        rows."""
        return [name for name in self._with_ancestors(set(self.of_parts)) if name not in self.first]

    @cached_property
    def in_the_end(self) -> list[str]:
        """Models and tests of the last step."""
        tests = [node.name for node in self.nodes.values() if node.resource_type == "test"]
        return [name for name in self.models if name not in self.first] + tests

    @property
    def copied(self) -> dict[str, str]:
        """Tables of the first step that shards take over, with the condition that selects their rows."""
        return {
            f"{node.schema}.{name}": renewed(node.config.meta["renewed_by"])
            if "renewed_by" in node.config.meta
            else "true"
            for name in self.first
            for node in [self.models[name]]
        }

    def recipe(self, queries: Mapping[str, str]) -> shard.Recipe:
        """What the workers make, by the queries as dbt compiled them."""
        return shard.Recipe(self.copied, [(self.models[name].schema, name, queries[name]) for name in self.in_shards])

    def _with_ancestors(self, wanted: set[str]) -> list[str]:
        by_key = {node.unique_id: name for name, node in self.models.items()}
        reached = set(wanted)
        for name in reversed(self.models):
            if name in reached:
                reached |= {by_key[parent] for parent in self.models[name].depends_on.nodes if parent in by_key}
        return [name for name in self.models if name in reached]


def build_in_full(
    settings: Settings, *, project: Project | None = None, progress: Progress = silent
) -> tuple[NodeResult, ...]:
    """Makes every model and runs every test on the build file, in shards if the settings ask for it."""
    project = project or dbt_project.rendered(settings)
    _clear_steps(settings, project)
    made = build if is_wanted(settings) else dbt_runner.build
    return made(settings, project=project, progress=progress)


def _clear_steps(settings: Settings, project: Project) -> None:
    """Removes what an earlier build left that is not published, so that the new one is written where it stood and the
    file does not grow by it."""
    schemas = {node.schema for node in project.chosen("model", ())} - {*SHOWN, INTERNAL}
    with build_file.connect(settings) as con:
        for schema in sorted(schemas):
            con.execute(f"drop schema if exists {schema} cascade")
        con.execute("checkpoint")


def build(
    settings: Settings, *, project: Project | None = None, shuffled: int = 0, progress: Progress = silent
) -> tuple[NodeResult, ...]:
    """The same, in shards; another number for `shuffled` deals parts out to them in another order."""
    folder, shards, engine = settings.shards_folder / uuid.uuid4().hex, shards_of(settings), engine_of(settings)
    project = project or dbt_project.rendered(settings)
    plan = Plan(project.nodes)
    try:
        first = dbt_runner.build(settings, only=plan.first, project=project, progress=progress)
        queries = dbt_project.queries([*plan.in_shards, COMPONENTS], project)
        with build_file.connect(settings) as con:
            sharing = parts.share_out(con, queries[COMPONENTS], shards, shuffled=shuffled)
            con.execute("checkpoint")
        progress(f"{sharing.rows:,} rows in {sharing.parts:,} parts: building {shards} shards ({engine.name})")
        shard.prepare(folder, plan.recipe(queries), settings.build_file)
        pass_point("before_shards")
        outcomes = engine.map(shard.make, shard.tasks(settings, folder, shards, engine))
        _require_all(outcomes, settings, plan)
        pass_point("after_shards")
        rest = dbt_runner.build(
            settings,
            only=plan.in_the_end,
            project=project,
            shards=shard.files(folder, shards),
            progress=progress,
        )
        with build_file.connect(settings) as con:
            parts.clear(con)
    finally:
        shutil.rmtree(settings.shards_folder, ignore_errors=True)
    return (*first, *rest)


def _require_all(outcomes: list[shard.Outcome], settings: Settings, plan: Plan) -> None:
    failed = [outcome for outcome in outcomes if outcome.failed]
    if failed:
        raise TransformError(
            tuple(
                NodeResult(
                    _key_of(outcome.failed, plan),
                    "model",
                    outcome.failed,
                    "error",
                    outcome.seconds,
                    reason=outcome.reason,
                )
                for outcome in failed
            ),
            settings,
        )


def _key_of(failed: str, plan: Plan) -> str:
    node = plan.models.get(failed.split(".")[-1])
    return node.unique_id if node else failed


def _is_of_everybody(node: Any) -> bool:
    return node.config.meta.get("made_of") == "everybody"
