"""How late things are: every stream of every vendor by its last export date, and the nightly run by its schedule."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import duckdb

from orchestration.config import accounts
from orchestration.config.settings import Settings
from orchestration.runtime.wording import counted
from orchestration.warehouse import read_only, run_log, writer_lock

LAST = """
select source, source_account, stream, max(export_date) from meta.loads where status in ('loaded', 'duplicate') group by all order by all
"""

RUNS_LOOKED_AT = 50


@dataclass(frozen=True)
class Freshness:
    """One stream's last delivery by an account of its vendor."""

    source: str
    source_account: str
    stream: str
    last_delivery: date
    days_ago: int
    is_late: bool

    @property
    def feed(self) -> str:
        """Vendor and account, as their folder is named."""
        return accounts.feed(self.source, self.source_account)

    def __str__(self) -> str:
        named = {-1: "of tomorrow", 0: "today", 1: "yesterday"}
        when = named.get(self.days_ago, f"{self.days_ago} days ago")
        return f"{self.feed}/{self.stream}: last delivery {when} ({self.last_delivery})"


def of_streams(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[Freshness]:
    """Every stream that has ever been loaded."""
    today = settings.today()
    return [
        Freshness(
            source,
            account,
            stream,
            last,
            (today - last).days,
            is_late=(today - last).days > settings.options.late_after_days,
        )
        for source, account, stream, last in con.execute(LAST).fetchall()
    ]


def late_by_vendor(streams: Iterable[Freshness]) -> list[str]:
    """What is late, a sentence for each account of a vendor, its streams with the same last delivery together."""
    reported = []
    for feed, late in groupby((found for found in streams if found.is_late), key=lambda found: found.feed):
        by_day: dict[date, list[str]] = {}
        for found in late:
            by_day.setdefault(found.last_delivery, []).append(found.stream)
        since = (f"since {day} of {', '.join(names)}" for day, names in sorted(by_day.items()))
        reported.append(f"{feed} is late: nothing {'; '.join(since)}.")
    return reported


def lateness(settings: Settings) -> str | None:
    """What is late just now, in a sentence: the nightly run, and streams; None if nothing is, or nothing was ever
    loaded."""
    with read_only.newest_if_any(settings) as con:
        streams = (
            [f"{found.feed}/{found.stream}" for found in of_streams(con, settings) if found.is_late] if con else []
        )
    reported = []
    if _is_run_late(settings):
        reported.append(
            f"The run that was due at {settings.options.schedule_time} ({settings.options.schedule_time_zone}) has not"
            " ended well yet"
        )
    if streams:
        reported.append(
            f"Nothing was delivered for more than {counted(settings.options.late_after_days, 'day')} of {', '.join(streams)}"
        )
    return f"{'. '.join(reported)}." if reported else None


def run_date(settings: Settings) -> date:
    """The date of the nightly run that an event of just now belongs to: the day on which a run was last due."""
    return last_due(settings).date()


def last_due(settings: Settings, now: datetime | None = None) -> datetime:
    """The last moment at which the nightly run was due, in the zone of the schedule."""
    zone = ZoneInfo(settings.options.schedule_time_zone)
    local = (now or datetime.now(UTC)).astimezone(zone)
    due = datetime.combine(local.date(), time.fromisoformat(settings.options.schedule_time), zone)
    return due if due <= local else datetime.combine(local.date() - timedelta(days=1), due.time(), zone)


def _is_run_late(settings: Settings) -> bool:
    """Somebody writes for too long, or nobody does and the run log knows of no run that ended well since the last due
    moment that is longer ago than a run may take."""
    now = datetime.now(UTC)
    patience = timedelta(minutes=settings.options.late_after_minutes)
    if writer := writer_lock.holder(settings):
        return now - datetime.fromisoformat(writer.since) > patience
    due = last_due(settings, now - patience).astimezone(UTC)
    with read_only.newest_if_any(settings) as con:
        known = run_log.recent(con, RUNS_LOOKED_AT) if con else []
    return any(run["started_at"] < due for run in known) and not any(
        run["started_at"] >= due and run["status"] in run_log.FINISHED for run in known
    )
