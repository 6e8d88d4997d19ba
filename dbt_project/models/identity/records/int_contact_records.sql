-- Grain: one row per contact that belongs to a vendor record, so that no derived record exists for it. It belongs to
-- the record that it names by its own id, else to the only record of the account that shares an address, phone or
-- document with it, unless name, birth date or document contradict. Only is who was so when the contact came, or else
-- when the first such record came: records that come later take nobody's contacts. An override that keeps it apart from
-- the record, or from another contact of that record, leaves it on its own.
with
    records as (select * from {{ ref("int_record_evidence") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }} where unusable_reason is null),

    overrides as (select * from {{ ref("int_override_records") }} where rule = 'never'),

    held as (
        select
            records.record_no,
            records.source,
            records.source_account,
            records.is_contact,
            records.is_deleted,
            identifiers.identifier_key,
            identifiers.id_type,
            case
                identifiers.id_type
                when 'profile_id'
                then 1
                when 'contact_id'
                then 2
                when 'customer_id'
                then 3
                when 'external_id'
                then 4
            end as own_id_rank,
            records.first_export_date,
            concat(
                cast(records.is_deleted as integer),
                cast(records.first_export_date as varchar),
                {{ record_order("records") }}
            ) as record_order
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        where
            (identifiers.is_current and identifiers.id_type in ('email', 'phone', 'document'))
            -- Of a contact that is outdated the vendor's own ids still say who it was of.
            or (
                (identifiers.is_current or records.is_contact)
                and identifiers.id_type in ('profile_id', 'contact_id', 'customer_id', 'external_id')
            )
    ),

    own_ids as (
        select
            source,
            source_account,
            identifier_key,
            min_by(record_no, record_order) as record_no,
            min(record_order) as record_order
        from held
        where not is_contact and own_id_rank is not null
        group by source, source_account, identifier_key
    ),

    named_records as (
        select
            held.record_no as contact_no,
            min_by(own_ids.record_no, concat(cast(held.own_id_rank as varchar), own_ids.record_order)) as record_no
        from held
        inner join
            own_ids
            on held.source = own_ids.source
            and held.source_account = own_ids.source_account
            and held.identifier_key = own_ids.identifier_key
        where held.is_contact
        group by held.record_no
    ),

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

    agreeing_records as (
        select only_records.contact_no, only_records.record_no
        from only_records
        inner join records as contact on only_records.contact_no = contact.record_no
        inner join records as vendor_record on only_records.record_no = vendor_record.record_no
        where {{ evidence_agrees("contact", "vendor_record") }}
    ),

    claimed as (
        select contact_no, record_no, 'own_id' as belongs_by
        from named_records

        union all

        select contact_no, record_no, 'only_record' as belongs_by
        from agreeing_records
    ),

    kept_apart as (
        select one.contact_no, other.contact_no as other_contact_no
        from overrides
        left join claimed as one on overrides.record_no = one.contact_no
        left join claimed as other on overrides.other_record_no = other.contact_no
        where coalesce(one.record_no, overrides.record_no) = coalesce(other.record_no, overrides.other_record_no)
    ),

    final as (
        select contact_no, record_no, belongs_by
        from claimed
        where
            not exists (
                select 1
                from kept_apart
                where claimed.contact_no in (kept_apart.contact_no, kept_apart.other_contact_no)
            )
    )

select *
from final
