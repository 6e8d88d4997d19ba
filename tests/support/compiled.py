"""The models as dbt compiled them once, run without dbt on other warehouses that are loaded: for laws that ask for a hundred builds.

Every run, and other tests, go through dbt itself. Tables get the types of the queries here, not those of the contracts:
what was made here is compared with what was made here.
"""

import asyncio
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

RELATION = re.compile(r'"warehouse\\?"\.\\?"(\w+)\\?"\.\\?"(\w+)')

Model = tuple[str, str]


class Compiled:
    """Models and what they are made of, from a target folder of dbt."""

    def __init__(self, target: Path, *wanted: str) -> None:
        """Takes all models if none is `wanted`."""
        folder = next(path / "models" for path in (target / "compiled").iterdir())
        files = [path for path in folder.rglob("*") if path.suffix in (".sql", ".py") and path.parent.suffix != ".yml"]
        # Folders are not schemas: whoever reads or checks a model names its schema. No model is in staging, which may
        # have a table of the same name.
        schemas = {
            name: schema
            for path in target.rglob("*.*")
            if path.is_file() and path.suffix in (".sql", ".py")
            for schema, name in _named(path)
            if schema != "staging"
        }
        # An ephemeral model stands in the queries of others, and nobody names it as a table.
        paths = {(schemas[path.stem], path.stem): path for path in files if path.stem in schemas}
        self._code = {model: path.read_text(encoding="utf-8") for model, path in paths.items()}
        self._in_python = {model for model, path in paths.items() if path.suffix == ".py"}
        needs = {model: ({*RELATION.findall(code)} & self._code.keys()) - {model} for model, code in self._code.items()}
        reached = {
            model for name in wanted for model in _reached(needs, next(model for model in needs if model[1] == name))
        }
        self.order = [model for model in TopologicalSorter(needs).static_order() if not wanted or model in reached]

    @property
    def queries(self) -> dict[str, str]:
        """The code of every model by its name."""
        return {name: code for (_, name), code in self._code.items()}

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


def _named(path: Path) -> list[Model]:
    return RELATION.findall(path.read_text(encoding="utf-8"))


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
