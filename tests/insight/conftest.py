"""The shipped samples, published once: what dashboard, report and shell look at."""

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.support.installation import Installation, Outcome


@pytest.fixture(scope="session")
def demo(samples_run: tuple[Installation, Outcome]) -> Settings:
    return Settings(data=samples_run[0].data, options=Options(free_disk_bytes=0))


@pytest.fixture
def con(demo: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo.published_file), read_only=True, config=demo.duckdb_config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
