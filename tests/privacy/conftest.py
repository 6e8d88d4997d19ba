"""The sample shop with the canary in it, published once; each test gets its own copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
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
    return copied(built, tmp_path)


def copied(data: Path, folder: Path) -> Settings:
    """An installation of its own with the same files, of which the newest publication is the one that is seen."""
    own = folder / "own"
    shutil.copytree(data, own)
    newest = sorted((own / "published").iterdir())[-1] / "warehouse.duckdb"
    (own / "warehouse.duckdb").unlink()
    (own / "warehouse.duckdb").hardlink_to(newest)
    return of(own)


def of(data: Path) -> Settings:
    return Settings(
        data=data, options=Options(free_disk_bytes=0, publish_parquet=True), secret=b"a secret of this test"
    )


def environment(settings: Settings, **more: str) -> dict[str, str]:
    return {**os.environ, "C360_DATA": str(settings.data), **more}


def c360(settings: Settings, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=PROJECT, env=environment(settings, **more), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
