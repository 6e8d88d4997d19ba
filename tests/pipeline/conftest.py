"""One published installation, built once, of which each test gets its own copy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.settings import Options, Settings
from tests.pipeline.deliveries import land_two_nights

OPTIONS = Options(free_disk_bytes=0, lock_wait_seconds=5)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Settings(data=tmp_path_factory.mktemp("built") / "data", options=OPTIONS)
    land_two_nights(settings)
    assert pipeline.run(settings).published
    return settings.data


@pytest.fixture
def published(built: Path, tmp_path: Path) -> Settings:
    """Two nights, loaded and published."""
    copied = tmp_path / "data"
    shutil.copytree(built, copied)
    _restore_links(copied)
    (copied / "config").mkdir(exist_ok=True)
    (copied / "config" / "settings.toml").write_text("free_disk_bytes = 0\nlock_wait_seconds = 5\n", encoding="utf-8")
    return Settings(data=copied, options=OPTIONS)


@pytest.fixture
def told() -> tuple[list[str], Callable[[str], None]]:
    """Progress, kept."""
    lines: list[str] = []
    return lines, lines.append


def _restore_links(data: Path) -> None:
    """A copied tree has copies where the original has links."""
    newest = sorted((data / "published").iterdir())[-1] / "warehouse.duckdb"
    (data / "warehouse.duckdb").unlink()
    (data / "warehouse.duckdb").hardlink_to(newest)
