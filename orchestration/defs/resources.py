"""The build file as a Dagster resource: dagster-duckdb's own, with its gaps closed."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from dagster_duckdb import DuckDBResource

from orchestration.config.settings import Settings


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
