"""Rows of a load that go: of a file that was replaced, moved or withdrawn, or of a delivery that must wait."""

import duckdb

from orchestration.canonical.tables import TABLES
from orchestration.loading import archived_copies, unreadable_files
from orchestration.loading.deduplication import release_duplicates
from orchestration.loading.record_versions import contest, settle_contested
from orchestration.warehouse import deleted_rows
from orchestration.warehouse.change_keys import mark_changed

AUDITED_BY_LOAD = ("meta.rejects", "meta.field_coverage", "internal.drift")


def supersede(con: duckdb.DuckDBPyConnection, path: str, *, reason: str | None = None) -> None:
    """Takes out what an earlier load of the path left."""
    unreadable_files.forget(con, path)
    archived_copies.hand_over(con, path)
    for (load_seq,) in con.execute(
        "select load_seq from meta.loads where file_path = $1 and status <> 'superseded'", [path]
    ).fetchall():
        take_out(con, load_seq)
        con.execute(
            "update meta.loads set status = 'superseded', reason_code = coalesce($2, reason_code) where load_seq = $1",
            [load_seq, reason],
        )


def take_out(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Removes what a load has left in staging and in the audit tables."""
    take_out_rows(con, load_seq)
    for table in AUDITED_BY_LOAD:
        con.execute(f"delete from {table} where load_seq = $1", [load_seq])


def take_out_rows(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Removes the rows of a load and what was noted of their values; what other files delivered again stands on through
    them."""
    deleted_rows.note(con)
    release_duplicates(con, load_seq)
    contest(con, load_seq)
    # Statements for each of two dozen tables cost more than the rows of a small file, which are in a few of them.
    holding_rows = " union all ".join(
        f"(select '{table}' from staging.{table} where load_seq = $1 limit 1)" for table in TABLES
    )
    tables = {table for (table,) in con.execute(holding_rows, [load_seq]).fetchall()}
    mark_changed(con, "load_seq = $1", [load_seq], tables=tables)
    for table in sorted(tables):
        con.execute(f"delete from staging.{table} where load_seq = $1", [load_seq])
    con.execute("delete from internal.load_issues where load_seq = $1", [load_seq])
    settle_contested(con)
