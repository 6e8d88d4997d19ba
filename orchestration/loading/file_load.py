"""What a load of one landing file writes: its rows in staging, and its entries in the audit tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import duckdb
import polars as pl

from orchestration.canonical.field_meanings import meaning
from orchestration.canonical.people import PERSON_ATTRIBUTES
from orchestration.canonical.reason_codes import FILE_REASONS
from orchestration.canonical.tables import TABLES
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading.deduplication import MOVED
from orchestration.loading.reading import Counts, Reading
from orchestration.loading.spool import Spool
from orchestration.normalisation.contact_attributes import LAST_REPORTED
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normaliser
from orchestration.vendors import discover
from orchestration.warehouse.duckdb_session import handed_over

# Each part of a file reports a contact once, as its records there have it; over the whole file all those records count
# together.
_NEWEST_CONTACTS = """
create or replace temp table newest_contacts as
select
    source_record_id, max_by(source_row, (seen_at, source_row)) as source_row, min(first_seen_at) as first_seen_at,
    bool_and(is_lead_only) as is_lead_only, count(*) > 1 as is_in_parts
from {}
group by source_record_id
"""
_REPORTED_IN_PARTS = f"""
create or replace temp table whole_contacts as
with reported as (
    select * from {{reported}} where source_record_id in (select source_record_id from newest_contacts where is_in_parts)
)
{LAST_REPORTED}
"""
_ATTRIBUTES = ", ".join(
    f"case when newest.is_in_parts then whole.{column.name} else reported.{column.name} end as {column.name}"
    for column in PERSON_ATTRIBUTES
)
_REPORTED_ONCE = {
    "contacts": (
        f"""
    select reported.* replace (newest.first_seen_at as first_seen_at, newest.is_lead_only as is_lead_only, {_ATTRIBUTES})
    from {{}} as reported
    inner join newest_contacts as newest on reported.source_record_id = newest.source_record_id and reported.source_row = newest.source_row
    left join whole_contacts as whole on reported.source_record_id = whole.source_record_id
    """
    ),
    "customer_identifiers": (
        """
    select reported.*
    from {} as reported
    left join newest_contacts as newest on reported.owner_record_id = newest.source_record_id
    where newest.source_row is null or newest.source_row = reported.source_row
    """
    ),
}


@dataclass
class FileLoad:
    """The entries that one load of a file makes in staging and in the audit tables; nothing of an earlier load is taken
    out."""

    con: duckdb.DuckDBPyConnection
    file: LandedFile
    origin: Origin
    sha256: str
    run_id: str

    @property
    def account(self) -> str:
        """The account at its vendor that the export is of."""
        return self.origin.account.source_account

    def insert(self, spool: Spool, normaliser: Normaliser) -> None:
        """Staging rows, rejects, issues, coverage and drift."""
        has_repeats = bool(self.con.execute("select 1 from repeated_rows limit 1").fetchall())
        left_out = " where source_row not in (select source_row from repeated_rows)" if has_repeats else ""
        in_parts = self._find_newest_contacts(spool)
        for table in TABLES:
            if table in spool.tables:
                with spool.rows(self.con, table) as rows:
                    once = _REPORTED_ONCE.get(table) if in_parts else None
                    query = once.format(rows) if once else f"select * from {rows}{left_out if table in MOVED else ''}"
                    self.con.execute(f"insert into staging.{table} by name {query}")
        slice_columns = {
            "source": self.file.source,
            "account": self.account,
            "stream": self.file.stream,
            "day": self.file.export_date,
            "path": self.file.relative_path,
            "seq": self.origin.load_seq,
        }
        for name, table in (("$rejects", "meta.rejects"), ("$issues", "internal.load_issues")):
            if name in spool.tables:
                with spool.rows(self.con, name) as rows:
                    self.con.execute(
                        f"insert into {table} by name select $source as source, $account as source_account, $stream as"
                        f" stream, $day::date as export_date, $path as file_path, $seq as load_seq, * from {rows}",
                        slice_columns,
                    )
        _insert_shapes(self.con, [(_slice(self.file, self.origin), normaliser)])

    def _find_newest_contacts(self, spool: Spool) -> bool:
        """Lists the contacts of a file that several parts of it may report, each with its newest row; whether there
        are any."""
        if spool.parts["contacts"] < 2:
            return False
        merged = "$reported" in spool.tables
        if merged:
            with spool.rows(self.con, "$reported") as rows:
                self.con.execute(f"create or replace temp table merged_contacts as from {rows}")
        with spool.rows(self.con, "contacts") as rows:
            self.con.execute(_NEWEST_CONTACTS.format(rows))
            alone = f"select * from {rows} anti join merged_contacts using (source_record_id, source_row)"
            reported = f"(from merged_contacts union all by name {alone})" if merged else rows
            self.con.execute(_REPORTED_IN_PARTS.format(reported=reported))
        return True

    def reject_whole(self, reason: str) -> None:
        """The one rejected row that stands for a file that cannot be read."""
        self.con.execute(
            "insert into meta.rejects by name select $1 as source, $2 as source_account, $3 as stream, $4::date as"
            " export_date, $5 as file_path, $6 as reason_code, $7 as message, $8 as load_seq",
            [
                self.file.source,
                self.account,
                self.file.stream,
                self.file.export_date,
                self.file.relative_path,
                reason,
                FILE_REASONS[reason],
                self.origin.load_seq,
            ],
        )

    def record(self, counts: Counts, status: str, reason: str | None, message: str | None) -> None:
        """The file's row in meta.loads."""
        record_loads(self.con, [self.entry(counts, status, reason, message)])

    def entry(self, counts: Counts, status: str, reason: str | None = None, message: str | None = None) -> list[Any]:
        """What stands in meta.loads of the file."""
        file = self.file
        return [
            file.relative_path,
            self.sha256,
            file.source,
            self.account,
            file.stream,
            file.export_date,
            self.origin.load_seq,
            counts.read,
            counts.loaded,
            counts.rejected,
            counts.duplicate,
            status,
            datetime.now(UTC),
            self.run_id,
            *file.identity,
            file.is_full,
            reason,
            message,
            False,
        ]


