"""What the bodies of all assets share: the writer lock under a name of Dagster's run, errors in one sentence, counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from orchestration import pipeline
from orchestration.config.settings import Settings
from orchestration.loading.loader import Warehouse
from orchestration.monitoring import dagster_runs
from orchestration.monitoring.dagster_reports import BY_DAGSTER
from orchestration.runtime.errors import to_operator_error
from orchestration.warehouse import known_names
from orchestration.warehouse.duckdb_session import quoted_name

POOL = "duckdb_writer"
OWNERS = ["team:data"]


@contextmanager
def writing(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[Warehouse]:
    """`pipeline.writing` for a run of Dagster's, which also learns which process works on it."""
    dagster_runs.claim(context.instance, context.run.run_id)
    known_names.ask(settings)
    name = context.run.job_name
    command = f"{BY_DAGSTER}{'materialisation' if name.startswith('__') else name}"
    pipeline.finish_erasures(settings, progress=context.log.info)
    with pipeline.writing(settings, context.run.run_id, command=command, progress=context.log.info) as warehouse:
        yield warehouse


@contextmanager
def plain_errors() -> Iterator[None]:
    """Lets out one sentence of our own instead of an error that may quote a row."""
    sentence = ""
    try:
        yield
    except (dg.Failure, GeneratorExit):
        raise
    except Exception as error:
        sentence = str(to_operator_error(error))
    if sentence:
        raise dg.Failure(description=sentence, allow_retries=False)


def row_count(con: Any, table: tuple[str, str]) -> int:
    """Rows of a table, given by schema and name."""
    return con.execute(f"select count(*) from {quoted_name(table[0])}.{quoted_name(table[1])}").fetchone()[0]
