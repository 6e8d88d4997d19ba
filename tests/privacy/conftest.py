"""The sample shop with the canary in it, published once; each test gets its own copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config.settings import Options, Settings
from tests.support import canary
from tests.support.paths import PROJECT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample shop with the person in it, published twice."""
    data = tmp_path_factory.mktemp("canary") / "data"
    settings = of(data)
    settings.config.mkdir(parents=True)
    (settings.config / "secret").write_text("a secret of this test", encoding="utf-8")
    (settings.config / "settings.toml").write_text("free_disk_bytes = 0\npublish_parquet = true\n", encoding="utf-8")
    canary.land_samples(settings)
    canary.land(settings)
    assert pipeline.run(settings).published
    return data


@pytest.fixture
def settings(built: Path, tmp_path: Path) -> Settings:
    shutil.copytree(built, tmp_path / "own")
    newest = sorted((tmp_path / "own" / "published").iterdir())[-1] / "warehouse.duckdb"
    (tmp_path / "own" / "warehouse.duckdb").unlink()
    (tmp_path / "own" / "warehouse.duckdb").hardlink_to(newest)
    return of(tmp_path / "own")


def of(data: Path) -> Settings:
    return Settings(
        data=data, options=Options(free_disk_bytes=0, publish_parquet=True), secret=b"a secret of this test"
    )


def c360(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=PROJECT, env={**os.environ, "C360_DATA": str(settings.data), **environment}, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
