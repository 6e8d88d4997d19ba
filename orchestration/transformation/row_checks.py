"""What the rules promise of their rows (`checks` in the YAML of the seeds), asked of a file before anything is built on
it.

The dbt test of that name asks the same of tables that are made, and says how many rows; here the first row is wanted,
because a person fixes a line. Where the rules come from, and which line a row stands on, is not known here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from orchestration.runtime.wording import counted

Promises = Mapping[str, Any]


def first_broken(con: duckdb.DuckDBPyConnection, table: str, promises: Promises) -> tuple[int, str] | None:
    """Number of a row, from 1, that breaks a promise, and how; 0 where it is broken by all rows together; None if all
    are kept."""
    for what, bad_rows in _row_by_row(promises):
        (row_no,) = con.execute(
            f"with numbered as (select *, rowid + 1 as row_no from {table}) select min(row_no) from {bad_rows}"
        ).fetchone() or (None,)
        if row_no is not None:
            return row_no, what
    for condition in promises.get("one_row", ()):
        (count,) = con.execute(f"select count(*) from {table} where {condition}").fetchone() or (0,)
        if count != 1:
            return 0, f"`{condition}` holds in {counted(count, 'row')} and must in one"
    return None


def _row_by_row(promises: Promises) -> Iterator[tuple[str, str]]:
    """Every promise about a row: how it is broken, and the rows of `numbered` that break it."""
    for column in (*promises.get("key", ()), *promises.get("not_null", ()), *promises.get("same", ())):
        yield f"`{column}` is empty", f"numbered where {column} is null"
    for column, least in promises.get("at_least", {}).items():
        yield f"`{column}` is below {least}", f"numbered where {column} < {least}"
    for column, values in promises.get("accepted", {}).items():
        quoted = ", ".join(f"'{value}'" for value in values)
        yield f"`{column}` is none of {', '.join(values)}", f"numbered where {column} not in ({quoted})"
    for condition in promises.get("holds", ()):
        yield f"`{condition}` does not hold", f"numbered where not ({condition})"
    for columns in (promises.get("key", ()), *([column] for column in promises.get("unique", ()))):
        if columns:
            names = ", ".join(columns)
            filled = " and ".join(f"{column} is not null" for column in columns)
            yield (
                f"`{names}` is there twice",
                f"(from numbered where {filled} qualify row_number() over (partition by {names} order by row_no) > 1)",
            )
    for column in promises.get("same", ()):
        yield (
            f"`{column}` is not the same in every row",
            f"(from numbered qualify {column} <> first_value({column}) over (order by row_no))",
        )
    for one in promises.get("references", ()):
        known = re.sub(r"ref\('(\w+)'\)", r"seeds.\1", one["to"])
        yield (
            f"`{one['column']}` is not in {known.removeprefix('seeds.')}",
            f"numbered where {one['column']} not in (select {one['field']} from {known})",
        )
