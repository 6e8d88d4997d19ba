"""The law of sharing out: the union of what is made of shards, and what is made of everybody then, is the warehouse of one build.

Of the samples, a week of trouble, every golden case and random worlds in which everything meets: in any number of shards,
with parts dealt out in any order.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.engines.engine import Engine
from orchestration.transformation import dbt_project, parts, shard
from orchestration.transformation.sharded import COMPONENTS, Plan
from orchestration.warehouse.duckdb_session import attach
from tests.dbt.conftest import AS_OF, SEGMENTS
from tests.dbt.identity.test_histories import OVERRIDES, History, arrivals
from tests.dbt.test_arrival_order import landed_at_once, make
from tests.dbt.test_laws import World
from tests.support.arrivals import batches, lines, load
from tests.support.compiled import Compiled
from tests.support.goldens import goldens
from tests.support.paths import SAMPLES
from tests.support.same_tables import differences
from tests.support.warehouse_builder import WarehouseBuilder, insert

pytestmark = pytest.mark.long

# What shards rest on although it is made of everybody: it says the same of a shard's rows when it sees nothing else.
ALIKE = {"int_source_priorities", "int_exchange_rates", "int_insight_days"}


@contextmanager
def opened(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file as it is, were it made by a run or by a test."""
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        yield con


@dataclass(frozen=True)
class Project:
    """The models as dbt compiled them, and how they are shared out."""

    models: Compiled
    plan: Plan
    components: str

    @cached_property
    def of_everybody(self) -> list[str]:
        made = {*self.plan.first, *self.plan.of_parts}
        return [name for name in self.plan.models if name not in made]

    def make_in_shards(self, settings: Settings, shards: int, shuffled: int) -> parts.Sharing:
        """What a build in shards does, without dbt."""
        folder = settings.shards_folder / "law"
        with opened(settings) as con:
            self.models.make(con, self.plan.first)
            sharing = parts.share_out(con, self.components, shards, shuffled=shuffled)
        shard.prepare(folder, self.plan.recipe(self.models.queries), settings.build_file)
        outcomes = Engine().map(shard.make, shard.tasks(settings, folder, shards, Engine()))
        assert [(outcome.failed, outcome.reason) for outcome in outcomes if outcome.failed] == []
        with opened(settings) as con:
            for number, file in enumerate(shard.files(folder, shards)):
                attach(con, file, f"shard_{number}")
            for name in self.plan.of_parts:
                schema = self.plan.models[name].schema
                union = " union all by name ".join(
                    f"select * from shard_{number}.{schema}.{name}" for number in range(shards)
                )
                con.execute(f"create schema if not exists {schema}")
                con.execute(f"create or replace table {schema}.{name} as {union}")
            for number in range(shards):
                con.execute(f"detach shard_{number}")
            self.models.make(con, self.of_everybody)
            parts.clear(con)
        shutil.rmtree(settings.shards_folder)
        return sharing


@pytest.fixture(scope="module")
def project(warehouse: WarehouseBuilder) -> Project:
    settings = warehouse.settings
    project = dbt_project.rendered(settings)
    queries = dbt_project.queries([COMPONENTS], project)
    return Project(Compiled(settings), Plan(project.nodes), queries[COMPONENTS])


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Settings:
    settings = landed_at_once(tmp_path_factory.mktemp("everything") / "data")
    shutil.copytree(SAMPLES, settings.landing, dirs_exist_ok=True)
    for golden in goldens():
        case = json.loads(golden.path.read_bytes())
        path = f"{golden.vendor}/{golden.stream}/2026-03-02/{golden.path.stem}.ndjson"
        lines(path, *case.get("records", [])).land(settings.landing)
    load(settings, [])
    make(settings, project.models)
    return settings


def copy_of(settings: Settings, folder: Path) -> Settings:
    copied = Settings(data=folder, options=settings.options)
    copied.build_file.parent.mkdir(parents=True)
    shutil.copyfile(settings.build_file, copied.build_file)
    return copied


def forget_models(settings: Settings, project: Project) -> None:
    """So that nothing of the one build is left in what is made in shards."""
    with opened(settings) as con:
        for name, node in project.plan.models.items():
            con.execute(f"drop table if exists {node.schema}.{name}")


