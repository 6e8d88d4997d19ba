"""The run log `meta.runs`: what every run was, when, and with what figures. A run in it that ended without a word was
killed.

Figures come from `meta.loads`, where each file is logged with the run that loaded it, so they are right whatever
happened.
"""

import itertools
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.warehouse import deleted_rows, publications
from orchestration.warehouse.duckdb_session import has_table

RUNNING = "running"
DONE = "done"
UNCHANGED = "unchanged"
FAILED = "failed"
INTERRUPTED = "interrupted"
FINISHED = (DONE, UNCHANGED)

_DDL = """
create table if not exists meta.runs (
    run_id varchar,
    command varchar,
    status varchar,
    message varchar,
    files bigint,
    rows_read bigint,
    rows_loaded bigint,
    rows_rejected bigint,
    rows_duplicate bigint,
    customers bigint,
    orders bigint,
    duration_s double,
    published boolean,
    as_of_date date,
    started_at timestamptz,
    ended_at timestamptz,
    warnings json,
    changes json,
    attention json
)
"""


@dataclass(frozen=True)
class Figures:
    """What a run did to the files it looked at."""

    files: int = 0
    rows_read: int = 0
    rows_loaded: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0


@dataclass(frozen=True)
class Unsolved:
    """A run that did not end well, and after which none did."""

    sentence: str
    remedy: str
    is_failure: bool


def begin(con: duckdb.DuckDBPyConnection, run_id: str, command: str, *, published: Collection[str] = ()) -> None:
    """Opens the run's entry, once; whoever is still open holds no lock any more and was interrupted, in the midst of
    writing perhaps.

    `published` names runs with publications that stand: one that was killed after its swap could not write that down
    itself.
    """
    _create(con)
    if con.execute("select 1 from meta.runs where status = $1", [RUNNING]).fetchall():
        # Noted first: of a run that is killed here the next one finds both as they were.
        deleted_rows.note(con)
    con.execute(
        "update meta.runs set status = $1, ended_at = now() where status = $2 and run_id <> $3",
        [INTERRUPTED, RUNNING, run_id],
    )
    con.execute(
        "update meta.runs set published = true where not published and list_contains($1::varchar[], run_id)",
        [list(published)],
    )
    known = con.execute("select 1 from meta.runs where run_id = $1", [run_id]).fetchone()
    if known:
        con.execute("update meta.runs set status = $1, ended_at = null where run_id = $2", [RUNNING, run_id])
    else:
        con.execute(
            "insert into meta.runs by name select $1 as run_id, $2 as command, $3 as status, false as published, now()"
            " as started_at",
            [run_id, command, RUNNING],
        )


def inherit(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Takes the run log of the published warehouse over into a new build file."""
    _create(con)
    with publications.attached(con, settings) as is_there:
        if is_there:
            publications.inherit(con, "meta", "runs")


def _create(con: duckdb.DuckDBPyConnection) -> None:
    """The run log; one that an earlier version began lacks the last column."""
    con.execute("create schema if not exists meta")
    con.execute(_DDL)
    con.execute("alter table meta.runs add column if not exists attention json")


def note(con: duckdb.DuckDBPyConnection, run_id: str, **values: Any) -> None:
    """Writes columns of the run's entry."""
    for name, value in values.items():
        con.execute(
            f"update meta.runs set {name} = $1 where run_id = $2",
            [json.dumps(value) if isinstance(value, list | dict) else value, run_id],
        )


def end(
    con: duckdb.DuckDBPyConnection, run_id: str, *, failure: str | None = None, is_interrupted: bool = False
) -> None:
    """Closes the run's entry with its figures; `failure` says in one sentence, without any value, why it failed, or
    that it was interrupted."""
    if failure is not None:
        # What it was about to write was taken back, and may be in the file all the same.
        deleted_rows.note(con)
    done = figures(con, run_id)
    published = con.execute("select published from meta.runs where run_id = $1", [run_id]).fetchone() == (True,)
    ended_badly = INTERRUPTED if is_interrupted else FAILED
    status = ended_badly if failure is not None else DONE if done.files or published else UNCHANGED
    note(con, run_id, status=status, message=failure, **asdict(done))
    con.execute(
        "update meta.runs set ended_at = now(), duration_s = epoch(now()) - epoch(started_at) where run_id = $1",
        [run_id],
    )


def figures(con: duckdb.DuckDBPyConnection, run_id: str) -> Figures:
    """Sums over the files that the run logged."""
    row = con.execute(
        """
        select count(*), sum(rows_read), sum(rows_loaded), sum(rows_rejected), sum(rows_duplicate)
        from meta.loads where run_id = $1
        """,
        [run_id],
    ).fetchone()
    return Figures(*(int(value or 0) for value in row or ()))


def prune(con: duckdb.DuckDBPyConnection, keep_days: int) -> None:
    """Forgets runs that are older than the setting says."""
    con.execute("delete from meta.runs where started_at < now() - $1::interval", [timedelta(days=keep_days)])


def recent(con: duckdb.DuckDBPyConnection, limit: int) -> list[dict[str, Any]]:
    """The last runs, newest first."""
    if not has_table(con, "meta", "runs"):
        return []
    found = con.execute("select * from meta.runs order by started_at desc limit $1", [limit])
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def last_ended(known: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of runs, newest first, the last one that ended well, if there is one: what it said still stands."""
    return [run for run in known if run["status"] in FINISHED][:1]


def unsolved(known: Iterable[dict[str, Any]], *, is_writing: bool) -> list[Unsolved]:
    """Of runs, newest first, each that failed or was cut off after the last one that ended well."""
    reported = []
    for run in itertools.takewhile(lambda run: run["status"] not in FINISHED, known):
        begun = f"The run of {run['started_at']:%Y-%m-%d %H:%M UTC}"
        if run["status"] == FAILED:
            reported.append(
                Unsolved(
                    f"{begun} failed: {run['message']}",
                    "Fix that and type `c360 run`: it continues where it stopped.",
                    is_failure=True,
                )
            )
        elif run["status"] == INTERRUPTED or not is_writing:
            how = "was interrupted" if run["message"] else "ended without a word"
            reported.append(Unsolved(f"{begun} {how}.", "`c360 run` continues where it stopped.", is_failure=False))
    return reported


def greatest_export_date(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last export date with at least one row loaded; failing that, for which something was delivered."""
    row = con.execute(
        "select coalesce(max(export_date) filter (rows_loaded > 0), max(export_date)) from meta.loads where status <>"
        " 'superseded'"
    ).fetchone()
    return row[0] if row else None
