"""How long what is personal is kept, where the settings limit it: deliveries, what was rejected, earlier publications,
and people who do nothing any more. All of it is off by default."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.canonical.reason_codes import HELD_BACK
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import erasure_log, sightings
from orchestration.privacy.erasing import Held
from orchestration.publishing import publish
from orchestration.publishing.publish import Publication
from orchestration.publishing.retention import remove_if_empty
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse import deleted_rows, read_only
from orchestration.warehouse.duckdb_session import transaction

# At most so many people in one run: each is looked for in all of staging.
MOST_PEOPLE = 1_000
# What somebody does, by the times of it. That a vendor keeps delivering somebody's profile is nothing they did.
_ACTS = (
    ("marts.fct_orders", "ordered_at", "true"),
    ("marts.fct_events", "occurred_at", "is_active"),
    ("marts.fct_consents", "effective_at", "true"),
    ("marts.fct_reviews", "reviewed_at", "true"),
    ("marts.fct_redemptions", "redeemed_at", "true"),
    ("marts.fct_leads", "created_at", "true"),
)
_INACTIVE = f"""
with
    acts as ({" union all ".join(f"select customer_id, {time} as acted_at from {table} where {condition}" for table, time, condition in _ACTS)}),
    last_acts as (select customer_id, max(acted_at) as acted_at from acts where customer_id is not null group by customer_id)

select people.customer_id
from marts.dim_customers as people
left join last_acts on people.customer_id = last_acts.customer_id
where cast(coalesce(greatest(last_acts.acted_at, people.first_seen_at), people.first_seen_at) as date) < $1
order by coalesce(last_acts.acted_at, people.first_seen_at), people.customer_id
limit $2
"""
_OLD_REJECTS = "from meta.rejects where raw <> '' and export_date < $1"
_OLD_ISSUES = "from meta.field_issues where value_given <> '' and export_date < $1"
_LOGGED = f"""
select file_path, file_sha256 from meta.loads
where status in ('loaded', 'duplicate') or (status = 'rejected' and reason_code is distinct from '{HELD_BACK}')
"""


@dataclass(frozen=True)
class Due:
    """What is older than the settings allow."""

    files: list[LandedFile] = field(default_factory=list)
    rejects: int = 0
    publications: list[Publication] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.files or self.rejects or self.publications or self.people)


def limits(settings: Settings) -> dict[str, int]:
    """The settings that limit something, in days."""
    options = settings.options
    names = ("keep_landing_days", "keep_reject_days", "keep_publication_days", "keep_inactive_days")
    return {name: days for name in names if (days := getattr(options, name))}


def due(settings: Settings) -> Due:
    """What is older than the settings allow, by what is published: nothing of it is personal but to us.

    Nothing while a rollback stands: to throw something away is to publish what was taken back.
    """
    begun = _being_emptied(settings)
    seen = publish.current(settings)
    if not (limits(settings) or begun) or seen is None or seen.is_withdrawn or publish.taken_back(settings):
        return Due()
    with read_only.published(settings) as con:
        return Due(
            list(_old_files(settings, con, _first_day(settings, "keep_landing_days"))),
            max(_count(con, "keep_reject_days", settings), begun),
            _old_publications(settings, seen),
            _inactive(settings, con),
        )


def _first_day(settings: Settings, name: str) -> date | None:
    """The first day that is kept; null where all are."""
    days = limits(settings).get(name)
    return settings.today() - timedelta(days=days) if days else None


def _old_files(settings: Settings, con: duckdb.DuckDBPyConnection, first: date | None) -> Iterator[LandedFile]:
    """Deliveries that are loaded and published as they lie there."""
    if first is None:
        return
    logged = dict(con.execute(_LOGGED).fetchall())
    for file in landing_zone.scan(settings).files:
        if file.export_date < first and logged.get(file.relative_path) == landing_zone.sha256_of(file) != "":
            yield file


def _count(con: duckdb.DuckDBPyConnection, name: str, settings: Settings) -> int:
    first = _first_day(settings, name)
    if first is None:
        return 0
    counts = [
        con.execute(f"select count(*) {what}", [first]).fetchone() or (0,) for what in (_OLD_REJECTS, _OLD_ISSUES)
    ]
    return sum(count for (count,) in counts)


def _old_publications(settings: Settings, seen: Publication) -> list[Publication]:
    days = limits(settings).get("keep_publication_days")
    if not days:
        return []
    first = datetime.now(UTC) - timedelta(days=days)
    return [
        one
        for one in publish.publications(settings)
        if one != seen and datetime.fromisoformat(one.published_at) < first
    ]


def _inactive(settings: Settings, con: duckdb.DuckDBPyConnection) -> list[str]:
    first = _first_day(settings, "keep_inactive_days")
    if first is None:
        return []
    return [one for (one,) in con.execute(_INACTIVE, [first, MOST_PEOPLE]).fetchall()]


def held(con: duckdb.DuckDBPyConnection, customer_ids: list[str]) -> Iterator[Held]:
    """Those of the people that still are who they were when they were found."""
    for one in customer_ids:
        with suppress(OperatorError):
            yield Held.of(con, None, customer_id=one)


def empty_rejects(con: duckdb.DuckDBPyConnection, settings: Settings, due: int) -> int:
    """Takes out of the build file what rejected records and values were; that they were rejected, and why, stays.

    How many they are, at least as many as were `due`: noted before, so that the next run goes on where this one is killed
    before it calls `end_emptying`.
    """
    found = max(_count(con, "keep_reject_days", settings), due)
    if not found:
        return 0
    erasure_log.write(_emptying_note(settings), {"rejects_emptied": found})
    first = _first_day(settings, "keep_reject_days")
    if first is not None:
        with transaction(con):
            deleted_rows.note(con)
            con.execute(
                "update meta.rejects set raw = '', raw_bytes = null where raw <> '' and export_date < $1", [first]
            )
            for table in ("internal.load_issues", "meta.field_issues"):
                con.execute(
                    f"update {table} set value_given = '' where value_given <> '' and export_date < $1", [first]
                )
    return found


def end_emptying(settings: Settings) -> None:
    """Called when no file of ours holds what was emptied any more, and the receipt is written."""
    _emptying_note(settings).unlink(missing_ok=True)


def _being_emptied(settings: Settings) -> int:
    """How many rejected records and values a run began to empty that did not come to its end."""
    note = _emptying_note(settings)
    return int(json.loads(note.read_bytes())["rejects_emptied"]) if note.exists() else 0


def _emptying_note(settings: Settings) -> Path:
    return settings.privacy / "rejects_emptied.json"


def delete_files(settings: Settings, con: duckdb.DuckDBPyConnection, files: list[LandedFile]) -> int:
    """Deletes deliveries, and the folders that hold nothing else; how many files.

    Noted at once: what lands next with the same content is a delivery of its own, and not one of these that was moved.
    """
    if files:
        sightings.note(con, landing_zone.scan(settings), [])
    for file in files:
        Path(file.path).unlink(missing_ok=True)
        pass_point("after_deleting_a_delivery")
        remove_if_empty(file.path.parent, below=settings.landing)
    if files:
        sightings.note(con, landing_zone.scan(settings), [])
    return len(files)
