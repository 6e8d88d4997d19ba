"""What changed in the shape of a vendor's exports, and how much of it the models know: read from the audit tables.

A field that is new or gone and by its name is about consent, money, status, time or identity gets a warning
that names it: it may hold a fact that nothing reads.

It is shown in terminals and in Dagster, and a field may be named after a person: contacts in names are masked.
"""

from dataclasses import dataclass
from datetime import date
from itertools import groupby

import duckdb

from orchestration.config.accounts import feed
from orchestration.config.settings import DateRange
from orchestration.runtime.redaction import without_contacts
from orchestration.runtime.wording import counted

VANISHED = "vanished_field"
CHANGES = {"new_field": "a new field", "new_type": "another type", VANISHED: "no longer filled"}

DRIFT = """
select
    source, source_account, stream, export_date, field, change, min(seen_type) as seen_type, sum(record_count)::bigint as records, min(meaning) as meaning
from meta.schema_drift
where export_date between $first and $last and ($source is null or source = $source) and ($stream is null or stream = $stream)
group by source, source_account, stream, export_date, field, change
order by export_date, source, source_account, stream, change, field
"""
# Amounts that come as text, and the like, are read: only what is not read is reported.
UNREAD = f"meaning is not null and (change in ('new_field', '{VANISHED}') or seen_type = 'wrong_shape')"
LATEST = f"""
with latest as (
    select source, source_account, stream, max(export_date) as export_date
    from meta.loads
    where status = 'loaded'
    group by source, source_account, stream
)
select source, source_account, stream, export_date, field, change, min(seen_type), sum(record_count)::bigint, min(meaning)
from meta.schema_drift
inner join latest using (source, source_account, stream, export_date)
where {UNREAD}
group by source, source_account, stream, export_date, field, change
order by source, source_account, stream, change = '{VANISHED}', field
"""
OF_RUN = f"""
with loaded as (select distinct source, source_account, stream, export_date from meta.loads where run_id = $run_id and status = 'loaded')
select source, source_account, stream, max(export_date), field, change, min(seen_type), sum(record_count)::bigint, min(meaning)
from meta.schema_drift
inner join loaded using (source, source_account, stream, export_date)
where {UNREAD}
group by source, source_account, stream, field, change
order by source, source_account, stream, change = '{VANISHED}', field
"""
COVERAGE = """
with fields as (
    select field, handling, sum(records_seen) as seen
    from meta.field_coverage
    where source = $source and stream = $stream and export_date between $first and $last
    group by field, handling
)
select
    count(*) filter (handling = 'modelled' and seen > 0),
    count(*) filter (handling = 'modelled' and seen = 0),
    count(*) filter (handling = 'extra' and seen > 0),
    count(*) filter (handling = 'dropped'),
    list(field order by field) filter (handling = 'unknown')
from fields
"""
LAST = "select max(export_date) from meta.loads where status = 'loaded'"


@dataclass(frozen=True)
class Change:
    """One field of one export date that was not as before."""

    source: str
    source_account: str
    stream: str
    export_date: date
    field: str
    change: str
    seen_type: str | None
    records: int
    meaning: str | None = None

    def __str__(self) -> str:
        seen = f" ({self.seen_type.replace('_', ' ')}, {counted(self.records, 'record')})" if self.seen_type else ""
        return f"`{without_contacts(self.field)}`: {CHANGES.get(self.change, self.change)}{seen}"


@dataclass(frozen=True)
class Coverage:
    """A stream's fields by what becomes of them."""

    modelled: int
    modelled_but_empty: int
    kept_in_extra: int
    dropped_on_purpose: int
    unknown: tuple[str, ...]

    @property
    def share(self) -> float:
        """Of the fields that were filled, the share the models know."""
        known = self.modelled + self.kept_in_extra
        return known / (known + len(self.unknown)) if known or self.unknown else 1.0


def changes(
    con: duckdb.DuckDBPyConnection, dates: DateRange, *, source: str | None = None, stream: str | None = None
) -> list[Change]:
    """Every change of those export dates, oldest first."""
    given = {"first": dates.first, "last": dates.last, "source": source, "stream": stream}
    return [Change(*row) for row in con.execute(DRIFT, given).fetchall()]


def warnings(con: duckdb.DuckDBPyConnection, *, run_id: str | None = None) -> list[str]:
    """Fields, by name, that may hold a fact and are not read: of what the run loaded, else of the latest delivery of
    each stream."""
    rows = (con.execute(LATEST) if run_id is None else con.execute(OF_RUN, {"run_id": run_id})).fetchall()
    streams = groupby(
        (Change(*row) for row in rows),
        key=lambda found: (found.source, found.source_account, found.stream, found.change == VANISHED),
    )
    return [
        _warning(f"{feed(source, account)}/{stream}", list(found), is_gone=is_gone)
        for (source, account, stream, is_gone), found in streams
    ]


def _warning(where: str, found: list[Change], *, is_gone: bool) -> str:
    names = ", ".join(f"`{without_contacts(change.field)}` ({change.meaning})" for change in found)
    if is_gone:
        return f"{where}: no longer filled, though it was until now: {names}. What stood there counts as not given."
    return f"{where}: not read, though by its name it may matter: {names}. It is kept in `extra` and decides nothing."


def coverage(con: duckdb.DuckDBPyConnection, dates: DateRange, *, source: str, stream: str) -> Coverage:
    """How much of what a stream delivered for those export dates is known."""
    row = con.execute(
        COVERAGE, {"first": dates.first, "last": dates.last, "source": source, "stream": stream}
    ).fetchone()
    assert row is not None
    return Coverage(*row[:4], tuple(map(without_contacts, row[4] or ())))


def last_export_date(con: duckdb.DuckDBPyConnection) -> DateRange | None:
    """The last export date for which something is loaded."""
    row = con.execute(LAST).fetchone()
    return DateRange(row[0], row[0]) if row and row[0] else None
