"""Deliveries of a vendor's account that wait: where too much of what it delivered for a date is bad, nothing of it is
used, and all else goes on.

Which those are follows from the load log alone, so that it does not depend on what arrived first or in which run.
A file that waits keeps its entries; its sound records are logged as rejected too, each with its bytes, until a fix or a
higher limit lets the whole delivery in.
"""

from collections.abc import Iterator
from typing import Protocol

import duckdb

from orchestration.canonical.reason_codes import ERASED, HELD_BACK, RECORD_REASONS
from orchestration.config.accounts import feed
from orchestration.config.settings import Settings
from orchestration.landing.record import Record
from orchestration.normalisation.outcomes import Reject

# The entry of a file that is loaded, or would be if its delivery did not wait: what copies of it are duplicates of.
STANDS = f"(status = 'loaded' or (status = 'rejected' and reason_code = '{HELD_BACK}'))"

_HELD_DELIVERIES = f"""
with
    held as (select load_seq, count(*) as sound from meta.rejects where reason_code in ('{HELD_BACK}', '{ERASED}') group by load_seq),

    streams as (
        select
            loads.source, loads.source_account, loads.export_date, sum(loads.rows_read) as rows_read,
            sum(loads.rows_rejected - coalesce(held.sound, 0)) as rows_bad
        from (select * from meta.loads where {STANDS}) as loads
        left join held on loads.load_seq = held.load_seq
        group by loads.source, loads.source_account, loads.stream, loads.export_date
    )

select distinct source, source_account, export_date from streams where rows_read >= $least and rows_bad > $share * rows_read
"""
_TO_HOLD = f"""
select load_seq, file_path from meta.loads
where status = 'loaded' and (source, source_account, export_date) in ({_HELD_DELIVERIES})
order by load_seq
"""
_TO_RELEASE = f"""
select file_path from meta.loads
where status = 'rejected' and reason_code = '{HELD_BACK}' and (source, source_account, export_date) not in ({_HELD_DELIVERIES})
"""

_WAITING = f"""
select distinct source, source_account, export_date from meta.loads where status = 'rejected' and reason_code = '{HELD_BACK}' order by all
"""


class Limits(Protocol):
    """How much of a stream's delivery may be bad; see settings.toml."""

    @property
    def hold_back_share(self) -> float: ...
    @property
    def hold_back_rows(self) -> int: ...


def to_hold(con: duckdb.DuckDBPyConnection, limits: Limits) -> list[tuple[int, str]]:
    """Loads, with their files, that must wait and do not yet."""
    return con.execute(_TO_HOLD, _named(limits)).fetchall()


def to_release(con: duckdb.DuckDBPyConnection, limits: Limits) -> set[str]:
    """Files that wait and need not any more."""
    return {path for (path,) in con.execute(_TO_RELEASE, _named(limits)).fetchall()}


def look(con: duckdb.DuckDBPyConnection, settings: Settings, _run_id: str) -> Iterator[str]:
    """What somebody must look at: deliveries that wait."""
    for source, account, export_date in con.execute(_WAITING).fetchall():
        yield (
            f"{feed(source, account)}/{export_date} waits: more than {settings.options.hold_back_share:.0%} of a stream was"
            " bad, so none of it is used and the vendor stands as before. All else goes on; once that is fixed, `c360 replay`"
            " loads it."
        )


def rejected_rows(con: duckdb.DuckDBPyConnection, load_seq: int) -> set[int]:
    """Numbers of the records of a load that are rejected."""
    return {
        number
        for (number,) in con.execute("select row_number from meta.rejects where load_seq = $1", [load_seq]).fetchall()
    }


def rejects_of(block: list[Record], bad: set[int]) -> list[Reject]:
    """The records of a block that were not rejected for reasons of their own."""
    return [Reject(record.number, HELD_BACK, None, record.raw) for record in block if record.number not in bad]


def record_as_held(con: duckdb.DuckDBPyConnection, load_seq: int, run_id: str) -> int:
    """Logs the file as rejected, every record of it; returns how many."""
    row = con.execute(
        """
        update meta.loads
        set status = 'rejected', rows_loaded = 0, rows_duplicate = 0, rows_rejected = rows_read, reason_code = $1, message = $2, run_id = $3
        where load_seq = $4
        returning rows_read
        """,
        [HELD_BACK, RECORD_REASONS[HELD_BACK], run_id, load_seq],
    ).fetchone()
    assert row is not None
    return row[0]


def _named(limits: Limits) -> dict[str, float]:
    return {"least": limits.hold_back_rows, "share": limits.hold_back_share}
