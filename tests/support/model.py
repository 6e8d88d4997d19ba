"""One model on rows of a test's own, in memory: for properties that would need a warehouse for every example."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import duckdb

from orchestration.transformation.dbt_project import queries, rendered
from tests.support.compiled import RELATION
from tests.support.warehouse_builder import WarehouseBuilder

Row = Mapping[str, Any]


class Model:
    """A model as dbt renders it for a warehouse that is built; its inputs keep their columns and lose their rows."""

    def __init__(self, warehouse: WarehouseBuilder, name: str) -> None:
        self.sql = queries([name], rendered(warehouse.settings))[name]
        self.inputs = {table: schema for schema, table in RELATION.findall(self.sql)}
        columns = {
            table: warehouse.query(
                "select column_name, data_type from duckdb_columns() where schema_name = $1 and table_name = $2",
                [schema, table],
            )
            for table, schema in self.inputs.items()
        }

        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse")
        for table, schema in self.inputs.items():
            self.con.execute(f"create schema if not exists warehouse.{schema}")
            self.con.execute(
                f"create table warehouse.{schema}.{table} ({', '.join(f'{column} {kind}' for column, kind in columns[table])})"
            )

    def rows(self, **tables: Sequence[Row]) -> list[dict[str, Any]]:
        """What the model makes of these rows of its inputs; columns that a row leaves out are null."""
        for table, schema in self.inputs.items():
            self.con.execute(f"delete from warehouse.{schema}.{table}")
            for columns, alike in groupby(tables.get(table, ()), key=tuple):
                for rows in batched(alike, 500):
                    marks = ", ".join(f"({', '.join('?' for _ in columns)})" for _ in rows)
                    values = [value for row in rows for value in row.values()]
                    self.con.execute(
                        f"insert into warehouse.{schema}.{table} ({', '.join(columns)}) values {marks}", values
                    )
        found = self.con.execute(self.sql)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def close(self) -> None:
        self.con.close()


def batched(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of this length; the last may be shorter."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch
