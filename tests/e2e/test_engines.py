"""The nightly job by each engine, from the command line: the warehouse of one process, whoever dies on the way."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import definitions
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.engines.engine import EngineName
from tests.support.installation import Installation, Outcome
from tests.support.paths import PROJECT, SAMPLES
from tests.support.same_tables import differences

PUBLISHED = ("staging", "marts", "meta")
ENGINES = [pytest.param("processes", marks=pytest.mark.long), pytest.param("spark", marks=pytest.mark.spark)]


def c360(settings: Settings, *arguments: str, **environment: str) -> Outcome:
    return Installation(settings.data).c360(*arguments, **environment)


def figures(run: Outcome) -> dict[str, object]:
    return {key: value for key, value in run.figures.items() if key != "duration_s"}


def installation(folder: Path) -> Settings:
    """The samples landed, and a segment of one's own."""
    settings = Settings(data=folder, options=Options())
    shutil.copytree(SAMPLES, settings.landing)
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text(
        "free_disk_bytes = 0\npublish_parquet = true\nshare_out_from_bytes = 0\n", encoding="utf-8"
    )
    (settings.config / "computed_segments.csv").write_text(
        "segment_id,name,description,predicate\nbuyers,Buyers,,order_count >= 1\n", encoding="utf-8"
    )
    return settings


@pytest.fixture(scope="module")
def by_one_process(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Outcome]:
    settings = installation(tmp_path_factory.mktemp("local") / "data")
    return settings, c360(settings, "run")


