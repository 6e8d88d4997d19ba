-- Grain: one row per weak node and key by which it may follow a person: the holder that it would follow, which is the
-- newest as of the weak node's own first export date, or the first where nobody held the key yet. Holders of a strong
-- key must be one person.
with
    weak_nodes as (select * from {{ ref("int_weak_nodes") }}),

    nodes as (select * from {{ ref("int_nodes") }}),

    node_identifiers as (select * from {{ ref("int_node_identifiers") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    shared_keys as (select distinct identifier_key from {{ ref("int_conflicting_identifiers") }} where is_shared),

    followed_keys as (
        select
            node_identifiers.node, node_identifiers.identifier_key, node_identifiers.type_rank, node_identifiers.is_weak
        from node_identifiers
        inner join weak_nodes on node_identifiers.node = weak_nodes.node
        where not exists (select 1 from shared_keys where shared_keys.identifier_key = node_identifiers.identifier_key)
    ),

    held as (
        select node_identifiers.identifier_key, node_identifiers.node, persons.person
        from node_identifiers
        inner join persons on node_identifiers.node = persons.node
        where node_identifiers.identifier_key in (select identifier_key from followed_keys)
    ),

    one_person_keys as (
        select identifier_key, min(person) = max(person) as is_one_person from held group by identifier_key
    ),

    -- One holder of a key speaks for all who came on one export date and say the same of themselves.
    holders as (
        select
            held.identifier_key,
            nodes.first_export_date,
            nodes.first_name_key,
            nodes.naming,
            nodes.document,
            nodes.birth_date,
            min(held.node) as node
        from held
        inner join nodes on held.node = nodes.node
        group by
            held.identifier_key,
            nodes.first_export_date,
            nodes.first_name_key,
            nodes.naming,
            nodes.document,
            nodes.birth_date
    ),

    final as (
        select
            followed_keys.node,
            followed_keys.identifier_key,
            followed_keys.type_rank,
            holders.node as holder_node,
            holders.first_export_date
        from followed_keys
        inner join weak_nodes on followed_keys.node = weak_nodes.node
        inner join holders on followed_keys.identifier_key = holders.identifier_key
        inner join one_person_keys on followed_keys.identifier_key = one_person_keys.identifier_key
        where
            (followed_keys.is_weak or one_person_keys.is_one_person) and {{ evidence_agrees("weak_nodes", "holders") }}
        qualify
            row_number() over (
                partition by followed_keys.node, followed_keys.identifier_key
                order by {{ newest_before("holders", "weak_nodes") }}, holders.node
            )
            = 1
    )

select *
from final
