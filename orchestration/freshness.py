"""How late every stream of every vendor is: the last night that delivered it, and whether that is too long ago."""

from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.settings import Settings

LAST = "select source, stream, max(export_date) from meta.loads where status in ('loaded', 'duplicate') group by source, stream order by source, stream"


@dataclass(frozen=True)
class Freshness:
    """One stream's last delivery."""

    source: str
    stream: str
    last_delivery: date
    days_ago: int
    is_late: bool

    def __str__(self) -> str:
        when = {0: "today", 1: "yesterday"}.get(self.days_ago, f"{self.days_ago} days ago")
        return f"{self.source}/{self.stream}: last delivery {when} ({self.last_delivery})"


def of_streams(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[Freshness]:
    """Every stream that has ever been loaded."""
    today = settings.today()
    return [
        Freshness(source, stream, last, (today - last).days, is_late=(today - last).days > settings.options.late_after_days)
        for source, stream, last in con.execute(LAST).fetchall()
    ]
