"""The whole project in memory: every model and every check that stops a publication, on rows of a test's own, without
dbt."""

import random
from typing import Any

import duckdb

from orchestration.canonical.tables import TABLES
from tests.support.compiled import Compiled
from tests.support.warehouse_builder import WarehouseBuilder, insert

KEPT = ("seeds", "internal")


class Project:
    """All models as dbt renders them for a warehouse that was built once."""

    def __init__(self, warehouse: WarehouseBuilder) -> None:
        self._models = Compiled(warehouse.settings)
        self.checks = self._models.checks()
        self.con = duckdb.connect()
        self.con.execute(
            f"set TimeZone = 'UTC'; attach '{warehouse.settings.build_file}' as built (read_only); attach ':memory:' as warehouse; use warehouse"
        )
        for schema, table in self.con.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
        ).fetchall():
            self.con.execute(
                f"create schema if not exists {schema}; create table {schema}.{table} as from built.{schema}.{table} where {schema in KEPT}"
            )
        self.con.execute("detach built")

    def make(self, reported: WarehouseBuilder, *, seed: int = 0) -> None:
        """Makes all models from what is reported, its rows in an order of the seed's."""
        chance = random.Random(seed)
        for table in TABLES:
            self.con.execute(f"delete from staging.{table}")
            insert(self.con, f"staging.{table}", chance.sample(reported.rows[table], len(reported.rows[table])))
        self.con.execute("delete from meta.deliveries")
        insert(self.con, "meta.deliveries", reported.deliveries())
        self._models.make(self.con)

    def broken(self) -> dict[str, Any]:
        """Checks that would stop the publication, with the first row that each found."""
        assert len(self.checks) > 80
        found = {name: self.con.execute(sql).fetchone() for name, sql in self.checks.items()}
        return {name: row for name, row in found.items() if row}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.con.execute(query).fetchall()
