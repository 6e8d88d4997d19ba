-- Grain: one row per record and identifier by which a contact may belong to a vendor record.
with
    records as (select * from {{ ref("int_record_evidence") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }} where unusable_reason is null),

    final as (
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
    )

select *
from final
