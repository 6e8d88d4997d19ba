-- Grain: one row per record that can be a person or join one: vendor records, and contacts that belong to none.
-- What contacts say of name, birth date and document speaks for a record that says nothing, if they say one thing.
with
    records as (select * from {{ ref("int_record_evidence") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    reported_by_contacts as (
        select
            contact_records.record_no,
            case
                when min(records.first_name_key) = max(records.first_name_key) then min(records.first_name_key)
            end as first_name_key,
            case when min(records.first_name_key) = max(records.first_name_key) then min(records.naming) end as naming,
            case when min(records.document) = max(records.document) then min(records.document) end as document,
            case when min(records.birth_date) = max(records.birth_date) then min(records.birth_date) end as birth_date,
            min(records.first_export_date) as first_export_date
        from contact_records
        inner join records on contact_records.contact_no = records.record_no
        group by contact_records.record_no
    ),

    final as (
        select
            records.record_no as node,
            records.stream_key,
            coalesce(records.first_name_key, reported_by_contacts.first_name_key) as first_name_key,
            case
                when records.first_name_key is not null then records.naming else reported_by_contacts.naming
            end as naming,
            coalesce(records.document, reported_by_contacts.document) as document,
            records.is_lead_only,
            records.is_deleted,
            coalesce(records.birth_date, reported_by_contacts.birth_date) as birth_date,
            least(records.first_export_date, reported_by_contacts.first_export_date) as first_export_date
        from records
        left join reported_by_contacts on records.record_no = reported_by_contacts.record_no
        where not exists (select 1 from contact_records where contact_records.contact_no = records.record_no)
    )

select *
from final
