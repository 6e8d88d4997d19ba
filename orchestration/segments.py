"""Checks computed segments before a run, so that a mistake in a predicate names its line and stops nothing half-way.

A predicate is one condition over the columns that `customer_insights` and `dim_customers` declare: no subqueries, and
nothing that depends on when it is asked. Who is a member is decided by the model `int_computed_segment_members`.
"""

import difflib
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import yaml

from orchestration import seeds
from orchestration.seeds import Seed
from orchestration.settings import Settings

SEED = "computed_segments"
POPULATION = ("dim_customers", "customer_insights")
# DuckDB calls it consistent, but with one argument it counts from today.
UNSTEADY = "select distinct function_name from duckdb_functions() where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY') union select 'age'"


def check_files(settings: Settings) -> None:
    """Refuses segments that could not be computed, or that would not be the same when computed again."""
    for seed in seeds.find(settings):
        if seed.name == SEED:
            _check(seed, settings)


def _check(seed: Seed, settings: Settings) -> None:
    rows = list(seeds.rows(seed))
    if not rows:
        return
    columns = dict(_columns(settings))
    with duckdb.connect() as scratch:
        scratch.execute(f"create table population ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        scratch.execute("insert into population (customer_id) values ('somebody')")
        unsteady = {name for (name,) in scratch.execute(UNSTEADY).fetchall()}
        seen: set[str] = set()
        for line, row in rows:
            segment_id = row["segment_id"]
            for name in ("segment_id", "name", "predicate"):
                if not row[name]:
                    raise seeds.problem(seed, line, f"`{name}` is empty")
            if segment_id in seen:
                raise seeds.problem(seed, line, f"the segment `{segment_id}` is listed twice")
            seen.add(segment_id)
            if problem := _problem(scratch, row["predicate"], columns, unsteady):
                raise seeds.problem(seed, line, f"the predicate of `{segment_id}` {problem}")


def _problem(con: duckdb.DuckDBPyConnection, predicate: str, columns: dict[str, str], unsteady: set[str]) -> str | None:
    parsed = json.loads(_text(con, "select json_serialize_sql($1)", f"select customer_id from population where ({predicate}\n)"))
    if parsed["error"]:
        return f"is no condition in SQL: {parsed['error_message']}"
    if len(parsed["statements"]) != 1:
        return "must be one condition"
    for node in _nodes(parsed["statements"][0]["node"]["where_clause"]):
        if node["class"] == "SUBQUERY":
            return "must be one condition without subqueries"
        if node["class"] == "FUNCTION" and node["function_name"] in unsteady:
            return f"calls `{node['function_name']}`, which depends on when it is asked; compare with `as_of_date`"
        if node["class"] == "COLUMN_REF" and (name := node["column_names"][-1].lower()) not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            return f"asks for `{name}`, which is no column of {' or '.join(POPULATION)}" + (f" (did you mean `{near[0]}`?)" if near else "")
    try:
        con.execute(f"select customer_id from population where ({predicate}\n)").fetchall()
        kind = con.execute(f"describe select ({predicate}\n) from population").fetchall()[0][1]
    except duckdb.Error as error:
        return f"cannot be computed: {str(error).splitlines()[0]}"
    return None if kind == "BOOLEAN" else f"is no condition: it says {kind}, neither true nor false"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _text(con: duckdb.DuckDBPyConnection, sql: str, value: str) -> str:
    row = con.execute(sql, [value]).fetchone()
    assert row is not None
    return row[0]


def _columns(settings: Settings) -> Iterator[tuple[str, str]]:
    for model in POPULATION:
        declared = yaml.safe_load((settings.dbt_project / "models" / "marts" / f"{model}.yml").read_text(encoding="utf-8"))
        for column in declared["models"][0]["columns"]:
            yield column["name"], column["data_type"]
