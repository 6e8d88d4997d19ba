"""What the tables mean that the pipeline keeps beside staging and marts: the comments of their columns, and what is
nobody's to read.

dbt comments on marts and its quality tables, `ddl.py` on staging. dbt reads `AUDIT_TABLES`, which are its sources too;
it does not read `LOG_TABLES`."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from orchestration.warehouse.duckdb_session import quoted

SHOWN = ("marts", "meta", "staging")
INTERNAL = "internal"
NOT_FOR_YOU = (
    "Not for you: what the program keeps for itself, or a step on the way to the marts; changes without notice."
)


@dataclass(frozen=True)
class AuditTable:
    """A table that the pipeline writes and dbt reads: its columns as (name, type, meaning)."""

    schema: str
    name: str
    description: str
    columns: tuple[tuple[str, str, str], ...]


AUDIT_TABLES: tuple[AuditTable, ...] = (
    AuditTable(
        "meta",
        "loads",
        "One row per landing file and attempt that ended.",
        (
            ("file_path", "VARCHAR", "Landing file, relative to the data folder."),
            ("file_sha256", "VARCHAR", "SHA-256 of its content."),
            ("source", "VARCHAR", "Vendor that delivered it, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("stream", "VARCHAR", "Stream of the landing path."),
            ("export_date", "DATE", "Export date of the delivery."),
            ("load_seq", "BIGINT", "Our arrival order; it decides nothing."),
            ("rows_read", "BIGINT", "Records in the file."),
            ("rows_loaded", "BIGINT", "Records that went into staging."),
            ("rows_rejected", "BIGINT", "Records that stand in meta.rejects."),
            ("rows_duplicate", "BIGINT", "Records that were there already."),
            ("status", "VARCHAR", "loaded, duplicate, rejected or superseded."),
            ("loaded_at", "TIMESTAMPTZ", "When the attempt ended."),
            ("run_id", "VARCHAR", "Run it belongs to, as in meta.runs."),
            ("file_bytes", "BIGINT", "Size of the file in bytes."),
            ("file_mtime_ns", "BIGINT", "When its content was changed, in nanoseconds since 1970."),
            ("file_ctime_ns", "BIGINT", "When anything of it was changed."),
            (
                "file_inode",
                "UBIGINT",
                "Its number in the file system. While size, times and number are the same, nobody has touched it.",
            ),
            ("is_full", "BOOLEAN", "The delivery says that it is complete."),
            ("reason_code", "VARCHAR", "Why a whole file was rejected."),
            ("message", "VARCHAR", "The reason in words."),
            (
                "is_taken_over",
                "BOOLEAN",
                (
                    "The file was gone when the build file was begun anew: its rows were taken over, as the version"
                    " that loaded them wrote them."
                ),
            ),
        ),
    ),
    AuditTable(
        "meta",
        "deliveries",
        "One row per delivery that is now loaded.",
        (
            ("source", "VARCHAR", "Vendor that delivered it, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("stream", "VARCHAR", "Stream of the landing path."),
            ("export_date", "DATE", "Export date of the delivery."),
            (
                "is_full",
                "BOOLEAN",
                (
                    "It names every record of its stream, could be read but for one in a hundred and is not held: what"
                    " it does not name is gone."
                ),
            ),
            ("file_count", "BIGINT", "Files it consists of."),
        ),
    ),
    AuditTable(
        "internal",
        "load_issues",
        "One row per value that was repaired, or could not be read, while loading.",
        (
            ("source", "VARCHAR", "Vendor that delivered it, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("stream", "VARCHAR", "Stream of the landing path."),
            ("export_date", "DATE", "Export date of the delivery."),
            ("file_path", "VARCHAR", "Landing file, relative to the data folder."),
            ("row_number", "BIGINT", "Record in the file, from 1."),
            ("table_name", "VARCHAR", "Staging table of the value."),
            ("field", "VARCHAR", "Column, or path at the vendor."),
            ("issue_code", "VARCHAR", "What was wrong, as a word that stays the same."),
            ("value_given", "VARCHAR", "The value as the vendor delivered it."),
            ("action", "VARCHAR", "What was done about it: repaired, kept or set_null."),
        ),
    ),
    AuditTable(
        "internal",
        "issued_ids",
        "One row per id that a published warehouse held: an id once handed out is never lost.",
        (
            ("alias_id", "VARCHAR", "Our id of one record."),
            (
                "customer_id",
                "VARCHAR",
                "The person it belonged to when it was last published; null if nobody held it any more.",
            ),
            ("retired_at", "TIMESTAMPTZ", "Since when nobody holds it."),
        ),
    ),
    AuditTable(
        "internal",
        "anonymous_orders",
        "One row per vendor's order of a person who was erased.",
        (
            ("source", "VARCHAR", "Vendor that delivered it, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("source_order_id", "VARCHAR", "The vendor's id of the order."),
            ("anonymous_id", "VARCHAR", "Random id that stands for who ordered."),
        ),
    ),
    AuditTable(
        "internal",
        "run_settings",
        "One row: what the run was given, so that models need no variables.",
        (
            ("as_of_date", "DATE", "Day for which figures that depend on today are computed."),
            ("reporting_currency", "VARCHAR", "Currency of all reporting amounts."),
            ("reporting_time_zone", "VARCHAR", "Time zone in which business days end."),
            (
                "identity_sharing_limit",
                "INTEGER",
                "An identifier that more different people than this carry links nobody.",
            ),
        ),
    ),
)


_DELIVERY = (
    ("source", "VARCHAR", "Vendor that delivered it, by its code."),
    ("source_account", "VARCHAR", "Tenant at the vendor."),
    ("stream", "VARCHAR", "Stream of the landing path."),
    ("export_date", "DATE", "Export date of the delivery."),
)
_FILE = ("file_path", "VARCHAR", "Landing file, relative to the data folder.")
_ARRIVAL = ("load_seq", "BIGINT", "Our arrival order; it decides nothing.")
_MEANING = (
    "meaning",
    "VARCHAR",
    "What the field is about by its name: consent, identity, money, status or time; null if it sounds like none of them.",
)
LOG_TABLES: tuple[AuditTable, ...] = (
    AuditTable(
        "meta",
        "activation_log",
        "One row per request body that was written for a vendor, with what became of it. Keys and values of nobody"
        " stand here.",
        (
            ("target", "VARCHAR", "Target of activation.toml."),
            ("source", "VARCHAR", "Vendor that it is for, by its code."),
            ("source_account", "VARCHAR", "Tenant at the vendor."),
            ("folder", "VARCHAR", "Folder of the body, named by the day of the figures."),
            ("file", "VARCHAR", "Name of the body in it."),
            ("as_of_date", "DATE", "Day that the figures are of."),
            ("run_id", "VARCHAR", "Run that the figures are of, as in meta.runs."),
            ("mapping_version", "VARCHAR", "Changes with what is sent, or how."),
            ("method", "VARCHAR", "How it is sent, such as POST."),
            ("path", "VARCHAR", "Where to, below the vendor's address."),
            ("records", "BIGINT", "Records in the body."),
            ("sha256", "VARCHAR", "SHA-256 of the body."),
            (
                "state",
                "VARCHAR",
                "written, accepted (taken for later), delivered (the vendor has judged every record) or refused.",
            ),
            ("failed_records", "BIGINT", "Records that failed; the next activation writes them again."),
            ("reason", "VARCHAR", "Statuses and codes of the vendor's reasons."),
            ("reference", "VARCHAR", "By what the vendor knows the request."),
            ("answered_at", "TIMESTAMPTZ", "When the last answer came; null if it was not sent."),
        ),
    ),
    AuditTable(
        "meta",
        "rejects",
        "One row per record that was not loaded, as it was delivered.",
        (
            *_DELIVERY,
            _FILE,
            ("row_number", "BIGINT", "Record in the file, from 1; null if the whole file was rejected."),
            ("reason_code", "VARCHAR", "Why it was rejected, as a word that stays the same."),
            (
                "field",
                "VARCHAR",
                "Column, or path at the vendor, that was the reason; null if it was the record as a whole.",
            ),
            ("raw", "VARCHAR", "The record as delivered; null if it is no text."),
            ("raw_bytes", "BLOB", "The record as delivered, byte by byte, where it is no text."),
            ("message", "VARCHAR", "The reason in words."),
            _ARRIVAL,
        ),
    ),
    AuditTable(
        "meta",
        "field_coverage",
        "One row per file, shape and field: how many of its records filled it, and what became of it.",
        (
            *_DELIVERY,
            ("source_dialect", "VARCHAR", "Shape of the vendor's format the records were read as."),
            ("field", "VARCHAR", "Path of the field at the vendor."),
            (
                "handling",
                "VARCHAR",
                "modelled (has a column), extra (kept in `extra`), dropped (the vendor's plumbing, kept nowhere) or unknown (in none of the vendor's documents).",
            ),
            ("records", "BIGINT", "Records of the file in that shape."),
            ("records_seen", "BIGINT", "Records of them that have the field."),
            _FILE,
            _ARRIVAL,
            _MEANING,
        ),
    ),
    AuditTable(
        "meta",
        "schema_drift",
        "One row per change of what a vendor delivers: a field that is new, of another type, or no longer filled.",
        (
            *_DELIVERY,
            ("source_dialect", "VARCHAR", "Shape of the vendor's format the records were read as."),
            ("field", "VARCHAR", "Path of the field at the vendor."),
            (
                "change",
                "VARCHAR",
                "new_field, new_type (of another type than the vendor documents) or vanished_field (no longer filled).",
            ),
            ("seen_type", "VARCHAR", "Type that was seen, or what was wrong with it; null if the field vanished."),
            ("record_count", "BIGINT", "Records it was seen in."),
            _FILE,
            _MEANING,
        ),
    ),
    AuditTable(
        "meta",
        "runs",
        "One row per run.",
        (
            ("run_id", "VARCHAR", "Id of the run, which loads and events refer to."),
            ("command", "VARCHAR", "What was run, such as `c360 run`."),
            ("status", "VARCHAR", "running, done, unchanged (nothing was new), failed or interrupted."),
            ("message", "VARCHAR", "Why it failed, in words; null if it did not."),
            ("files", "BIGINT", "Files that the run looked at."),
            ("rows_read", "BIGINT", "Records in those files."),
            ("rows_loaded", "BIGINT", "Records that went into staging."),
            ("rows_rejected", "BIGINT", "Records that were rejected."),
            ("rows_duplicate", "BIGINT", "Records that were there already."),
            ("customers", "BIGINT", "People in the warehouse after the run."),
            ("orders", "BIGINT", "Orders in the warehouse after the run."),
            ("duration_s", "DOUBLE", "How long it took, in seconds."),
            ("published", "BOOLEAN", "The run put a new warehouse in place."),
            ("as_of_date", "DATE", "Day that the figures are of."),
            ("started_at", "TIMESTAMPTZ", "When the run began, in UTC."),
            ("ended_at", "TIMESTAMPTZ", "When the run ended; null while it runs."),
            ("warnings", "JSON", "Checks that warned, and stopped nothing."),
            ("changes", "JSON", "What changed against the publication before."),
            ("attention", "JSON", "What a person must look at."),
        ),
    ),
    AuditTable(
        "meta",
        "identity_events",
        "One row per run and person that it found new, gone, merged, split or under another id, and per decision set aside;"
        " runs of earlier publications included.",
        (
            ("run_id", "VARCHAR", "Run that found it, as in meta.runs."),
            ("occurred_at", "TIMESTAMPTZ", "When the run found it."),
            (
                "event_type",
                "VARCHAR",
                "created, retired (nobody holds any record of theirs), merged, split, rekeyed (the same person under"
                " another id) or decision_set_aside.",
            ),
            (
                "customer_id",
                "VARCHAR",
                "Our id of the person: of a merge or another id the one of now, of a split the one that was split.",
            ),
            (
                "other_customer_id",
                "VARCHAR",
                "Of a merge and of another id the former id, of a split the id of who left; null if there is none.",
            ),
            (
                "cause",
                "VARCHAR",
                "Of a merge the `link_id` in meta.identity_links that did it, of a split the one that is gone; of a decision"
                " why it was set aside; else null.",
            ),
        ),
    ),
)


def of_schema(schema: str) -> list[AuditTable]:
    """All tables of a schema that the pipeline keeps, by name."""
    return sorted(
        (table for table in (*AUDIT_TABLES, *LOG_TABLES) if table.schema == schema), key=lambda table: table.name
    )


def comment(con: duckdb.DuckDBPyConnection) -> None:
    """Says in the file what each of them means, and of every table that is a step on the way that it is one."""
    con.execute(";".join([*_of_tables(con), *_of_steps(con), "select 1"]))


def _of_tables(con: duckdb.DuckDBPyConnection) -> Iterable[str]:
    views = {
        name for (name,) in con.execute("select view_name from duckdb_views() where schema_name = 'meta'").fetchall()
    }
    known = set(
        con.execute("select table_name, column_name from duckdb_columns() where schema_name = 'meta'").fetchall()
    )
    for table in of_schema("meta"):
        columns = [(name, meaning) for name, _, meaning in table.columns if (table.name, name) in known]
        if columns:
            yield (
                f"comment on {'view' if table.name in views else 'table'} meta.{table.name}"
                f" is {quoted(table.description)}"
            )
        for name, meaning in columns:
            yield f"comment on column meta.{table.name}.{name} is {quoted(meaning)}"


def _of_steps(con: duckdb.DuckDBPyConnection) -> Iterable[str]:
    steps = """
        select schema_name, 'table', table_name from duckdb_tables() where comment is null and database_name = current_database()
        union all
        select schema_name, 'view', view_name from duckdb_views() where comment is null and not internal and database_name = current_database()
        order by all
    """
    for schema, kind, name in con.execute(steps).fetchall():
        if schema not in SHOWN:
            yield f"comment on {kind} {schema}.{name} is {quoted(NOT_FOR_YOU)}"
