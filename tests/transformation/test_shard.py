"""What one worker makes of its shard: once, whole, and without a word about the rows it is made of."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.engines.engine import Engine
from orchestration.transformation import shard, sharded
from orchestration.transformation.shard import Outcome, Recipe
from orchestration.warehouse.change_keys import RECORD
from tests.support.warehouse_builder import WarehouseBuilder

MAIL = "ana@shard.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two profiles, one a shard, and a consent that is nobody's."""
    reported = WarehouseBuilder(tmp_path / "data", as_of=date(2024, 3, 1))
    reported.profile("ometria", "ana", email=MAIL)
    reported.profile("ometria", "ben", email="ben@shard.example")
    reported.add("customer_consents", source="ometria")
    reported.write()
    with reported.connect() as con:
        con.execute("create schema if not exists internal")
        con.execute(
            "create table internal.int_records as select row_number() over () as record_no, source, source_account,"
            " source_record_id from staging.customers"
        )
        con.execute(
            f"create table internal.shard_of as select {RECORD} as change_key, cast(source_record_id = 'ben' as integer) as"
            " shard from staging.customers"
        )
    return reported.settings


def make(settings: Settings, *queries: tuple[str, str, str], shards: int = 2) -> list[Outcome]:
    folder = settings.shards_folder / "run"
    if not folder.exists():
        shard.prepare(
            folder,
            Recipe({"internal.int_records": "record_no in (select record_no from affected_records)"}, list(queries)),
            settings.build_file,
        )
    return Engine().map(shard.make, shard.tasks(settings, folder, shards, Engine()))


def rows(settings: Settings, number: int, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(shard.files(settings.shards_folder / "run", 2)[number]), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_shard_is_made_of_its_own_rows_and_the_first_of_what_is_linked_to_nothing(settings: Settings) -> None:
    queries = (
        ("marts", "people", "from staging.customers"),
        ("marts", "counts", "select count(*) as identifiers from staging.customer_identifiers"),
        ("marts", "consents", "select count(*) as consents from staging.customer_consents"),
        ("marts", "rules", "select count(*) > 0 as has_rules from seeds.identity_rules"),
    )
    assert [outcome.failed for outcome in make(settings, *queries)] == ["", ""]
    for number, name in enumerate(("ana", "ben")):
        for table in ("internal.int_records", "marts.people"):
            assert rows(settings, number, f"select source_record_id from {table}") == [(name,)]
        assert rows(settings, number, "from marts.counts") == [(2,)]
        assert rows(settings, number, "from marts.rules") == [(True,)]
    assert [rows(settings, number, "from marts.consents") for number in (0, 1)] == [[(1,)], [(0,)]]


def test_a_shard_stands_alone_and_a_worker_that_is_late_holds_no_file_of_the_run(settings: Settings) -> None:
    """What it was made of may be gone, and the build file be written, while a worker still has its copy open."""
    make(settings)
    whole = settings.shards_folder / "run" / shard.WHOLE
    with duckdb.connect(str(whole), read_only=True), duckdb.connect(str(settings.build_file)) as con:
        con.execute("drop table internal.shard_of")
    whole.unlink()
    views = "select count(*) from duckdb_views() where not internal"
    assert rows(settings, 0, views) == [(0,)]


def test_a_model_that_fails_is_named_without_what_it_failed_over(settings: Settings) -> None:
    first, second = make(
        settings, ("marts", "ages", "select cast(id_value as integer) as age from staging.customer_identifiers")
    )
    assert (first.failed, second.failed) == ("marts.ages", "marts.ages")
    assert first.reason == "Conversion Error"
    assert MAIL not in f"{first}{second}"
    assert sorted(path.name for path in (settings.shards_folder / "run").iterdir()) == ["recipe.json", "whole.duckdb"]


def test_a_shard_that_is_there_is_not_made_again_and_one_half_made_is_in_nobodys_way(settings: Settings) -> None:
    folder = settings.shards_folder / "run"
    make(settings)
    made = [path.stat().st_mtime_ns for path in shard.files(folder, 2)]
    (folder / "shard_00001.half").mkdir()
    assert [outcome.failed for outcome in make(settings)] == ["", ""]
    assert [path.stat().st_mtime_ns for path in shard.files(folder, 2)] == made


def test_workers_of_one_machine_share_its_cores_and_memory_and_those_of_a_cluster_do_not(settings: Settings) -> None:
    def reported(engine: Engine) -> tuple[int, int]:
        task = shard.tasks(settings, Path("shards"), 8, engine)[0]
        return task.threads, int(task.memory_limit.removesuffix("MB"))

    whole = (settings.threads, settings.memory_bytes // 1_000_000)
    assert reported(Engine()) == whole
    assert reported(Engine("spark", workers=4, master="spark://cluster:7077")) == whole
    assert reported(Engine("processes", workers=4)) == (max(1, whole[0] // 4), settings.memory_bytes // 4 // 1_000_000)


@pytest.mark.parametrize(
    ("options", "shards"),
    [
        (Options(), 1),
        (Options(engine="processes", workers=4), 1),
        (Options(engine="processes", workers=4, spark_master="spark://cluster:7077"), 1),
        (Options(engine="spark", workers=4), 1),
        (Options(engine="spark", workers=4, spark_master="local[4]"), 1),
        (Options(engine="spark", workers=4, spark_master="spark://cluster:7077"), 4),
        (Options(engine="processes", workers=4, shards=3), 3),
        (Options(shards=2), 2),
    ],
)
def test_a_build_is_cut_for_workers_of_other_machines_or_where_the_settings_say_so(
    options: Options, shards: int
) -> None:
    assert sharded.shards_of(Settings(data=Path("data"), options=options)) == shards
    assert sharded.is_wanted(Settings(data=Path("data"), options=options)) == (shards > 1)
