"""What a load of one landing file writes: its rows in staging, and its entries in the books."""

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import polars as pl

from orchestration.canonical.field_meanings import meaning
from orchestration.canonical.reason_codes import FILE_REASONS
from orchestration.canonical.tables import PERSON_ATTRIBUTES, TABLES
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading.deduplication import MOVED
from orchestration.loading.prefetch import Spool
from orchestration.normalisation.contact_attributes import LAST_TOLD
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normaliser
from orchestration.vendors import discover
from orchestration.warehouse.duckdb_session import handed_over

# Each part of a file tells a contact once, as its records there tell of it; over the whole file all those records count
# together.
_NEWEST_CONTACTS = """
create or replace temp table newest_contacts as
select
    source_record_id, max_by(source_row, (seen_at, source_row)) as source_row, min(first_seen_at) as first_seen_at,
    bool_and(is_lead_only) as is_lead_only, count(*) > 1 as is_in_parts
from {}
group by source_record_id
"""
_TOLD_IN_PARTS = f"""
create or replace temp table told_contacts as
with told as (
    select * from {{told}} where source_record_id in (select source_record_id from newest_contacts where is_in_parts)
)
{LAST_TOLD}
"""
_ATTRIBUTES = ", ".join(
    f"case when newest.is_in_parts then whole.{column.name} else told.{column.name} end as {column.name}"
    for column in PERSON_ATTRIBUTES
)
_TOLD_ONCE = {
    "contacts": (
        f"""
    select told.* replace (newest.first_seen_at as first_seen_at, newest.is_lead_only as is_lead_only, {_ATTRIBUTES})
    from {{}} as told
    inner join newest_contacts as newest on told.source_record_id = newest.source_record_id and told.source_row = newest.source_row
    left join told_contacts as whole on told.source_record_id = whole.source_record_id
    """
    ),
    "customer_identifiers": (
        """
    select told.*
    from {} as told
    left join newest_contacts as newest on told.owner_record_id = newest.source_record_id
    where newest.source_row is null or newest.source_row = told.source_row
    """
    ),
}


@dataclass
class Booking:
    """The entries that one load of a file makes in staging and in the books; nothing of an earlier load is taken
    out."""

    con: duckdb.DuckDBPyConnection
    file: LandedFile
    origin: Origin
    sha256: str
    run_id: str

    @property
    def account(self) -> str:
        """Whose export the file is, of the accounts at its vendor."""
        return self.origin.account.source_account

    @property
    def governed(self) -> dict[str, list[tuple[str, str]]]:
        """Streams and dialects whose records are told apart by id and content over all deliveries, by the table that
        holds the id."""
        found: dict[str, list[tuple[str, str]]] = {}
        for dialect in discover()[self.file.source].dialects:
            if dialect.duplicates_of:
                found.setdefault(dialect.duplicates_of, []).append((dialect.stream, dialect.name))
        return found

    def insert(self, spool: Spool, normaliser: Normaliser) -> None:
        """Staging rows, rejects, issues, coverage and drift."""
        has_repeats = bool(self.con.execute("select 1 from repeated_rows limit 1").fetchall())
        left_out = " where source_row not in (select source_row from repeated_rows)" if has_repeats else ""
        in_parts = self._find_newest_contacts(spool)
        for table in TABLES:
            if table in spool.tables:
                with spool.rows(self.con, table) as rows:
                    once = _TOLD_ONCE.get(table) if in_parts else None
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
        self._insert_frame("meta.field_coverage", _coverage(normaliser))
        self._insert_frame("internal.drift", _drift(normaliser))

    def _find_newest_contacts(self, spool: Spool) -> bool:
        """Lists the contacts of a file that several parts of it may tell of, each with its newest row; whether there
        are any."""
        if spool.parts["contacts"] < 2:
            return False
        merged = "$told" in spool.tables
        if merged:
            with spool.rows(self.con, "$told") as rows:
                self.con.execute(f"create or replace temp table merged_contacts as from {rows}")
        with spool.rows(self.con, "contacts") as rows:
            self.con.execute(_NEWEST_CONTACTS.format(rows))
            alone = f"select * from {rows} anti join merged_contacts using (source_record_id, source_row)"
            told = f"(from merged_contacts union all by name {alone})" if merged else rows
            self.con.execute(_TOLD_IN_PARTS.format(told=told))
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

    def book(
        self,
        read: int,
        loaded: int,
        rejected: int,
        duplicate: int,
        status: str,
        reason: str | None,
        message: str | None,
    ) -> None:
        """The file's row in meta.loads."""
        file, origin = self.file, self.origin
        self.con.execute(
            f"insert into meta.loads values ({', '.join(f'${number}' for number in range(1, 23))})",
            [
                file.relative_path,
                self.sha256,
                file.source,
                self.account,
                file.stream,
                file.export_date,
                origin.load_seq,
                read,
                loaded,
                rejected,
                duplicate,
                status,
                datetime.now(UTC),
                self.run_id,
                *file.identity,
                file.is_full,
                reason,
                message,
                False,
            ],
        )

    def _insert_frame(self, table: str, rows: pl.DataFrame) -> None:
        if rows.height:
            rows = rows.with_columns(
                pl.lit(self.file.source).alias("source"),
                pl.lit(self.account).alias("source_account"),
                pl.lit(self.file.stream).alias("stream"),
                pl.lit(self.file.export_date).alias("export_date"),
                pl.lit(self.file.relative_path).alias("file_path"),
                pl.lit(self.origin.load_seq).alias("load_seq"),
            )
            with handed_over(self.con, rows) as handed:
                self.con.execute(f"insert into {table} by name select * from {handed}")


def _coverage(normaliser: Normaliser) -> pl.DataFrame:
    decoder = normaliser.decoder
    unknown = {
        (dialect, path): count for (dialect, path, change, _), count in decoder.drift.items() if change == "new_field"
    }
    rows = [
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
    texts = dict.fromkeys(("source_dialect", "field", "handling"), pl.String)
    schema = {**texts, "records": pl.Int64, "records_seen": pl.Int64, "meaning": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _drift(normaliser: Normaliser) -> pl.DataFrame:
    rows = [
        (dialect, path, change, seen, count, meaning(path))
        for (dialect, path, change, seen), count in normaliser.decoder.drift.items()
    ]
    texts = dict.fromkeys(("source_dialect", "field", "change", "seen_type"), pl.String)
    schema = {**texts, "record_count": pl.Int64, "meaning": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
