"""Whether the build file may hold rows that its tables do not: a deleted row stays readable in a DuckDB file, and one of
a transaction that did not end may, until the file is written anew.

Whoever deletes what vendors said, and cannot be made again from what is left, notes it in the same transaction. Such a
file is written anew before anything of it is published.
"""

import duckdb

from orchestration.warehouse.duckdb_session import has_table


def note(con: duckdb.DuckDBPyConnection) -> None:
    """From here on the build file may hold deleted rows."""
    con.execute("insert into internal.rows_deleted select now() where not exists (from internal.rows_deleted)")


def may_be_held(con: duckdb.DuckDBPyConnection) -> bool:
    """The build file has to be written anew before it is published."""
    return has_table(con, "internal", "rows_deleted") and bool(
        con.execute("select 1 from internal.rows_deleted").fetchall()
    )


def are_gone(con: duckdb.DuckDBPyConnection) -> None:
    """Of a file that was written anew: it holds none."""
    con.execute("delete from internal.rows_deleted")
