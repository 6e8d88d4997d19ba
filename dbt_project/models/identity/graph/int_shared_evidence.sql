-- Grain: one row per node and strong key that at least two nodes hold, with what the node knows of its person that may
-- speak against it. Who gives no first name goes by the one that all holders of its strongest key give, so that it does
-- not link two people by two keys.
with
    node_identifiers as (select * from {{ ref("int_node_identifiers") }} where is_core and not is_weak),

    nodes as (select * from {{ ref("int_nodes") }}),

    common_keys as (select identifier_key from node_identifiers group by identifier_key having count(*) > 1),

    held as (
        select node_identifiers.*, nodes.first_name_key, nodes.naming, nodes.document, nodes.birth_date
        from node_identifiers
        inner join common_keys on node_identifiers.identifier_key = common_keys.identifier_key
        inner join nodes on node_identifiers.node = nodes.node
    ),

    key_names as (
        select identifier_key, min(first_name_key) as first_name_key
        from held
        where not ignores_first_name
        group by identifier_key
        having min(first_name_key) = max(first_name_key)
    ),

    reported as (
        select
            held.node,
            held.type_rank,
            key_names.first_name_key,
            min(held.type_rank) over (partition by held.node) as least_rank
        from held
        inner join key_names on held.identifier_key = key_names.identifier_key
        where held.first_name_key is null
    ),

    inferred as (
        select node, min(first_name_key) as first_name_key
        from reported
        where type_rank = least_rank
        group by node
        having min(first_name_key) = max(first_name_key)
    ),

    final as (
        select
            held.node,
            held.identifier_key,
            held.type_rank,
            case
                when not held.ignores_first_name then coalesce(held.first_name_key, inferred.first_name_key)
            end as first_name_key,
            case when not held.ignores_first_name and held.first_name_key is not null then held.naming end as naming,
            held.document,
            case when not held.ignores_birth_date then held.birth_date end as birth_date,
            held.first_seen_at
        from held
        left join inferred on held.node = inferred.node
    )

select *
from final
