-- Grain: one row per record that rows of staging may name as their owner and that its vendor has deleted, with the
-- export date that reports it, and the export date before which all rows of the record end. What belongs to a deleted
-- record is deleted with it. Whoever is missing in a full delivery is gone with that export date, and what the same
-- date says of them holds; the vendor's word ends what came with it too.
with
    records as (select * from {{ ref("int_records") }}),

    belongings as (select * from {{ ref("int_contact_records") }}),

    reported_deletions as (select * from {{ ref("int_reported_deletions") }}),

    deleted as (
        select
            records.record_no,
            records.deleted_on,
            records.last_export_date < records.deleted_on
            and reported_deletions.source_record_id is null as is_by_absence
        from records
        left join
            reported_deletions
            on records.source = reported_deletions.source
            and records.source_account = reported_deletions.source_account
            and records.source_record_id = reported_deletions.source_record_id
            and records.deleted_on = reported_deletions.export_date
        where records.is_deleted
    ),

    gone as (
        select record_no, deleted_on, is_by_absence
        from deleted
        union all
        select belongings.contact_no as record_no, deleted.deleted_on, deleted.is_by_absence
        from belongings
        inner join deleted on belongings.record_no = deleted.record_no
    ),

    latest as (
        select
            record_no,
            max(case when is_by_absence then deleted_on else cast(deleted_on + 1 as date) end) as rows_end_before,
            max(deleted_on) as deleted_on
        from gone
        group by record_no
    ),

    final as (
        select
            records.source,
            records.source_account,
            records.stream_key,
            records.source_record_id as owner_record_id,
            latest.deleted_on,
            latest.rows_end_before
        from latest
        inner join records on latest.record_no = records.record_no
    )

select *
from final
