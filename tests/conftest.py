"""What every test stands on: installations of their own, never the one on this machine."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.support import made_once
from tests.support.installation import Installation, Outcome
from tests.support.paths import PROJECT, SAMPLES

# An installation with a small dbt project, for whoever asks for one.
pytest_plugins = ["tests.support.small_installation"]

# In CI the same examples every time, so that a red build means that something changed. A slow machine is no failure.
examples.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("ci", examples.get_profile("here"), derandomize=True)
examples.load_profile("ci" if os.environ.get("CI") else "here")

# The project is rendered once for all data folders of tests, and once for all runs between which no file has changed.
os.environ["XDG_CACHE_HOME"] = str(PROJECT / ".pytest_cache")


@pytest.fixture(autouse=True)
def no_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("C360_SECRET", "C360_KILL_AT", "C360_DEBUG", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C360_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"


@pytest.fixture(scope="session")
def samples_run(shared: Path) -> tuple[Installation, Outcome]:
    """The shipped samples, published, and what the run said; for all tests together, to be looked at only."""
    return made_once.installation(
        shared, "samples", lambda installation: (installation.data / "landing").symlink_to(SAMPLES)
    )


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
