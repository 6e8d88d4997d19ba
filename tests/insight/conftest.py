"""The shipped samples, published once: what dashboard, report and shell look at."""

from collections.abc import Iterator

import duckdb
import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings, project_folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("looked_at") / "data", options=Options(free_disk_bytes=0))
    settings.data.mkdir()
    settings.landing.symlink_to(project_folder() / "data" / "samples")
    assert pipeline.run(settings).published
    return settings


@pytest.fixture
def con(demo: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo.published_file), read_only=True, config=demo.duckdb_config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
