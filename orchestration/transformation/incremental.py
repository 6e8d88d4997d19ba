"""A build in part: whoever is linked to what has changed is computed anew, by the same models, and takes the place of
what stood there.

A small warehouse of those rows of staging is cut out beside the build file, dbt makes in it the models that can be made
of a part (`renewed_by` in its YAML), and their rows replace those of the affected records, persons and orders. All other
models follow as a whole. It equals a full build because a part is closed: no row outside shares a change key with one
inside, and what the part itself found to be linked is taken in before it counts. Where a part would not pay, or does
not hold, the answer is None, and everything is built in full."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.progress import Progress, silent
from orchestration.transformation import dbt_project, dbt_runner, key_pairs, sharded
from orchestration.transformation.cutting import cut_out, list_affected_records, renewed
from orchestration.transformation.node_result import NodeResult, TransformError
from orchestration.warehouse import build_file
from orchestration.warehouse.change_keys import RECORD, change_keys_of
from orchestration.warehouse.duckdb_session import attach, transaction

# A part that still grows after so many builds of it is not worth another.
ATTEMPTS = 3
PUBLISHED = ("marts", "meta")


@dataclass(frozen=True)
class Division:
    """Which models and tests are made in the part and which as a whole, by name, and which rows the part renews, by
    schema and model."""

    renewed: Mapping[tuple[str, str], str]
    in_part: frozenset[str]
    in_whole: frozenset[str]

    @classmethod
    def of(cls, nodes: Mapping[str, Any]) -> "Division":
        """From the nodes of a dbt project. What analysts see is tested as a whole; rules alone were tested when they
        came into force."""
        models = {key: node for key, node in nodes.items() if node.resource_type == "model"}
        tests = {
            key: node for key, node in nodes.items() if node.resource_type == "test" and not _asks_rules_alone(node)
        }
        renewed = {
            key: node.config.meta["renewed_by"] for key, node in models.items() if "renewed_by" in node.config.meta
        }
        needed = _with_ancestors(models, renewed)
        tested = {
            key
            for key, test in tests.items()
            if all(
                parent in needed and models[parent].schema not in PUBLISHED
                for parent in test.depends_on.nodes
                if parent in models
            )
        }
        return cls(
            {(models[key].schema, models[key].name): column for key, column in renewed.items()},
            frozenset(nodes[key].name for key in needed | tested),
            frozenset(nodes[key].name for key in (models.keys() - renewed.keys()) | (tests.keys() - tested)),
        )


def build(settings: Settings, since: int, *, progress: Progress = silent) -> tuple[NodeResult, ...] | None:
    """Brings the models up to date with the loads after `since` and with `internal.changed_keys`; None if all is to be built
    in full."""
    with build_file.connect(settings) as con:
        if not pays(con, settings) or not find_affected(con, settings, since):
            return None
        progress(
            f"{_count(con, 'affected_records'):,} of {_count(con, 'internal.int_records'):,} records are affected:"
            " building their part"
        )
        project = dbt_project.rendered(settings)
        division = Division.of(project.nodes)

        def make(file: Path) -> tuple[NodeResult, ...]:
            return dbt_runner.build(settings, file=file, only=division.in_part, project=project, progress=progress)

        try:
            nodes = renew(con, settings, division, make)
        except TransformError:
            progress("a part of the warehouse does not hold alone: building in full")
            return None
    if nodes is None:
        return None
    rest = dbt_runner.build(settings, only=division.in_whole, project=project, progress=progress)
    return (*nodes, *(node for node in rest if node.unique_id not in {made.unique_id for made in nodes}))


def compare(settings: Settings, *, progress: Progress = silent) -> tuple[NodeResult, ...]:
    """Builds in full what was built in part, and says as one more test, which warns, what was not the same before; the
    full build stands."""
    progress("building in full, to compare")
    project = dbt_project.rendered(settings)
    models = Division.of(project.nodes).renewed.keys()
    in_parts = _contents(settings, models)
    nodes = sharded.build_in_full(settings, project=project, progress=progress)
    in_full = _contents(settings, models)
    other = [f"{schema}.{name}" for schema, name in sorted(models) if in_parts[schema, name] != in_full[schema, name]]
    reason = (
        f"builds in part had left other rows in {', '.join(other)} than the full build that stands now" if other else ""
    )
    return (
        *nodes,
        NodeResult(
            "comparison",
            "test",
            "parts_equal_a_full_build",
            "warn" if other else "pass",
            0.0,
            failures=len(other),
            reason=reason,
        ),
    )


def pays(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Staging is so large that a full build costs more than the parts of an incremental one do together."""
    (rows,) = con.execute(
        "select coalesce(sum(estimated_size), 0) from duckdb_tables() where schema_name = 'staging'"
    ).fetchone() or (0,)
    return rows >= settings.options.incremental_from_rows


