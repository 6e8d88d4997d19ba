"""What a worker does: makes of one shard's rows the models that can be made of a shard, and puts them in place as one file.

It needs DuckDB and no dbt: the models come as dbt compiled them. It reads a copy of the build file that all workers
share, so that whoever is late holds no file that anybody wants: staging and rules, which few models read, where they
lie; models of the step before, which most read, are cut out first. A shard that is there already is not made again, and
one that was left half made is in nobody's way, so that a task may die, be repeated, or run twice at once. What a worker
gets and gives is paths and counts; why a model failed is reported without the values that DuckDB quotes.
"""

import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from orchestration.config.settings import Settings, connection_config
from orchestration.engines.engine import Engine
from orchestration.runtime.durable_files import put_in_place
from orchestration.runtime.errors import to_operator_error, without_values
from orchestration.runtime.failpoints import pass_point
from orchestration.transformation.cutting import cut_out, list_affected_records
from orchestration.warehouse.duckdb_session import attach

FILE = "warehouse.duckdb"
RECIPE, WHOLE = "recipe.json", "whole.duckdb"
SEEN = ("seeds", "staging")


class Recipe(msgspec.Struct, frozen=True):
    """What all workers make: tables to copy, by name with the condition that selects their rows, and models in the
    order of the flow, each a schema, a name and a query."""

    copied: dict[str, str]
    made: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Task:
    """One shard: its number, the folder that all shards stand in, and what the worker may take."""

    number: int
    folder: str
    threads: int
    memory_limit: str


@dataclass(frozen=True)
class Outcome:
    """What became of a shard: seconds that it took, and the model that failed, if one did, with the reason."""

    number: int
    seconds: float
    failed: str = ""
    reason: str = ""


def prepare(folder: Path, recipe: Recipe, build_file: Path) -> None:
    """Leaves for all workers what they make, and a copy of the build file, which nobody has open, to make it of."""
    folder.mkdir(parents=True)
    (folder / RECIPE).write_bytes(msgspec.json.encode(recipe))
    shutil.copyfile(build_file, folder / WHOLE)


def files(folder: Path, shards: int) -> list[Path]:
    """Where the shards stand when they are made."""
    return [_place(folder, number) / FILE for number in range(shards)]


def make(task: Task) -> Outcome:
    """Makes a shard, or finds it made."""
    started = time.monotonic()
    folder, place = Path(task.folder), _place(Path(task.folder), task.number)
    begun_before = list(folder.glob(f"{place.name}.*"))
    work = folder / f"{place.name}.{uuid.uuid4().hex}"
    if place.is_dir():
        return Outcome(task.number, 0.0)
    work.mkdir()
    pass_point("inside_shard" if not begun_before else "inside_shard_again")
    name = ""
    try:
        recipe = msgspec.json.decode((folder / RECIPE).read_bytes(), type=Recipe)
        with duckdb.connect(
            str(work / FILE), config=connection_config(task.memory_limit, task.threads, work / "spill")
        ) as con:
            con.execute("set TimeZone = 'UTC'")
            _look_at(con, task, recipe)
            for schema, model, query in recipe.made:
                name = f"{schema}.{model}"
                con.execute(f"create schema if not exists {schema}")
                con.execute(f"create table {name} as {query}")
            name = ""
            for schema in SEEN:
                con.execute(f"drop schema {schema} cascade")
    except Exception as error:
        shutil.rmtree(work, ignore_errors=True)
        return Outcome(task.number, time.monotonic() - started, name or "a shard", _reason(error))
    pass_point("before_shard_is_in_place")
    put_in_place(work, place)
    return Outcome(task.number, time.monotonic() - started)


def _look_at(con: duckdb.DuckDBPyConnection, task: Task, recipe: Recipe) -> None:
    """Has the connection see the shard's rows of the whole, and nobody else's."""
    attach(con, Path(task.folder) / WHOLE, "whole")
    con.execute(
        f"create temp table affected_keys as select change_key from whole.internal.shard_of where shard = {task.number}"
    )
    list_affected_records(con, "whole")
    cut_out(con, "whole", "warehouse", models=recipe.copied, with_keyless=task.number == 0, seen=SEEN)


def _reason(error: Exception) -> str:
    return without_values(str(error)) if isinstance(error, duckdb.Error) else to_operator_error(error).message


def _place(folder: Path, number: int) -> Path:
    return folder / f"shard_{number:05}"


def tasks(settings: Settings, folder: Path, shards: int, engine: Engine) -> list[Task]:
    """One task a shard. Workers of one machine share its cores and memory; one of a cluster has what the settings
    say."""
    at_once = min(engine.workers, shards) if engine.is_on_this_machine and engine.name != "local" else 1
    threads, memory = max(1, settings.threads // at_once), f"{settings.memory_bytes // at_once // 1_000_000}MB"
    return [Task(number, str(folder), threads, memory) for number in range(shards)]
