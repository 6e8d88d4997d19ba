"""Killed at every named point, the next run gives the warehouse of an undisturbed one, and nothing stays behind."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration import locking, pipeline
from orchestration.settings import Settings
from tests.pipeline.conftest import OPTIONS
from tests.pipeline.deliveries import NIGHTS, books_balance, checksum, land, land_two_nights, order

pytestmark = [pytest.mark.slow, pytest.mark.faults]

PROJECT = Path(__file__).parents[2]
POINTS = ("after_reading", "inside_transaction", "after_staging", "before_dbt", "inside_dbt", "after_dbt", "before_swap", "after_swap")
RANDOM_KILLS = int(os.environ.get("C360_RANDOM_KILLS", "3"))


def land_a_third_night(settings: Settings) -> None:
    land(settings, NIGHTS[1], "b.ndjson", order(3, "anna", total=35, time="2026-06-02T09:00:00Z"))
    land(settings, "2026-06-03", "c.ndjson", order(4, "cleo"), "no json")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    settings = Settings(data=tmp_path_factory.mktemp("undisturbed") / "data", options=OPTIONS)
    land_two_nights(settings)
    pipeline.run(settings)
    land_a_third_night(settings)
    pipeline.run(settings)
    return checksum(settings.published_file)


def start(settings: Settings, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "run"],
        cwd=PROJECT,
        env={**os.environ, "C360_DATA": str(settings.data), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_group_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def converges(settings: Settings, undisturbed: dict[str, tuple[int, int]]) -> None:
    assert locking.holder(settings) is None
    pipeline.run(settings)
    assert checksum(settings.published_file) == undisturbed
    assert books_balance(settings.published_file)


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_named_point_is_made_good_by_the_next(published: Settings, undisturbed: dict[str, tuple[int, int]], point: str) -> None:
    before = checksum(published.published_file)
    land_a_third_night(published)
    process = start(published, C360_KILL_AT=point)
    assert process.wait(timeout=120) == -signal.SIGKILL
    assert is_group_gone(process.pid)
    assert checksum(published.published_file) == (undisturbed if point == "after_swap" else before)
    converges(published, undisturbed)


@pytest.mark.parametrize("seed", range(RANDOM_KILLS))
def test_a_run_killed_at_any_moment_is_made_good_by_the_next(published: Settings, undisturbed: dict[str, tuple[int, int]], seed: int) -> None:
    before = checksum(published.published_file)
    land_a_third_night(published)
    process = start(published)
    time.sleep(random.Random(seed).uniform(0.3, 12))
    process.kill()
    process.wait()
    assert is_group_gone(process.pid)
    assert checksum(published.published_file) in (before, undisturbed)
    converges(published, undisturbed)
