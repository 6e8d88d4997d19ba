"""The warehouse is a function of what has landed, not of the order in which it came (contracts, section 2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline, runs, seeds
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from tests.arrivals import Arrival, batches, installation, load
from tests.compiled import Compiled
from tests.marts.week import WEEK, by_night

# When something came and which attempt brought it; the books of runs and of changes from one publication to the next.
ARRIVAL_COLUMNS = ("load_seq", "loaded_at", "run_id", "file_mtime_ns")
ARRIVAL_TABLES = ("meta.runs", "meta.identity_events", "internal.made_by")
MADE = ("staging", "identity", "orders", "marts", "meta")
Rows = dict[str, list[tuple[object, ...]]]

SEGMENTS = "segment_id,name,description,predicate\nbuyers,Buyers,,order_count >= 1\nlively,Lively,,engagement_percentile > 40 and email is not null\n"


def shop(folder: Path) -> Settings:
    settings = installation(folder)
    (settings.config / "computed_segments.csv").write_text(SEGMENTS, encoding="utf-8")
    return settings


def run(settings: Settings, arrivals: Iterable[Arrival]) -> None:
    for arrival in arrivals:
        arrival.land(settings.landing)
    pipeline.run(settings, accept_changes=True)


def contents(settings: Settings, *schemas: str) -> Rows:
    """Every table of the schemas, arrival aside."""
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        columns = con.execute(
            "select concat(schema_name, '.', table_name), list(column_name order by column_index) "
            "from duckdb_columns() where schema_name in $1 and not internal group by 1",
            [list(schemas)],
        ).fetchall()
        return {table: sorted(con.execute(_kept(table, names)).fetchall(), key=repr) for table, names in sorted(columns) if table not in ARRIVAL_TABLES}


def _kept(table: str, names: list[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names if name not in ARRIVAL_COLUMNS)
    return f"select {columns} from {table}" + (" where status <> 'superseded'" if table == "meta.loads" else "")


def differences(left: Rows, right: Rows) -> dict[str, tuple[list[object], list[object]]]:
    """What only one of them holds, by table."""
    return {
        table: ([row for row in left[table] if row not in right[table]], [row for row in right[table] if row not in left[table]])
        for table in left
        if left[table] != right[table]
    }


def landed_at_once(folder: Path) -> Settings:
    settings = shop(folder)
    for arrival in WEEK:
        arrival.land(settings.landing)
    return settings


def make(settings: Settings, models: Compiled) -> Rows:
    """Everything that the models make of what is loaded, and what they make it of."""
    with Warehouse(settings).connect() as con:
        seeds.load(con, settings)
        day = runs.greatest_export_date(con)
        assert day is not None
        pipeline.write_run_settings(con, settings, day)
        models.make(con)
    return contents(settings, *MADE, "internal")


@dataclass(frozen=True)
class Week:
    """The week as it is made when all of it is there from the beginning: by the nightly job, and by its models alone."""

    models: Compiled
    run: Rows
    made: Rows


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Week:
    settings = landed_at_once(tmp_path_factory.mktemp("run") / "data")
    run(settings, [])
    models = Compiled(settings.internal / "dbt" / "target")
    alone = landed_at_once(tmp_path_factory.mktemp("alone") / "data")
    load(alone, [])
    return Week(models, contents(settings, *MADE), make(alone, models))


@pytest.mark.parametrize("seed", range(30))
def test_the_warehouse_does_not_know_in_which_order_the_week_came(tmp_path: Path, at_once: Week, seed: int) -> None:
    settings = shop(tmp_path / "data")
    for batch in batches(WEEK, seed):
        load(settings, batch)
    assert differences(make(settings, at_once.models), at_once.made) == {}


@pytest.mark.slow
def test_marts_made_night_by_night_equal_those_made_at_once(tmp_path: Path, at_once: Week) -> None:
    settings = shop(tmp_path / "data")
    for night in by_night():
        run(settings, night)
    assert differences(contents(settings, *MADE), at_once.run) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 17])
def test_marts_made_after_every_arrival_in_any_order_equal_those_made_at_once(tmp_path: Path, at_once: Week, seed: int) -> None:
    settings = shop(tmp_path / "data")
    for batch in batches(WEEK, seed):
        run(settings, batch)
    assert differences(contents(settings, *MADE), at_once.run) == {}


def test_the_models_alone_make_what_the_nightly_job_makes(at_once: Week) -> None:
    assert {table: len(rows) for table, rows in at_once.run.items()} == {table: len(at_once.made[table]) for table in at_once.run}


def test_the_week_tells_of_each_kind_of_trouble(at_once: Week) -> None:
    week = at_once.run
    assert len(week["marts.fct_orders"]) == 5
    assert len(week["marts.dim_customers"]) == 4
    assert len(week["meta.rejects"]) == 1
    assert {conflict[0] for conflict in week["meta.order_conflicts"]} >= {"orphan_refund", "amount"}
    assert {stay[6] for stay in week["marts.fct_segment_memberships"]} == {"ometria", "optimizely", "warehouse"}
    assert sum(loads[9] for loads in week["meta.loads"]) >= 4
