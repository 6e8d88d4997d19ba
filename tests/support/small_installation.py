"""An installation with a small dbt project, published once, of which each test gets its own copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config import settings as configuration
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.support.deliveries import checksum, land_a_third_delivery, land_two_deliveries
from tests.support.paths import PROJECT

OPTIONS = Options(free_disk_bytes=0, lock_wait_seconds=5)
COMMAND = "import sys; from pathlib import Path; from orchestration.cli import main; from orchestration.config import settings; settings.CHECKOUT = Path(sys.argv[1]); sys.exit(main.main(sys.argv[2:]))"


def lay_out(checkout: Path) -> Path:
    """A checkout whose dbt project is the small one, with the real profile, materialisations and checks."""
    shutil.copytree(PROJECT / "tests" / "support" / "small_project", checkout / "dbt_project")
    for path in (
        "profiles.yml",
        "macros/generate_schema_name.sql",
        "macros/replace.sql",
        "tests/generic/checks.sql",
        "seeds/date_placeholders.csv",
    ):
        (checkout / "dbt_project" / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(PROJECT / "dbt_project" / path, checkout / "dbt_project" / path)
    return checkout


@pytest.fixture(scope="session")
def shared_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, shared_checkout: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "CHECKOUT", shared_checkout)
        settings = Settings(data=tmp_path_factory.mktemp("built") / "data", options=OPTIONS)
        land_two_deliveries(settings)
        assert pipeline.run(settings).published
    return settings.data


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, shared_checkout: Path) -> dict[str, tuple[int, int]]:
    """All marts of three deliveries that nothing disturbed."""
    settings = Settings(data=tmp_path_factory.mktemp("undisturbed") / "data", options=OPTIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configuration, "CHECKOUT", shared_checkout)
        land_two_deliveries(settings)
        land_a_third_delivery(settings)
        pipeline.run(settings)
    return checksum(settings.published_file)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout of this test, which it may spoil."""
    own = lay_out(tmp_path / "checkout")
    monkeypatch.setattr(configuration, "CHECKOUT", own)
    return own


@pytest.fixture
def published(built: Path, tmp_path: Path, checkout: Path) -> Settings:
    """Two deliveries, loaded and published."""
    copied = tmp_path / "data"
    shutil.copytree(built, copied)
    newest = sorted((copied / "published").iterdir())[-1] / "warehouse.duckdb"
    (copied / "warehouse.duckdb").unlink()
    (copied / "warehouse.duckdb").hardlink_to(newest)
    (copied / "config").mkdir()
    (copied / "config" / "settings.toml").write_text("free_disk_bytes = 0\nlock_wait_seconds = 5\n", encoding="utf-8")
    return Settings(data=copied, options=OPTIONS)


def c360(settings: Settings, checkout: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(checkout), *arguments],
        cwd=PROJECT,
        env={**os.environ, "C360_DATA": str(settings.data), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