@pytest.mark.parametrize(
    ("shards", "shuffled"),
    [(1, 0), (2, 1), (5, 2), *(pytest.param(5, seed, marks=pytest.mark.slow) for seed in range(3, 9))],
)
def test_shards_make_the_warehouse_that_one_build_makes(
    tmp_path: Path, project: Project, everything: Settings, shards: int, shuffled: int
) -> None:
    shared_out = copy_of(everything, tmp_path / "data")
    forget_models(shared_out, project)
    sharing = project.make_in_shards(shared_out, shards, shuffled)
    assert sharing.shards == shards
    assert sharing.parts > 50
    assert differences(everything.build_file, shared_out.build_file) == {}


# All of world 24 hangs together: it is one part.
@pytest.mark.parametrize(
    "seed", [4, 14, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(15, 60) if seed != 24)]
)
def test_shards_of_random_worlds_make_what_one_build_makes(tmp_path: Path, project: Project, seed: int) -> None:
    world = World(seed)
    reported = WarehouseBuilder(tmp_path / "whole", as_of=AS_OF, rules={"computed_segments": SEGMENTS})
    reported.rows, reported.audit_rows = world.reported.rows, world.reported.audit_rows
    reported.write()
    with reported.connect() as con:
        insert(con, "seeds.identity_overrides", world.decisions)
    shared_out = copy_of(reported.settings, tmp_path / "shared")
    with reported.connect() as con:
        project.models.make(con)
    assert project.make_in_shards(shared_out, 3, seed).parts > 1
    assert differences(reported.settings.build_file, shared_out.build_file) == {}


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
def test_shards_of_random_histories_make_what_one_build_makes(tmp_path: Path, project: Project, seed: int) -> None:
    histories = [History(number) for number in range(100 * seed, 100 * seed + 100)]
    whole = landed_at_once(tmp_path / "whole")
    decisions = [decision.line for history in histories for decision in history.decisions]
    (whole.config / "identity_overrides.csv").write_text("\n".join([OVERRIDES, *decisions]) + "\n", encoding="utf-8")
    load(whole, [arrival for batch in batches(list(arrivals(histories)), seed) for arrival in batch])
    make(whole, project.models)
    shared_out = copy_of(whole, tmp_path / "shared")
    forget_models(shared_out, project)
    assert project.make_in_shards(shared_out, 3, seed).parts > 100
    assert differences(whole.build_file, shared_out.build_file) == {}


def test_a_shard_rests_on_models_that_say_of_its_rows_what_they_say_of_all(project: Project) -> None:
    assert set(project.plan.in_shards) - set(project.plan.of_parts) == ALIKE


def test_every_model_is_made_before_the_shards_of_shards_or_of_everybody(project: Project) -> None:
    first, of_parts = set(project.plan.first), set(project.plan.of_parts)
    assert first | of_parts | set(project.of_everybody) == project.plan.models.keys()
    assert first & of_parts == set()


def test_workers_need_nothing_but_a_database(project: Project) -> None:
    assert {project.plan.models[name].language for name in [*project.plan.first, *project.plan.in_shards]} == {"sql"}
    assert {project.plan.models[name].config.materialized for name in project.plan.of_parts} == {"table"}


def test_a_part_goes_whole_to_one_shard_and_shards_are_even(
    everything: Settings, tmp_path: Path, project: Project
) -> None:
    shared_out = copy_of(everything, tmp_path / "data")
    with opened(shared_out) as con:
        sharing = parts.share_out(con, project.components, 3)
        rows: list[tuple[Any, ...]] = con.execute(
            "select shard, count(*) from internal.shard_of group by shard order by shard"
        ).fetchall()
        assert parts.last(con) == sharing
        parts.clear(con)
    assert [number for number, _ in rows] == [0, 1, 2]
    assert not sharing.is_uneven
    assert parts.Sharing(shards=3, parts=9, rows=1_000_000, largest_part=400_000).is_uneven
    assert not parts.Sharing(shards=1, parts=9, rows=1_000_000, largest_part=400_000).is_uneven
