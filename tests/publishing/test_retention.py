"""What is thrown away, and what is not."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.publishing import retention
from orchestration.runtime import file_lock
from tests.support.deliveries import checksum


def file(path: Path, *, days_old: float = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x", encoding="utf-8")
    moment = time.time() - days_old * retention.DAY
    os.utime(path, (moment, moment))
    return path


def test_what_killed_runs_left_is_removed_and_kept_publications_are_not(settings: Settings) -> None:
    left = [
        file(settings.internal / "spool" / "7" / "orders.0.parquet"),
        file(settings.spill / "duckdb_temp_storage.tmp"),
        file(settings.anew_file),
        file(settings.shards_folder / "run" / "shard_00000.half" / "warehouse.duckdb"),
        file(settings.data / ".warehouse.duckdb.4711"),
    ]
    kept = [
        file(settings.publications / "whole" / "warehouse.duckdb"),
        file(settings.publications / "whole" / "publication.json"),
        file(settings.lock_file),
    ]
    retention.sweep(settings)
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_what_a_killed_plan_left_is_removed_and_one_at_work_is_not_disturbed(settings: Settings) -> None:
    left = file(settings.trial_folder / "build" / "warehouse.duckdb")
    with settings.trial_lock.open("a") as lock:
        assert file_lock.try_lock(lock)
        retention.sweep(settings)
        assert left.exists()
    retention.sweep(settings)
    assert not settings.trial_folder.exists()


def test_logs_and_reported_alerts_are_pruned_by_the_setting(settings: Settings) -> None:
    folders = (
        settings.sent_alerts,
        settings.internal / "dbt" / "logs",
        settings.dagster_home / "storage" / "run" / "compute_logs",
    )
    old = [file(folder / "old", days_old=31) for folder in folders]
    young = [file(folder.parent / "young" / "log", days_old=29) for folder in folders[1:]] + [
        file(settings.sent_alerts / "young", days_old=29)
    ]
    assert retention.prune_logs(settings) == 3
    assert [path for path in old if path.exists()] == []
    assert [path for path in young if not path.exists()] == []
    assert not folders[2].exists()
    frugal = replace(settings, options=Options(keep_log_days=7))
    retention.prune_logs(frugal)
    assert not (settings.sent_alerts / "young").exists()


def test_dagster_s_own_records_are_no_logs(settings: Settings) -> None:
    history = file(settings.dagster_home / "history" / "runs.db", days_old=500)
    retention.prune_logs(settings)
    assert history.exists()


@pytest.mark.slow
def test_a_run_begins_by_clearing_up_after_those_that_were_killed(published: Settings) -> None:
    before = checksum(published.published_file)
    spool = file(published.internal / "spool" / "9" / "orders.0.parquet")
    half = file(published.publications / "99999999T000000Z-half" / "warehouse.duckdb")
    pipeline.run(published)
    assert not spool.exists()
    assert not half.exists()
    assert checksum(published.published_file) == before
