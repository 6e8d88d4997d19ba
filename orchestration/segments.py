"""Checks computed segments before a run, so that a mistake in a predicate names its segment and stops nothing half-way.

A predicate is one condition over the columns that `customer_insights` and `dim_customers` declare, without subqueries.
Who is a member is not decided here but by the model `int_computed_segment_members`.
"""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import yaml

from orchestration.errors import OperatorError
from orchestration.settings import Settings

POPULATION = ("dim_customers", "customer_insights")


def check(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Raises for the first segment of `seeds.computed_segments` that could not be computed."""
    segments = con.execute("select segment_id, name, predicate from seeds.computed_segments order by segment_id").fetchall()
    if not segments:
        return
    with duckdb.connect() as scratch:
        scratch.execute(f"create table population ({', '.join(_columns(settings))})")
        seen: set[str] = set()
        for segment_id, name, predicate in segments:
            problem = "has no name" if not (segment_id and name) else "is listed twice" if segment_id in seen else _problem(scratch, predicate)
            if problem:
                raise OperatorError(f"Computed segment `{segment_id}` {problem}.", remedy="Mend it in computed_segments.csv and run again.", exit_code=2)
            seen.add(segment_id)


def _problem(con: duckdb.DuckDBPyConnection, predicate: str | None) -> str | None:
    if not predicate:
        return "has no predicate"
    parsed = json.loads(con.execute("select json_serialize_sql($1)", [f"select customer_id from population where ({predicate}\n)"]).fetchone()[0])  # type: ignore[index]
    if parsed["error"]:
        return f"is no condition in SQL: {parsed['error_message']}"
    if len(parsed["statements"]) != 1 or _uses(parsed["statements"][0]["node"]["where_clause"], "SUBQUERY"):
        return "must be one condition without subqueries"
    try:
        con.execute(f"select cast(({predicate}\n) as boolean) from population")
    except duckdb.Error as error:
        return f"cannot be computed: {str(error).splitlines()[0]}"
    return None


def _uses(node: Any, kind: str) -> bool:
    if isinstance(node, dict):
        return node.get("class") == kind or any(_uses(child, kind) for child in node.values())
    return isinstance(node, list) and any(_uses(child, kind) for child in node)


def _columns(settings: Settings) -> Iterator[str]:
    seen = set()
    for model in POPULATION:
        declared = yaml.safe_load((settings.dbt_project / "models" / "marts" / f"{model}.yml").read_text(encoding="utf-8"))
        for column in declared["models"][0]["columns"]:
            if column["name"] not in seen:
                seen.add(column["name"])
                yield f'"{column["name"]}" {column["data_type"]}'
