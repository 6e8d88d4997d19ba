"""What a DuckDB connection is asked for beyond single queries: transactions, and Polars frames as relations."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import polars as pl


class Handed:
    """What DuckDB takes a frame as, by the Arrow interface and without pyarrow (171 MB)."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


@contextmanager
def handed_over(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> Iterator[str]:
    """The frame as a relation that queries may select from while the body runs: its name."""
    con.register("handed_over", Handed(frame))
    yield "handed_over"
    con.unregister("handed_over")


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """What the body does stands together, or none of it."""
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):
            con.execute("rollback")
        raise


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """The name of a schema, table or column as SQL takes it, whatever stands in it."""
    return '"' + name.replace('"', '""') + '"'


def attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = True) -> None:
    """From here on the connection knows the database file by this name too, wherever else in this process it is
    open."""
    con.execute(f"attach {quoted(str(path))} as {name}{' (read_only)' * read_only}")


def has_table(con: duckdb.DuckDBPyConnection, schema: str, table: str, *, catalog: str | None = None) -> bool:
    """The connection's own database has it, whatever is attached beside; or the attached one of that name."""
    query = (
        "select 1 from duckdb_tables() where schema_name = $1 and table_name = $2 and database_name ="
        " coalesce($3, current_database())"
    )
    return con.execute(query, [schema, table, catalog]).fetchone() is not None
