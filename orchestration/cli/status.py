"""`c360 status`: what is pending, the last runs, what analysts see, how fresh every stream is. Changes nothing."""

import argparse
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.activation import activation_log
from orchestration.cli import output, rejects
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import load_log
from orchestration.monitoring import attention, freshness
from orchestration.monitoring.freshness import Freshness
from orchestration.privacy import erasing
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted
from orchestration.warehouse import read_only, writer_lock
from orchestration.warehouse import run_log as runs

RUNS_SHOWN = 7
VANISHED_SHOWN = 10
RUN_COLUMNS = (
    "started_at",
    "status",
    "files",
    "rows_read",
    "rows_loaded",
    "rows_rejected",
    "rows_duplicate",
    "published",
    "duration_s",
)


@dataclass(frozen=True)
class Status:
    """All that the command shows."""

    writer: writer_lock.Holder | None
    publication: publish.Publication | None
    pending: tuple[LandedFile, ...] | None
    runs: tuple[dict[str, Any], ...]
    streams: tuple[Freshness, ...]
    rejected: rejects.Counts
    taken_back: publish.Publication | None = None
    vanished: tuple[str, ...] = ()
    given_back: tuple[str, ...] = ()
    erasures_unended: tuple[str, ...] = ()
    retention: str | None = None

    @property
    def attention(self) -> tuple[str, ...]:
        """What a person must look at: runs that did not end well and none after them did, and what the last that did
        asked for."""
        unsolved = (
            f"{run.sentence} {run.remedy}" for run in runs.unsolved(self.runs, is_writing=self.writer is not None)
        )
        return (*unsolved, *attention.parsed(run.get("attention") for run in runs.last_ended(self.runs)))


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="the same for machines")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Shows how things stand."""
    found = look(settings)
    _print_json(settings, found) if given.json else _print(settings, found)
    return 0


def look(settings: Settings) -> Status:
    """Reads how things stand; what a run is writing just now is taken from the published warehouse."""
    writer = writer_lock.holder(settings)
    scan = landing_zone.scan(settings) if settings.landing.is_dir() else landing_zone.Scan([], [])
    with read_only.newest_if_any(settings) as con:
        return Status(
            writer=writer,
            publication=publish.current(settings),
            taken_back=publish.taken_back(settings),
            pending=None if writer else tuple(_pending(settings, scan, con)),
            runs=tuple(runs.recent(con, RUNS_SHOWN)) if con else (),
            streams=tuple(freshness.of_streams(con, settings)) if con else (),
            rejected=rejects.counts(con) if con else rejects.Counts(0, 0),
            vanished=tuple(load_log.vanished(con, scan)) if con else (),
            given_back=_given_back(settings),
            erasures_unended=tuple(erasing.unended(settings)),
            retention=erasing.last_taken(settings),
        )


def _pending(settings: Settings, scan: landing_zone.Scan, con: duckdb.DuckDBPyConnection | None) -> list[LandedFile]:
    return load_log.pending(con, scan, dates=None, full_refresh=False) if con else list(scan.files)


def _given_back(settings: Settings) -> tuple[str, ...]:
    """Where the targets stand; of a file that cannot be used, why."""
    try:
        return tuple(map(str, activation_log.standings(settings)))
    except OperatorError as error:
        return (str(error),)


def _print(settings: Settings, found: Status) -> None:
    output.say(f"Data folder   {settings.data}")
    seen = found.publication
    output.say(f"Published     {_shown_publication(seen) if seen else 'nothing yet'}")
    if back := found.taken_back:
        output.say(f"              that of {back.shown_at} was rolled back; `c360 run --full-refresh` publishes anew")
    output.say(f"Writing now   {found.writer or 'nobody'}")
    output.say(f"Pending       {'a run is on it' if found.pending is None else counted(len(found.pending), 'file')}")
    for file in (found.pending or ())[:5]:
        output.say(f"              {file.shown_path}")
    output.say(f"Rejected      {found.rejected}{'; `c360 rejects` shows why' if any(found.rejected) else ''}")
    if found.vanished:
        output.say(
            f"Archived      {counted(len(found.vanished), 'file')} no longer in the landing zone; the rows stay (`c360"
            " withdraw` takes them out)"
        )
        for path in found.vanished[-VANISHED_SHOWN:]:
            output.say(f"              {landing_zone.shown(path)}")
    for sentence in found.given_back:
        output.say(f"Given back    {sentence}")
    for sentence in found.erasures_unended:
        output.say(f"Erasures      {sentence} `c360 run` ends it.")
    if found.retention:
        output.say(f"Retention     {found.retention}")
    if found.runs:
        output.say("\nLast runs")
        output.table(
            [[_shown(run[name]) for name in RUN_COLUMNS] for run in found.runs],
            header=[name.replace("_", " ") for name in RUN_COLUMNS],
        )
    if found.attention:
        output.say("\nTo look at")
        for sentence in found.attention:
            output.say(f"  {sentence}")
    late = freshness.late_by_vendor(found.streams)
    if late:
        output.say("\nLate")
    for sentence in late:
        output.say(f"  {sentence}")
    in_time = [stream for stream in found.streams if not stream.is_late]
    if in_time:
        output.say("\nDelivered in time")
        for stream in in_time:
            output.say(f"  {stream}")
    if not found.publication:
        output.say(
            "\nNext: put exports under landing/<vendor>/<stream>/<date>/ and type `c360 run`, or try `c360 demo`."
        )


def _shown_publication(seen: publish.Publication) -> str:
    return f"{seen.shown_at}: {counted(seen.customers, 'customer')}, {counted(seen.orders, 'order')}"


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return round(value, 1) if isinstance(value, float) else value


def _print_json(settings: Settings, found: Status) -> None:
    seen = found.publication
    output.machine(
        {
            "data": str(settings.data),
            "published_at": seen.published_at if seen else None,
            "rolled_back": found.taken_back.published_at if found.taken_back else None,
            "writer": str(found.writer) if found.writer else None,
            "pending": None if found.pending is None else [file.shown_path for file in found.pending],
            "rejects": sum(found.rejected),
            "vanished": [landing_zone.shown(path) for path in found.vanished],
            "given_back": list(found.given_back),
            "erasures_unended": list(found.erasures_unended),
            "retention": found.retention,
            "attention": list(found.attention),
            "runs": [{name: run[name] for name in ("run_id", *RUN_COLUMNS, "message")} for run in found.runs],
            "streams": [
                {
                    "source": s.source,
                    "source_account": s.source_account,
                    "stream": s.stream,
                    "last_delivery": s.last_delivery,
                    "is_late": s.is_late,
                }
                for s in found.streams
            ],
        }
    )
