-- Grain: one row per record, with what distinguishes its person from another: first name, birth date and documents.
-- Several documents of a record all speak: they stand in order, parted by a bar.
with
    records as (select * from {{ ref("int_records") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    -- Those that the newest observation carries; where it carries none, those that were carried last.
    carried_documents as (
        select identifiers.record_no, identifiers.id_link_value
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        where
            identifiers.id_type = 'document'
            and identifiers.unusable_reason is null
            and (identifiers.is_current or not records.is_contact)
        qualify
            dense_rank() over (
                partition by identifiers.record_no order by identifiers.is_current desc, identifiers.last_seen_at desc
            )
            = 1
    ),

    documents as (
        select record_no, string_agg(distinct id_link_value, '|' order by id_link_value) as document
        from carried_documents
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
