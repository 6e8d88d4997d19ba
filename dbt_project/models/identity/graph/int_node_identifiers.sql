-- Grain: one row per node and key it holds: usable identifiers, composite keys, and superseded identifiers under which
-- name and birth date or document agree.
with
    nodes as (select * from {{ ref("int_nodes") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }} where unusable_reason is null),

    composite_keys as (select * from {{ ref("int_composite_keys") }}),

    confirmed_keys as (select * from {{ ref("int_confirmed_keys") }}),

    held as (
        select
            record_no,
            identifier_key,
            case
                when is_weak
                then 9
                when id_type = 'document'
                then 1
                when id_type in ('customer_id', 'external_id', 'profile_id', 'contact_id')
                then 2
                when id_type = 'email'
                then 3
                when id_type = 'phone'
                then 4
                else 5
            end as type_rank,
            is_weak,
            false as ignores_first_name,
            false as ignores_birth_date,
            first_seen_at
        from identifiers
        where is_current

        union all

        select
            record_no,
            identifier_key,
            6 as type_rank,
            false as is_weak,
            ignores_first_name,
            ignores_birth_date,
            cast(null as timestamptz) as first_seen_at
        from composite_keys

        union all

        select
            record_no,
            identifier_key,
            7 as type_rank,
            false as is_weak,
            false as ignores_first_name,
            false as ignores_birth_date,
            first_seen_at
        from confirmed_keys
    ),

    by_node as (
        select
            coalesce(contact_records.record_no, held.record_no) as node,
            held.identifier_key,
            min(held.type_rank) as type_rank,
            bool_and(held.is_weak) as is_weak,
            bool_and(held.ignores_first_name) as ignores_first_name,
            bool_and(held.ignores_birth_date) as ignores_birth_date,
            min(held.first_seen_at) as first_seen_at
        from held
        left join contact_records on held.record_no = contact_records.contact_no
        group by coalesce(contact_records.record_no, held.record_no), held.identifier_key
    ),

    strong_nodes as (select node from by_node where not is_weak group by node),

    final as (
        select
            by_node.node,
            by_node.identifier_key,
            by_node.type_rank,
            by_node.is_weak,
            by_node.ignores_first_name,
            by_node.ignores_birth_date,
            strong_nodes.node is not null and not nodes.is_deleted and not nodes.is_lead_only as is_core,
            by_node.first_seen_at
        from by_node
        inner join nodes on by_node.node = nodes.node
        left join strong_nodes on by_node.node = strong_nodes.node
    )

select *
from final