@pytest.fixture(scope="module")
def dates_again(by_one_process: tuple[Settings, Outcome], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What one process makes of it, and of export dates that are asked for again."""
    settings = Settings(data=tmp_path_factory.mktemp("again") / "data", options=Options())
    shutil.copytree(by_one_process[0].data, settings.data)
    run_again(settings)
    return settings


def run_again(settings: Settings, *arguments: str) -> None:
    for dates in (("--date", "2026-03-02"), ("--from", "2026-03-01", "--to", "2026-03-03")):
        assert c360(settings, "run", *dates, *arguments).exit_code in (0, 3)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path / "data")


def nothing_is_left(settings: Settings) -> bool:
    return not settings.shards_folder.exists()


@dataclass(frozen=True)
class SharedOut:
    """A run by an engine, from the landing zone on: whoever was the first over a shard was killed in it."""

    settings: Settings
    engine: EngineName
    run: Outcome
    written: Path


@pytest.fixture(scope="module", params=ENGINES)
def shared_out(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SharedOut:
    settings = installation(tmp_path_factory.mktemp(request.param) / "data")
    written = settings.data.parent / "events"
    written.mkdir()
    (written.parent / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.dir file://{written}\nspark.eventLog.compress false\n",
        encoding="utf-8",
    )
    arguments = ("run", "--engine", request.param, "--workers", "2", "--shards", "3")
    environment = {"C360_KILL_AT": "inside_shard", "SPARK_CONF_DIR": str(written.parent)}
    return SharedOut(settings, request.param, c360(settings, *arguments, **environment), written)


def test_a_run_with_workers_that_die_publishes_what_one_process_does(
    shared_out: SharedOut, by_one_process: tuple[Settings, Outcome]
) -> None:
    local, expected = by_one_process
    assert shared_out.run.exit_code == expected.exit_code, shared_out.run.err
    assert figures(shared_out.run) == figures(expected)
    assert differences(local.build_file, shared_out.settings.build_file) == {}
    assert differences(local.published_file, shared_out.settings.published_file, PUBLISHED) == {}
    assert nothing_is_left(shared_out.settings)


@pytest.mark.long
def test_a_run_of_dagster_reads_and_builds_by_the_engine_of_its_run_config(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("omnisend", "open_delivery", "optimizely", "voucherify"):
        shutil.rmtree(settings.landing / other)
    monkeypatch.setenv("C360_DATA", str(settings.data))
    nightly = definitions.definitions.load_fn().resolve_job_def("nightly")
    chosen = {"engine": "processes", "workers": 2, "shards": 3}
    with dg.instance_for_test() as instance:
        run = nightly.execute_in_process(instance=instance, run_config={"resources": {"settings": {"config": chosen}}})
        logged = [(entry.step_key, entry.user_message) for entry in instance.all_logs(run.run_id)]
    assert run.success
    assert [step for step, text in logged if text.endswith("files (processes, 2 workers)")] == ["load_ometria"]
    assert [step for step, text in logged if text.endswith("building 3 shards (processes)")] == ["dbt_models"]
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        assert con.execute("select count(*) > 0 from marts.dim_customers").fetchone() == (True,)


def test_nothing_of_a_person_is_in_what_an_engine_writes(shared_out: SharedOut) -> None:
    written = [
        path.read_text(encoding="utf-8", errors="replace") for path in shared_out.written.rglob("*") if path.is_file()
    ]
    assert bool(written) == (shared_out.engine == "spark")
    text = "".join([shared_out.run.out, shared_out.run.err, *written]).lower()
    with duckdb.connect(str(shared_out.settings.published_file), read_only=True) as con:
        reported = con.execute(
            "select email, phone, full_name from marts.dim_customers union all "
            "select identifier_value, null, null from marts.bridge_customer_identifiers where length(identifier_value) > 7"
        ).fetchall()
    personal = {str(value).lower() for row in reported for value in row if value}
    assert len(personal) > 30
    assert [value for value in personal if value in text] == []


def test_the_marts_as_parquet_are_those_of_the_published_file(shared_out: SharedOut) -> None:
    with duckdb.connect(str(shared_out.settings.published_file), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = parquet_tables(shared_out.settings)
        assert len(tables) > 30
        for table, (folder, rows) in tables.items():
            columns = ", ".join(name for (name, *_) in con.execute(f"describe marts.{table}").fetchall())
            read = f"select {columns} from read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
            for one, other in ((read, f"from marts.{table}"), (f"from marts.{table}", read)):
                assert con.execute(f"select count(*) from ({one} except all {other})").fetchone() == (0,), table
            assert con.execute(f"select count(*) from marts.{table}").fetchone() == (rows,)


@pytest.mark.spark
def test_spark_reads_the_marts_and_finds_what_the_published_file_says(by_one_process: tuple[Settings, Outcome]) -> None:
    settings, _ = by_one_process
    asked = subprocess.run(
        [sys.executable, "-m", "tests.support.ask_spark", *(folder for folder, _ in parquet_tables(settings).values())],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    reported = json.loads(asked.stdout.splitlines()[-1])
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        for table, (rows, columns, sums) in reported.items():
            described = con.execute(f"describe marts.{table}").fetchall()
            assert rows == con.execute(f"select count(*) from marts.{table}").fetchone()[0], table
            names = [name for name, *_ in described]
            assert columns == (names if columns[-1] != "month" else [*names, "month"]), table
            amounts = [name for name, kind, *_ in described if kind.startswith("DECIMAL")]
            for name in amounts:
                [(total,)] = con.execute(f"select coalesce(sum({name}), 0) from marts.{table}").fetchall()
                assert Decimal(sums[name]) == total, f"{table}.{name}"


def parquet_tables(settings: Settings) -> dict[str, tuple[str, int]]:
    """Folder and rows of every table that the manifest names."""
    manifest = json.loads((settings.parquet_marts / "manifest.json").read_bytes())
    folder = settings.parquet_marts / manifest["run_id"]
    return {table: (str(folder / table), reported["rows"]) for table, reported in manifest["tables"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("point", ["inside_transaction", "before_shards", "after_shards", "inside_dbt"])
def test_a_run_that_is_killed_is_made_good_by_the_next(
    settings: Settings, by_one_process: tuple[Settings, Outcome], point: str
) -> None:
    shared_out = ("run", "--engine", "processes", "--workers", "2", "--shards", "2")
    assert c360(settings, *shared_out, C360_KILL_AT=point).exit_code == -signal.SIGKILL
    assert c360(settings, *shared_out).exit_code in (0, 3)
    assert differences(by_one_process[0].build_file, settings.build_file) == {}
    assert nothing_is_left(settings)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_export_dates_again_by_each_engine_are_those_of_one_process(
    settings: Settings, dates_again: Settings, engine: EngineName
) -> None:
    shared_out = ("--engine", engine, "--workers", "2", "--shards", "2")
    c360(settings, "run", *shared_out)
    run_again(settings, *shared_out)
    assert differences(dates_again.build_file, settings.build_file) == {}
    assert differences(dates_again.published_file, settings.published_file, PUBLISHED) == {}


@pytest.mark.slow
def test_shards_in_line_are_a_run_like_any_other(settings: Settings, by_one_process: tuple[Settings, Outcome]) -> None:
    assert c360(settings, "run", "--shards", "2").exit_code == by_one_process[1].exit_code
    assert differences(by_one_process[0].build_file, settings.build_file) == {}


@pytest.mark.long
def test_an_engine_that_cannot_be_had_stops_the_run_before_anything_is_done(settings: Settings, tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "JAVA_HOME": ""}
    run = c360(settings, "run", "--engine", "spark", **environment)
    assert run.exit_code == 2
    assert "The engine `spark` needs" in run.err
    assert not settings.build_file.exists()


@pytest.mark.long
@pytest.mark.parametrize("arguments", [("--engine", "abacus"), ("--workers", "0"), ("--shards", "many")])
def test_what_is_no_engine_and_no_number_is_wrong_use(settings: Settings, arguments: tuple[str, str]) -> None:
    assert c360(settings, "run", *arguments).exit_code == 2
