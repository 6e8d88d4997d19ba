-- Grain: one row per record and identifier: whether it links there, and if not, why.
with
    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    records as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    conflicting as (select * from {{ ref("int_conflicting_identifiers") }}),

    shared as (select identifier_key from conflicting where is_shared group by identifier_key),

    ambiguous as (select node, identifier_key from conflicting where group_no is null),

    refused as (
        select node, identifier_key from {{ ref("int_cluster_splits") }} where is_refused group by node, identifier_key
    ),

    strong_records as (
        select record_no
        from identifiers
        where unusable_reason is null and is_current and not is_weak
        group by record_no
    ),

    carried as (
        select identifiers.*, coalesce(contact_records.record_no, identifiers.record_no) as node
        from identifiers
        left join contact_records on identifiers.record_no = contact_records.contact_no
    ),

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
                when identifiers.identifier_key in (select identifier_key from shared)
                then 'shared'
                when (identifiers.node, identifiers.identifier_key) in (select node, identifier_key from ambiguous)
                then 'ambiguous'
                when (identifiers.node, identifiers.identifier_key) in (select node, identifier_key from refused)
                then 'refused'
                when records.is_deleted
                then 'deleted'
                when identifiers.is_weak and identifiers.node in (select record_no from strong_records)
                then 'weak'
            end as not_linking_reason,
            identifiers.first_seen_at,
            identifiers.last_seen_at
        from carried as identifiers
        inner join records on identifiers.record_no = records.record_no
    )

select *
from final
