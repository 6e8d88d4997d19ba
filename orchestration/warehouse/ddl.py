"""The audit tables of a warehouse and the staging tables they are about, as DDL: what was loaded, rejected, repaired
and new."""

from orchestration.canonical import reason_codes
from orchestration.canonical.tables import TABLES
from orchestration.warehouse.duckdb_session import quoted

# Of a delivery of which more was rejected than this (contract, section 9) nobody can say whom it left out.
MOST_UNREAD = 0.01

AUDIT_DDL = f"""
create schema if not exists staging;
create schema if not exists meta;
create schema if not exists internal;
create table if not exists meta.loads (
    file_path varchar, file_sha256 varchar, source varchar, source_account varchar, stream varchar, export_date date, load_seq bigint,
    rows_read bigint, rows_loaded bigint, rows_rejected bigint, rows_duplicate bigint, status varchar, loaded_at timestamptz, run_id varchar,
    file_bytes bigint, file_mtime_ns bigint, file_ctime_ns bigint, file_inode ubigint, is_full boolean, reason_code varchar, message varchar,
    is_taken_over boolean
);
create table if not exists meta.rejects (
    source varchar, source_account varchar, stream varchar, export_date date, file_path varchar, row_number bigint, reason_code varchar, field varchar,
    raw varchar, raw_bytes blob, message varchar, load_seq bigint
);
create table if not exists meta.field_coverage (
    source varchar, source_account varchar, stream varchar, export_date date, source_dialect varchar, field varchar, handling varchar, records bigint,
    records_seen bigint, file_path varchar, load_seq bigint, meaning varchar
);
create table if not exists meta.activation_log (
    target varchar, source varchar, source_account varchar, folder varchar, file varchar, as_of_date date, run_id varchar, mapping_version varchar,
    method varchar, path varchar, records bigint, sha256 varchar, state varchar, failed_records bigint, reason varchar, reference varchar,
    answered_at timestamptz
);
create table if not exists internal.load_issues (
    source varchar, source_account varchar, stream varchar, export_date date, file_path varchar, row_number bigint, table_name varchar, field varchar,
    issue_code varchar, value_given varchar, action varchar, load_seq bigint
);
create table if not exists internal.drift (
    source varchar, source_account varchar, stream varchar, export_date date, source_dialect varchar, field varchar, change varchar, seen_type varchar,
    record_count bigint, file_path varchar, load_seq bigint, meaning varchar
);
create table if not exists internal.duplicates (
    entity varchar, source varchar, source_account varchar, record_id varchar, record_hash varchar, export_date date, source_file varchar, source_row bigint,
    load_seq bigint
);
create table if not exists internal.changed_keys (change_key ubigint);
create table if not exists internal.owed (
    file_path varchar, file_bytes bigint, file_mtime_ns bigint, file_ctime_ns bigint, file_inode ubigint, file_sha256 varchar
);
create table if not exists internal.unreadable (file_path varchar, reason_code varchar);
create table if not exists internal.issued_ids (alias_id varchar, customer_id varchar, retired_at timestamptz);
create table if not exists internal.anonymous_orders (source varchar, source_account varchar, source_order_id varchar, anonymous_id varchar);
create table if not exists internal.withdrawn (
    file_path varchar, file_bytes bigint, file_mtime_ns bigint, file_ctime_ns bigint, file_inode ubigint, withdrawn_at timestamptz, run_id varchar
);
create table if not exists internal.sightings (
    file_path varchar, file_bytes bigint, file_mtime_ns bigint, file_ctime_ns bigint, file_inode ubigint, first_seen bigint, missed_in bigint
);
create table if not exists internal.accepted_deletions (
    source varchar, source_account varchar, stream varchar, export_date date, content varchar, accepted_at timestamptz
);
create table if not exists internal.held_deliveries (
    source varchar, source_account varchar, stream varchar, export_date date, living bigint, left_out bigint
);
create table if not exists internal.weighed (key varchar);
create table if not exists internal.rows_deleted (noted_at timestamptz);
create or replace view internal.deliveries_as_reported as
    -- Nobody knows whom a rejected file or record was about: a delivery with a rejected file, or with many such records, proves nobody's absence.
    with unread as (
        select source, source_account, stream, export_date
        from meta.loads
        left join (select load_seq, count(*) as records from meta.rejects where reason_code = '{reason_codes.ERASED}' group by load_seq) as erased
            using (load_seq)
        where status <> 'superseded'
        group by source, source_account, stream, export_date
        having bool_or(status = 'rejected') or sum(rows_rejected - coalesce(erased.records, 0)) > {MOST_UNREAD} * sum(rows_read)
    )
    select
        source, source_account, stream, export_date,
        bool_or(is_full and file_bytes > 0)
        and (source, source_account, stream, export_date) not in (select (source, source_account, stream, export_date) from unread) as says_full,
        count(*) as file_count
    from meta.loads
    where
        status in ('loaded', 'duplicate')
        and (source, source_account, export_date) not in (
            select (source, source_account, export_date) from meta.loads where status = 'rejected' and reason_code = '{reason_codes.HELD_BACK}'
        )
    group by source, source_account, stream, export_date;
create or replace view meta.deliveries as
    select
        source, source_account, stream, export_date,
        says_full
        and (source, source_account, stream, export_date) not in (
            select (source, source_account, stream, export_date) from internal.held_deliveries
        ) as is_full,
        file_count
    from internal.deliveries_as_reported;
create or replace view meta.schema_drift as
    with
        by_date as (
            select source, source_account, stream, export_date, source_dialect, field, sum(records) as records, sum(records_seen) as seen,
                max(meaning) as meaning
            from meta.field_coverage
            where handling in ('modelled', 'extra')
            group by all
        ),
        -- A field that few records carry, or a delivery of few records, says nothing when it is not there.
        usual as (
            select
                *,
                lag(seen >= 0.5 * records and records >= 20) over (
                    partition by source, source_account, stream, source_dialect, field order by export_date
                ) as was_usual
            from by_date
        )
    select source, source_account, stream, export_date, source_dialect, field, change, seen_type, record_count, file_path, meaning
    from internal.drift
    union all
    select source, source_account, stream, export_date, source_dialect, field, 'vanished_field', null, 0, null, meaning
    from usual
    where seen = 0 and records >= 20 and was_usual;
"""


def staging_ddl() -> str:
    """Statements that create the staging tables, with what every column means."""
    statements = []
    for table in TABLES.values():
        name = f"staging.{table.name}"
        statements.append(
            f"create table if not exists {name} ("
            + ", ".join(f"{column.name} {column.duckdb_type}" for column in table.all_columns)
            + ")"
        )
        statements.append(f"comment on table {name} is {quoted(f'{table.description} Grain: {table.grain}.')}")
        statements.extend(
            f"comment on column {name}.{column.name} is {quoted(column.meaning)}" for column in table.all_columns
        )
    return ";\n".join(statements) + ";"
