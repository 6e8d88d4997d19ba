"""Opening a warehouse to look at it: never for writing, and never in the way of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.errors import OperatorError
from orchestration.settings import Settings


@contextmanager
def newest(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, which knows every run; while a run writes it, or where there is none, the published one."""
    con = _open(settings)
    try:
        yield con
    finally:
        con.close()


@contextmanager
def published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """What analysts see."""
    if not settings.published_file.exists():
        raise OperatorError(f"Nothing is published in {settings.data}.", remedy="`c360 run` builds it from what has landed.")
    con = duckdb.connect(str(settings.published_file), read_only=True, config=settings.duckdb_config)
    try:
        yield con
    finally:
        con.close()


def _open(settings: Settings) -> duckdb.DuckDBPyConnection:
    for path in (settings.build_file, settings.published_file):
        if path.exists():
            try:
                return duckdb.connect(str(path), read_only=True, config=settings.duckdb_config)
            except duckdb.Error:
                continue
    raise OperatorError(
        f"There is no warehouse in {settings.data} that can be read.", remedy="`c360 run` builds it from what has landed; `c360 doctor` shows more."
    )
