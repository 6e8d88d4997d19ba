"""Opening a warehouse to look at it: never for writing, never in the way of a run, and with times in UTC."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError, unusable
from orchestration.warehouse import writer_lock


@contextmanager
def newest(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, which knows every run; while a run writes it, or where there is none, the published one."""
    with newest_if_any(settings) as con:
        if con is None:
            raise OperatorError(
                f"There is no warehouse in {settings.data} that can be read.",
                remedy="`c360 run` builds it from what has landed; `c360 doctor` shows more.",
            )
        yield con


@contextmanager
def newest_if_any(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The same; None where there is none yet, as during the first run."""
    with writer_lock.reader_lock(settings) as is_free:
        con = _open(settings, *([settings.build_file] if is_free else []), settings.published_file)
        try:
            with of_this_version(settings):
                yield con
        finally:
            if con is not None:
                con.close()


@contextmanager
def published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """What analysts see."""
    if not settings.published_file.exists():
        raise OperatorError(
            f"Nothing is published in {settings.data}.", remedy="`c360 run` builds it from what has landed."
        )
    try:
        con = _connect(settings, settings.published_file)
    except duckdb.Error as error:
        raise unusable(
            error, settings.published_file, rebuilt="`c360 run` moves it aside and publishes anew."
        ) from None
    try:
        with of_this_version(settings):
            yield con
    finally:
        con.close()


@contextmanager
def of_this_version(settings: Settings) -> Iterator[None]:
    """Our own queries fit every warehouse but one with the tables of another version."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException):
        raise OperatorError(
            f"The warehouse in {settings.data} was built by another version.",
            remedy="`c360 run` builds it anew from what has landed.",
        ) from None


def _open(settings: Settings, *paths: Path) -> duckdb.DuckDBPyConnection | None:
    for path in paths:
        if path.exists():
            try:
                return _connect(settings, path)
            except duckdb.Error:
                continue
    return None


def _connect(settings: Settings, path: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(path), read_only=True, config=settings.duckdb_config)
    con.execute("set TimeZone = 'UTC'")
    return con
