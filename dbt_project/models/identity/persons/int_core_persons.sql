-- Grain: one row per node that stands on its own: the person it belongs to, named by one of that person's nodes.
with
    core_nodes as (select node from {{ ref("int_node_identifiers") }} where is_core group by node),

    components as (select * from {{ ref("int_components") }}),

    splits as (select node, min(person) as person from {{ ref("int_cluster_splits") }} group by node),

    final as (
        select
            coalesce(core_nodes.node, components.node) as node,
            coalesce(splits.person, components.component, core_nodes.node) as person
        from core_nodes
        full outer join components on core_nodes.node = components.node
        left join splits on coalesce(core_nodes.node, components.node) = splits.node
    )

select *
from final