def find_affected(con: duckdb.DuckDBPyConnection, settings: Settings, since: int) -> bool:
    """Lists the change keys of all that is linked to what has changed as `affected_keys`; False if that is too much of
    everything."""
    key_pairs.make(con, "temp table pairs")
    con.execute(
        f"create or replace temp table affected_keys as select change_key from internal.changed_keys union {change_keys_of(f'load_seq > {since}')}"
    )
    return _close(con, settings)


def renew(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    division: Division,
    make: Callable[[Path], tuple[NodeResult, ...]],
) -> tuple[NodeResult, ...] | None:
    """Has the models made for what is affected and puts their rows in place, all at once; None if that grows too
    large."""
    if not _count(con, "affected_keys"):
        return ()
    part = settings.part_file
    try:
        for _ in range(ATTEMPTS):
            _cut_out(con, part)
            nodes = make(part)
            with _attached(con, part):
                if not _is_linked_further(con):
                    _put_in_place(con, division)
                    return nodes
            if not _close(con, settings):
                break
        return None
    finally:
        shutil.rmtree(part.parent, ignore_errors=True)


def _contents(settings: Settings, models: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """How many rows a model has, and a hash of them in whatever order."""
    with build_file.connect(settings) as con:
        query = "select count(*), coalesce(sum(hash(stored)), 0) from {}.{} as stored"
        return {(schema, name): con.execute(query.format(schema, name)).fetchone() for schema, name in models}


def _asks_rules_alone(test: Any) -> bool:
    return all(parent.startswith("seed.") for parent in test.depends_on.nodes)


def _with_ancestors(models: Mapping[str, Any], keys: Iterable[str]) -> set[str]:
    """The models of these keys, and all that they are made of."""
    found, todo = set[str](), list(keys)
    while todo:
        key = todo.pop()
        if key not in found:
            found.add(key)
            todo += [parent for parent in models[key].depends_on.nodes if parent in models]
    return found


def _close(con: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Takes in whatever is linked to the affected keys, and lists records, persons and orders that hold them; False if
    that is too much of everything."""
    con.execute("create or replace temp table found as from affected_keys")
    while _count(con, "found"):
        list_affected_records(con)
        if _count(con, "affected_records") > settings.options.incremental_share * _count(con, "internal.int_records"):
            return False
        con.execute("""
            create or replace temp table found as
            select change_key from (
                select other as change_key from pairs where one in (select change_key from found)
                union
                select one from pairs where other in (select change_key from found)
            )
            where change_key not in (select change_key from affected_keys)
            """)
        con.execute("insert into affected_keys from found")
    list_affected_records(con)
    con.execute(
        "create or replace temp table affected_customers as select distinct customer_id from"
        " internal.int_record_customers where record_no in (select record_no from affected_records) and customer_id is"
        " not null"
    )
    con.execute(
        "create or replace temp table affected_orders as select distinct order_id from internal.int_order_keys where"
        f" {renewed('source_order_id')}"
    )
    return True


def _cut_out(con: duckdb.DuckDBPyConnection, part: Path) -> None:
    """A warehouse of the affected rows, with all rules."""
    shutil.rmtree(part.parent, ignore_errors=True)
    part.parent.mkdir()
    with _attached(con, part):
        cut_out(con, "warehouse", "part")


def _is_linked_further(con: duckdb.DuckDBPyConnection) -> bool:
    """Records outside that hold a key of one inside, or are of a person inside, are affected too; whether there
    are any."""
    (count,) = con.execute(f"""
        insert into affected_keys
        select distinct {RECORD}
        from internal.int_records
        where record_no not in (select record_no from affected_records) and record_no in (
            select node from identity.int_node_identifiers where identifier_key in (select identifier_key from part.identity.int_node_identifiers)
            union all
            select record_no from internal.int_record_customers where customer_id in (select customer_id from affected_customers)
        )
        """).fetchone() or (0,)
    return count > 0


def _put_in_place(con: duckdb.DuckDBPyConnection, division: Division) -> None:
    with transaction(con):
        for (schema, name), column in division.renewed.items():
            con.execute(f"delete from {schema}.{name} where {renewed(column)}")
            con.execute(f"insert into {schema}.{name} by name from part.{schema}.{name}")


@contextmanager
def _attached(con: duckdb.DuckDBPyConnection, part: Path) -> Iterator[None]:
    attach(con, part, "part", read_only=False)
    try:
        yield
    finally:
        con.execute("detach part")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = con.execute(f"select count(*) from {table}").fetchone() or (0,)
    return count
