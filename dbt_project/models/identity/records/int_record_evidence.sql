-- Grain: one row per record, with what tells its person from another: first name, birth date and documents.
-- Several documents of a record all speak: they stand in order, parted by a bar.
with
    records as (select * from {{ ref("int_records") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    documents as (
        select record_no, string_agg(distinct id_link_value, '|' order by id_link_value) as document
        from identifiers
        where id_type = 'document' and unusable_reason is null and is_current
        group by record_no
    ),

    final as (
        select
            records.record_no,
            records.alias_id,
            records.source,
            records.source_account,
            records.stream,
            records.stream_key,
            records.source_record_id,
            records.first_name_key,
            records.naming,
            documents.document,
            records.is_contact,
            records.is_lead_only,
            records.is_deleted,
            records.birth_date,
            records.first_export_date,
            records.last_export_date
        from records
        left join documents on records.record_no = documents.record_no
    )

select *
from final
