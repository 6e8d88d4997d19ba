"""Killed at every named point, the next run gives the warehouse of an undisturbed one, and nothing stays behind."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.config.settings import Settings
from orchestration.warehouse import writer_lock
from tests.support.deliveries import checksum, land_a_third_delivery, row_counts_balance
from tests.support.small_installation import OPTIONS, c360

pytestmark = [pytest.mark.long, pytest.mark.faults]

POINTS = (
    "after_reading",
    "inside_transaction",
    "after_staging",
    "before_dbt",
    "inside_dbt",
    "after_dbt",
    "before_copy",
    "before_note",
    "before_swap",
)
SWAPPED = ("after_swap", "before_prune", "before_run_book")
RANDOM_KILLS = int(os.environ.get("C360_RANDOM_KILLS", "3"))


def is_group_gone(group: int) -> bool:
    """No process of the run is left; Python's own resource tracker needs a moment to see that its parent is gone."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def converges(settings: Settings, undisturbed: dict[str, tuple[int, int]]) -> None:
    assert writer_lock.holder(settings) is None
    pipeline.run(settings)
    assert checksum(settings.published_file) == undisturbed
    assert row_counts_balance(settings.published_file)


@pytest.mark.parametrize("point", POINTS + SWAPPED)
def test_a_run_killed_at_a_named_point_is_made_good_by_the_next(
    published: Settings, checkout: Path, undisturbed: dict[str, tuple[int, int]], point: str
) -> None:
    before = checksum(published.published_file)
    land_a_third_delivery(published)
    process = c360(published, checkout, "run", C360_KILL_AT=point)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert is_group_gone(process.pid)
    assert checksum(published.published_file) == (undisturbed if point in SWAPPED else before)
    converges(published, undisturbed)
    with duckdb.connect(str(published.build_file), read_only=True) as con:
        assert con.execute("select count(*) filter (where published) from meta.runs").fetchone() == (2,)


@pytest.fixture(scope="module")
def usual_seconds(built: Path, shared_checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """What an undisturbed run of the third delivery takes on this machine just now, so that kills hit every part of
    it."""
    settings = Settings(data=tmp_path_factory.mktemp("usual") / "data", options=OPTIONS)
    shutil.copytree(built, settings.data)
    land_a_third_delivery(settings)
    started = time.monotonic()
    process = c360(settings, shared_checkout, "run")
    process.communicate()
    assert process.returncode == 3
    return time.monotonic() - started


@pytest.mark.parametrize("seed", range(RANDOM_KILLS))
def test_a_run_killed_at_any_moment_is_made_good_by_the_next(
    published: Settings, checkout: Path, undisturbed: dict[str, tuple[int, int]], usual_seconds: float, seed: int
) -> None:
    before = checksum(published.published_file)
    land_a_third_delivery(published)
    process = c360(published, checkout, "run")
    time.sleep(random.Random(seed).uniform(0.1, 1.1) * usual_seconds)
    process.kill()
    process.communicate()
    assert is_group_gone(process.pid)
    assert checksum(published.published_file) in (before, undisturbed)
    converges(published, undisturbed)
