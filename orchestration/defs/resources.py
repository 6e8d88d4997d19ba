"""What assets are given by Dagster: the build file (dagster-duckdb's own resource, with its gaps closed), and the
settings with what a run says in their place."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field

from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.engines.engine import ENGINES

EngineName = Enum("EngineName", {name: name for name in ENGINES})


class WarehouseResource(DuckDBResource):
    """Waits for a locked file as `DuckDBResource` does, and closes the connection also when the body raises."""

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that ends with the body."""
        with super().get_connection() as con:
            try:
                con.execute("set TimeZone = 'UTC'")
                yield con
            finally:
                con.close()

    @classmethod
    def of(cls, settings: Settings) -> "WarehouseResource":
        """The resource for one installation, configured like every other connection to the file."""
        return cls(database=str(settings.build_file), connection_config=settings.duckdb_config)


class SettingsResource(dg.ConfigurableResource):
    """The installation as all assets of a run see it: what the run says here counts for it instead of what
    `settings.toml` says."""

    engine: EngineName | None = Field(None, description="What much work is done by: reading new files, a full build.")
    workers: int | None = Field(None, description="How many tasks it does at once; 0: as many as `threads`.")
    shards: int | None = Field(None, description="Into how many shards a full build is cut; 0: as many as it pays to.")

    def read(self) -> Settings:
        """The settings of this run."""
        return configuration.with_options(
            configuration.load(),
            engine=self.engine and self.engine.value,
            workers=self.workers,
            shards=self.shards,
        )
