"""What every test stands on: installations of their own, never the one on this machine."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from orchestration.config.options import Options
from orchestration.config.settings import Settings

# An installation with a small dbt project, for whoever asks for one.
pytest_plugins = ["tests.support.small_installation"]

# In CI the same examples every time, so that a red build means that something changed. A slow machine is no failure.
examples.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("ci", examples.get_profile("here"), derandomize=True)
examples.load_profile("ci" if os.environ.get("CI") else "here")

# No project that was rendered for another data folder: tests look at the queries that rendering leaves behind.
os.environ["XDG_CACHE_HOME"] = os.devnull


@pytest.fixture(autouse=True)
def no_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("C360_SECRET", "C360_KILL_AT", "C360_DEBUG", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C360_DATA", str(tmp_path / "data"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    return Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0, lock_wait_seconds=5))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No workers for one file or one test: they would take longer to start than most of them to run."""
    if len(config.args) != 1 or not config.args[0].partition("::")[0].endswith(".py"):
        return None
    config.option.dist = "no"
    return 0