@cache
def governed(source: str) -> dict[str, list[tuple[str, str]]]:
    """Streams and dialects of a vendor with records that id and content distinguish over all deliveries, by the table
    that holds the id."""
    found: dict[str, list[tuple[str, str]]] = {}
    for dialect in discover()[source].dialects:
        if dialect.duplicates_of:
            found.setdefault(dialect.duplicates_of, []).append((dialect.stream, dialect.name))
    return found


def record_loads(con: duckdb.DuckDBPyConnection, entries: Sequence[Sequence[Any]]) -> None:
    """Writes the entries of loads into the load log."""
    marks = ", ".join(f"({', '.join('?' for _ in entry)})" for entry in entries)
    con.execute(f"insert into meta.loads values {marks}", [value for entry in entries for value in entry])


def insert_together(con: duckdb.DuckDBPyConnection, spool: Spool, readings: Sequence[Reading]) -> None:
    """What `FileLoad.insert` writes of one load, for several with their rows in one spool: none of them repeats a
    record of another, nor reports one contact in several parts."""
    slices = [_slice(one.file, one.origin) for one in readings]
    loads = pl.DataFrame(slices, schema=_SLICE, orient="row")
    joint = f"(select unnest([{', '.join(str(one.origin.load_seq) for one in readings)}]))"
    for table in TABLES:
        if table in spool.tables:
            with spool.rows(con, table) as rows:
                con.execute(f"insert into staging.{table} by name select * from {rows} where load_seq in {joint}")
    for name, table in (("$rejects", "meta.rejects"), ("$issues", "internal.load_issues")):
        if name in spool.tables:
            rows = pl.concat(spool.frames(name)).join(loads, on="load_seq", maintain_order="left")
            _insert(con, table, rows)
    _insert_shapes(con, [(of, one.normaliser) for one, of in zip(readings, slices, strict=True)])


def _insert_shapes(con: duckdb.DuckDBPyConnection, loads: Sequence[tuple[tuple[Any, ...], Normaliser]]) -> None:
    """Coverage and drift of loads, each given as what its entries say of its file and what normalised it."""
    for table, schema, rows_of in (
        ("meta.field_coverage", _COVERAGE, _coverage),
        ("internal.drift", _DRIFT, _drift),
    ):
        rows = [(*row, *of_file) for of_file, normaliser in loads for row in rows_of(normaliser)]
        _insert(con, table, pl.DataFrame(rows, schema=schema | _SLICE, orient="row"))


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    if rows.height:
        with handed_over(con, rows) as handed:
            con.execute(f"insert into {table} by name select * from {handed}")


_SLICE = {
    **dict.fromkeys(("source", "source_account", "stream"), pl.String),
    "export_date": pl.Date,
    "file_path": pl.String,
    "load_seq": pl.Int64,
}
_COVERAGE = {
    **dict.fromkeys(("source_dialect", "field", "handling"), pl.String),
    **dict.fromkeys(("records", "records_seen"), pl.Int64),
    "meaning": pl.String,
}
_DRIFT = {
    **dict.fromkeys(("source_dialect", "field", "change", "seen_type"), pl.String),
    "record_count": pl.Int64,
    "meaning": pl.String,
}
_Rows = list[tuple[Any, ...]]


def _slice(file: LandedFile, origin: Origin) -> tuple[Any, ...]:
    """What every entry of a load in the audit tables says of its file."""
    account = origin.account.source_account
    return file.source, account, file.stream, file.export_date, file.relative_path, origin.load_seq


def _coverage(normaliser: Normaliser) -> _Rows:
    decoder = normaliser.decoder
    unknown = {
        (dialect, path): count for (dialect, path, change, _), count in decoder.drift.items() if change == "new_field"
    }
    rows: _Rows = [
        (
            dialect,
            path,
            handling,
            decoder.dialect_records[dialect],
            decoder.coverage.get((dialect, path), 0),
            meaning(path),
        )
        for (dialect, path), handling in decoder.handlings().items()
    ]
    rows.extend(
        (dialect, path, "unknown", decoder.dialect_records[dialect], count, meaning(path))
        for (dialect, path), count in unknown.items()
    )
    return rows


def _drift(normaliser: Normaliser) -> _Rows:
    return [
        (dialect, path, change, seen, count, meaning(path))
        for (dialect, path, change, seen), count in normaliser.decoder.drift.items()
    ]
