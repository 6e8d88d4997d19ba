"""Checks computed segments before a run, so that a mistake in a predicate names its line and stops nothing half-way.

A predicate is one condition over the columns that `customer_insights` and `dim_customers` declare. It is judged as a
tree before anything of it is executed, by what it may hold, not by what it may not; then it is computed for one made-up
customer, without access to files, network, extensions or settings, and not for long. The model
`int_computed_segment_members` computes it in the same way (`members`): for whom it cannot be computed, because a value
of theirs does not fit, is no member, and the run says so (`failing`).
"""

import difflib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime import yaml_files
from orchestration.runtime.wording import counted
from orchestration.transformation import seeds
from orchestration.transformation.seeds import Seed
from orchestration.warehouse.duckdb_session import has_table

SEED = "computed_segments"
POPULATION = ("dim_customers", "customer_insights")
MADE = ("orders", "int_segment_population")
MOST_CHARACTERS = 10_000
MOST_LEVELS = 100
TOO_DEEP = f"is nested deeper than {MOST_LEVELS} levels"
SECONDS = 10
ALONE: dict[str, str | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "500MB",
    "threads": 1,
}
# DuckDB calls it consistent, but with one argument it counts from today.
UNSTEADY = (
    "select distinct function_name from duckdb_functions() where stability in ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"
    " union select 'age'"
)
KINDS = {
    "COMPARISON",
    "BETWEEN",
    "OPERATOR",
    "CONJUNCTION",
    "CASE",
    "CAST",
    "CONSTANT",
    "COLUMN_REF",
    "FUNCTION",
    "TYPE",
}
# The same for the same row, of a row only, and of a size that its arguments already have.
_FUNCTIONS = (
    # operators as DuckDB calls them, like and regular expressions
    "+ - * / // % ** ^ || ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape not_ilike_escape regexp_matches"
    " regexp_full_match "
    # numbers
    "abs ceil ceiling exp floor greatest least ln log log10 log2 mod pow power round sign sqrt trunc "
    # texts
    "ascii concat concat_ws contains ends_with instr left length len lower ltrim md5 nfc_normalize ord position prefix"
    " regexp_extract regexp_replace "
    "replace reverse right rtrim sha256 split_part starts_with strip_accents strlen strpos substr substring suffix"
    " translate trim upper lcase ucase "
    "levenshtein jaro_winkler_similarity damerau_levenshtein "
    # dates and times
    "date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth"
    " dayofweek dayofyear epoch epoch_ms "
    "hour isodow isoyear last_day make_date make_timestamp minute month monthname quarter second strftime timezone week"
    " weekday weekofyear year "
    "yearweek to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds"
    " to_quarters "
    # lists, and what may be missing
    "array_contains array_has array_has_all array_has_any array_length array_position coalesce if ifnull list_contains"
    " list_distinct list_extract "
    "list_has list_has_all list_has_any list_position list_sort list_unique list_value nullif row"
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
# Arguments, counted from 0, with values that DuckDB refuses for all rows at once, even within `try`: written out they
# can be judged beforehand.
WRITTEN_OUT = {
    **dict.fromkeys(
        ("like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"), (2, "select 'a' like 'a' escape $1")
    ),
    "timezone": (0, "select timezone($1, timestamp '2026-01-01')"),
    "array_length": (1, "select array_length(['a'], $1::bigint)"),
}


def check_files(settings: Settings) -> None:
    """Refuses segments that could not be computed, or that would not be the same when computed again."""
    for seed in seeds.find(settings):
        if seed.name == SEED:
            _check(seed, settings)


def members(population: duckdb.DuckDBPyRelation, predicate: str) -> duckdb.DuckDBPyRelation:
    """Those of the population for whom the predicate holds."""
    # The line break ends a remark that the predicate may end with.
    return population.filter(f"try(({predicate}\n))")


def failing(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    """Names the predicates that cannot be computed for somebody, because a value does not fit."""
    rows = [(seed, line, row) for seed in seeds.find(settings) if seed.name == SEED for line, row in seeds.rows(seed)]
    if not rows or not has_table(con, *MADE):
        return
    for seed, line, row in rows:
        count = (
            f"select count(distinct customer_id) from {'.'.join(MADE)} where try(({row['predicate']}\n) is null) is"
            " null"
        )
        if people := con.execute(count).fetchall()[0][0]:
            yield (
                f"{seed.path}, line {line}: the predicate of `{row['segment_id']}` cannot be computed for"
                f" {counted(people, 'customer')}, not in the segment then: a value of theirs does not fit. Fix it, with `try_cast` for"
                " instance, and run again."
            )


def _check(seed: Seed, settings: Settings) -> None:
    rows = list(seeds.rows(seed))
    if not rows:
        return
    columns = dict(_columns(settings))
    with _alone() as scratch:
        scratch.execute(f"create table population ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        scratch.execute("insert into population (customer_id) values ('somebody')")
        unsteady = {name for (name,) in scratch.execute(UNSTEADY).fetchall()}
        scratch.execute("set lock_configuration = true")
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


@contextmanager
def _alone() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reaches nothing and is interrupted when it takes long."""
    with duckdb.connect(config=ALONE) as con:
        con.execute("set TimeZone = 'UTC'")
        timer = threading.Timer(SECONDS, con.interrupt)
        timer.start()
        try:
            yield con
        finally:
            timer.cancel()


def _problem(con: duckdb.DuckDBPyConnection, predicate: str, columns: dict[str, str], unsteady: set[str]) -> str | None:
    if len(predicate) > MOST_CHARACTERS:
        return f"is longer than {MOST_CHARACTERS:,} characters"
    try:
        # Alone, and in brackets: what is whole in both can close none and append nothing.
        trees = [_tree(con, f"select {predicate}\n"), _tree(con, f"select ({predicate}\n)")]
    except RecursionError:
        return TOO_DEEP
    if refused := next((tree for tree in trees if isinstance(tree, str)), None):
        return refused
    [whole] = [tree for tree in trees[1:] if not isinstance(tree, str)]
    if problem := _unfit(whole, columns, unsteady) or _unfit_arguments(con, whole):
        return problem
    try:
        con.execute(f"select ({predicate}\n) from population").fetchall()
        kind = con.execute(f"describe select ({predicate}\n) from population").fetchall()[0][1]
        members(con.table("population"), predicate).project("customer_id").create_view("candidates", replace=True)
        con.execute("select * from candidates").fetchall()
    except duckdb.InterruptException:
        return f"takes longer than {SECONDS} s for one customer"
    except duckdb.Error as error:
        return f"cannot be computed: {str(error).splitlines()[0]}"
    return None if kind == "BOOLEAN" else f"is no condition: it says {kind}, neither true nor false"


def _tree(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any] | str:
    """The one expression that a query without anything else selects, parsed and not executed; or what is wrong with
    it."""
    try:
        ((text,),) = con.execute("select json_serialize_sql($1)", [query]).fetchall()
    except duckdb.Error as error:
        return f"is no condition in SQL: {str(error).splitlines()[0]}"
    parsed = json.loads(text)
    if parsed["error"]:
        return (
            TOO_DEEP
            if "expression depth" in parsed["error_message"]
            else f"is no condition in SQL: {parsed['error_message']}"
        )
    nodes = [statement["node"] for statement in parsed["statements"]]
    if len(nodes) != 1 or nodes[0]["type"] != "SELECT_NODE" or len(nodes[0]["select_list"]) != 1:
        return "must be one condition"
    node = nodes[0]
    clauses = [
        node[name] for name in ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers")
    ] + [node["cte_map"]["map"]]
    if any(clauses) or node["from_table"]["type"] != "EMPTY":
        return "must be one condition and nothing beside"
    return node["select_list"][0]


def _unfit(tree: dict[str, Any], columns: dict[str, str], unsteady: set[str]) -> str | None:
    for level, node in _nodes(tree):
        if level > MOST_LEVELS:
            return TOO_DEEP
        if node["class"] == "SUBQUERY":
            return "must be one condition without subqueries"
        if node["class"] not in KINDS:
            return f"holds what no condition on one customer may hold ({node['class'].lower().replace('_', ' ')})"
        if node["class"] == "FUNCTION" and (problem := _unfit_function(node, unsteady)):
            return problem
        if node["class"] == "COLUMN_REF" and (problem := _unfit_column(node["column_names"], columns)):
            return problem
    return None


def _unfit_function(node: dict[str, Any], unsteady: set[str]) -> str | None:
    name = node["function_name"].lower()
    if name in unsteady:
        return f"calls `{name}`, which depends on when it is asked; compare with `as_of_date`"
    if name not in FUNCTIONS or node["schema"] or node["catalog"]:
        near = difflib.get_close_matches(name, FUNCTIONS, n=1)
        return f"calls `{name}`, which is none of the functions that predicates may call" + (
            f" (did you mean `{near[0]}`?)" if near else ""
        )
    return None


def _unfit_arguments(con: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str | None:
    """What one value could refuse for everybody, whoever it is of; without anything to judge it by, only a written
    value passes."""
    for _, node in _nodes(tree):
        name = node["function_name"].lower() if node["class"] == "FUNCTION" else ""
        place, probe = WRITTEN_OUT.get(name, (0, ""))
        if not probe or len(node["arguments"]) <= place:
            continue
        argument = node["arguments"][place]["expression"]
        if argument["class"] != "CONSTANT":
            return f"calls `{name}` with what differs from customer to customer where a written value belongs"
        try:
            con.execute(probe, [argument["literal"].get("text")])
        except duckdb.Error as error:
            return f"cannot be computed: {str(error).splitlines()[0]}"
    return None


def _unfit_column(names: list[str], columns: dict[str, str]) -> str | None:
    if len(names) > 1:
        return f"names the column `{'.'.join(names)}` with more than its own name; write `{names[-1]}`"
    if (name := names[0].lower()) not in columns:
        near = difflib.get_close_matches(name, columns, n=1)
        return f"asks for `{name}`, which is no column of {' or '.join(POPULATION)}" + (
            f" (did you mean `{near[0]}`?)" if near else ""
        )
    return None


def _nodes(tree: Any, level: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every expression in a tree and how deep it lies; what is deeper than may be is not gone into."""
    if isinstance(tree, dict):
        if "class" in tree:
            level += 1
            yield level, tree
        tree = list(tree.values())
    if isinstance(tree, list) and level <= MOST_LEVELS:
        for child in tree:
            yield from _nodes(child, level)


def _columns(settings: Settings) -> Iterator[tuple[str, str]]:
    for model in POPULATION:
        declared = yaml_files.read(next((settings.dbt_project / "models").rglob(f"{model}.yml")))
        for column in declared["models"][0]["columns"]:
            yield column["name"], column["data_type"]
