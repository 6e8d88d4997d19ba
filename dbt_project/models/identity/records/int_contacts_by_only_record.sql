-- Grain: one row per contact that names no vendor record by its own id, and shares an address, phone or document with
-- one record of the account only, unless name, birth date or document contradict. Only is who was so when the contact
-- came, or else when the first such record came: records that come later take nobody's contacts.
with
    records as (select * from {{ ref("int_record_evidence") }}),

    held as (select * from {{ ref("int_held_identifiers") }}),

    named_records as (select * from {{ ref("int_contacts_by_own_id") }}),

    -- Of the holders of a value the first two show whether one of them was ever alone with it.
    first_holders as (
        select source, source_account, identifier_key, record_no, first_export_date
        from held
        where not is_contact and not is_deleted and own_id_rank is null
        qualify
            row_number() over (
                partition by source, source_account, identifier_key order by first_export_date, record_no
            )
            <= 2
    ),

    sharing as (
        select
            held.record_no as contact_no,
            first_holders.record_no,
            min(greatest(held.first_export_date, first_holders.first_export_date)) as shared_from
        from held
        inner join
            first_holders
            on held.source = first_holders.source
            and held.source_account = first_holders.source_account
            and held.identifier_key = first_holders.identifier_key
        where
            held.is_contact
            and held.own_id_rank is null
            and not exists (select 1 from named_records where named_records.contact_no = held.record_no)
        group by held.record_no, first_holders.record_no
    ),

    first_sharing as (
        select contact_no, record_no from sharing qualify shared_from = min(shared_from) over (partition by contact_no)
    ),

    only_records as (
        select contact_no, min(record_no) as record_no from first_sharing group by contact_no having count(*) = 1
    ),

    final as (
        select only_records.contact_no, only_records.record_no
        from only_records
        inner join records as contact on only_records.contact_no = contact.record_no
        inner join records as vendor_record on only_records.record_no = vendor_record.record_no
        where {{ evidence_agrees("contact", "vendor_record") }}
    )

select *
from final
