-- Grain: one row per record and identifier: whether it links there, and if not, why.
with
    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    records as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    belongings as (select * from {{ ref("int_contact_records") }}),

    contested as (select * from {{ ref("int_contested_holdings") }}),

    refused as (select node, identifier_key from {{ ref("int_repairs") }} where is_refused group by all),

    shared_keys as (select identifier_key from contested where is_shared group by identifier_key),

    strong_records as (select record_no from identifiers where unusable_reason is null and is_current and not is_weak group by record_no),

    final as (
        select
            identifiers.record_no,
            records.customer_id,
            records.source,
            identifiers.identifier_key,
            identifiers.id_type,
            identifiers.id_namespace,
            identifiers.id_value,
            case
                when identifiers.unusable_reason is not null
                then identifiers.unusable_reason
                when not identifiers.is_current
                then 'superseded'
                when shared_keys.identifier_key is not null
                then 'shared'
                when contested.node is not null and contested.group_no is null
                then 'ambiguous'
                when refused.node is not null
                then 'refused'
                when records.is_deleted
                then 'deleted'
                when identifiers.is_weak and strong_records.record_no is not null
                then 'weak'
            end as not_linking_reason,
            identifiers.first_seen_at,
            identifiers.last_seen_at
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        left join belongings on identifiers.record_no = belongings.contact_no
        left join contested on identifiers.identifier_key = contested.identifier_key and coalesce(belongings.record_no, identifiers.record_no) = contested.node
        left join refused on identifiers.identifier_key = refused.identifier_key and coalesce(belongings.record_no, identifiers.record_no) = refused.node
        left join shared_keys on identifiers.identifier_key = shared_keys.identifier_key
        left join strong_records on coalesce(belongings.record_no, identifiers.record_no) = strong_records.record_no
    )

select *
from final
