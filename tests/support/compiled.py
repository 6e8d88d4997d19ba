"""The models as dbt renders them, run without dbt on other warehouses that are loaded: for laws that ask for a hundred builds.

Every run, and other tests, go through dbt itself. Tables get the types of the queries here, not those of the contracts:
what was made here is compared with what was made here.
"""

import asyncio
import re
from collections.abc import Collection, Iterator, Set
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.transformation.dbt_process import target
from orchestration.transformation.dbt_project import rendered

RELATION = re.compile(r'"warehouse\\?"\.\\?"(\w+)\\?"\.\\?"(\w+)')

Model = tuple[str, str]


class Compiled:
    """Models and what they are made of, in queries as they run on a build file; a step with a file of its own stands in
    the queries of those that refer to it."""

    def __init__(self, settings: Settings, *wanted: str) -> None:
        """Takes all models if none is `wanted`; those in Python as dbt left them in this data folder when it made
        them."""
        project = rendered(settings)
        self._checks = {node.name: node.compiled_code for node in project.chosen("test", ())}
        self._code, self._in_python = {}, set()
        for node in project.chosen("model", ()):
            if node.language == "python":
                for path in (target(settings) / "compiled").rglob(f"{node.name}.py"):
                    self._code[node.schema, node.name] = path.read_text(encoding="utf-8")
                    self._in_python.add((node.schema, node.name))
            else:
                self._code[node.schema, node.name] = node.compiled_code
        needs = {model: ({*RELATION.findall(code)} & self._code.keys()) - {model} for model, code in self._code.items()}
        reached = {
            model for name in wanted for model in _reached(needs, next(model for model in needs if model[1] == name))
        }
        self.order = [model for model in TopologicalSorter(needs).static_order() if not wanted or model in reached]

    @property
    def queries(self) -> dict[str, str]:
        """The code of every model by its name."""
        return {name: code for (_, name), code in self._code.items()}

    def checks(self, known: Set[str] | None = None) -> dict[str, str]:
        """The queries of the project's tests by their names, which find what is wrong; of `known` tables only, if
        given."""
        return {
            name: code
            for name, code in self._checks.items()
            if known is None or {table for _, table in RELATION.findall(code)} <= known
        }

    def make(self, con: duckdb.DuckDBPyConnection, only: Collection[str] = ()) -> None:
        """Makes every model, or those of these names, anew in the warehouse of the connection, from the staging, audit
        tables and seeds that it holds."""
        for model in self.order:
            schema, name = model
            if only and name not in only:
                continue
            con.execute(f"create schema if not exists {schema}")
            if model in self._in_python:
                made = self._python(model, con)  # noqa: F841 (DuckDB finds it by its name)
                con.execute(f"create or replace table {schema}.{name} as select * from made")
            else:
                con.execute(f"create or replace table {schema}.{name} as {self._code[model]}")

    def _python(self, model: Model, con: duckdb.DuckDBPyConnection) -> Any:
        module: dict[str, Any] = {"__name__": model[1]}
        exec(self._code[model], module)
        with _event_loop():
            return module["model"](module["dbtObj"](lambda relation: con.sql(f"from {relation}")), con)


def _reached(needs: dict[Model, set[Model]], model: Model) -> Iterator[Model]:
    yield model
    for one in needs[model]:
        yield from _reached(needs, one)


@contextmanager
def _event_loop() -> Iterator[None]:
    """The loop that dbt opens for every Python model, and that the model may have closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)
