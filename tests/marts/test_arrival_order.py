"""The warehouse is a function of what has landed, not of the order in which it came (contracts, section 2)."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from orchestration import landing, pipeline
from orchestration.settings import Options, Settings
from orchestration.warehouse import Warehouse
from tests.marts.week import WEEK, Arrival, batches, by_night

# When something came and which attempt brought it; the books of runs and of changes from one publication to the next.
ARRIVAL_COLUMNS = ("load_seq", "loaded_at", "run_id", "file_mtime_ns")
ARRIVAL_TABLES = ("meta.runs", "meta.identity_events", "internal.made_by")
Rows = dict[str, list[tuple[object, ...]]]


SEGMENTS = "segment_id,name,description,predicate\nbuyers,Buyers,,order_count >= 1\nlively,Lively,,engagement_percentile > 40 and email is not null\n"


def installation(folder: Path) -> Settings:
    (folder / "landing").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "config" / "computed_segments.csv").write_text(SEGMENTS, encoding="utf-8")
    return Settings(data=folder, options=Options(free_disk_bytes=0, lock_wait_seconds=5))


def load(settings: Settings, arrivals: Iterable[Arrival]) -> None:
    for arrival in arrivals:
        arrival.land(settings.landing)
    warehouse = Warehouse(settings)
    with warehouse.connect() as con:
        warehouse.ingest(con, warehouse.pending(con, landing.scan(settings), dates=None, full_refresh=False), run_id="test")


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
    settings = installation(folder)
    for arrival in WEEK:
        arrival.land(settings.landing)
    return settings


@pytest.fixture(scope="module")
def staged_at_once(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    settings = landed_at_once(tmp_path_factory.mktemp("staged") / "data")
    load(settings, [])
    return contents(settings, "staging", "meta", "internal")


@pytest.fixture(scope="module")
def made_at_once(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    settings = landed_at_once(tmp_path_factory.mktemp("made") / "data")
    run(settings, [])
    return contents(settings, "staging", "identity", "orders", "marts", "meta")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_staging_and_its_books_do_not_know_in_which_order_the_week_came(tmp_path: Path, staged_at_once: Rows, seed: int) -> None:
    settings = installation(tmp_path / "data")
    for batch in batches(seed):
        load(settings, batch)
    assert differences(contents(settings, "staging", "meta", "internal"), staged_at_once) == {}


@pytest.mark.slow
def test_marts_made_night_by_night_equal_those_made_at_once(tmp_path: Path, made_at_once: Rows) -> None:
    settings = installation(tmp_path / "data")
    for night in by_night():
        run(settings, night)
    assert differences(contents(settings, "staging", "identity", "orders", "marts", "meta"), made_at_once) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 17])
def test_marts_made_after_every_arrival_in_any_order_equal_those_made_at_once(tmp_path: Path, made_at_once: Rows, seed: int) -> None:
    settings = installation(tmp_path / "data")
    for batch in batches(seed):
        run(settings, batch)
    assert differences(contents(settings, "staging", "identity", "orders", "marts", "meta"), made_at_once) == {}


@pytest.mark.slow
def test_the_week_tells_of_each_kind_of_trouble(made_at_once: Rows) -> None:
    assert len(made_at_once["marts.fct_orders"]) == 5
    assert len(made_at_once["marts.dim_customers"]) == 4
    assert len(made_at_once["meta.rejects"]) == 1
    assert {conflict[0] for conflict in made_at_once["meta.order_conflicts"]} >= {"orphan_refund", "amount"}
    assert {stay[6] for stay in made_at_once["marts.fct_segment_memberships"]} == {"ometria", "optimizely", "warehouse"}
    assert sum(loads[9] for loads in made_at_once["meta.loads"]) >= 4
