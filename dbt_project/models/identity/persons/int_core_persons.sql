-- Grain: one row per node that stands on its own: the person it belongs to, named by one of that person's nodes.
with
    holdings as (select node from {{ ref("int_node_identifiers") }} where is_core group by node),

    components as (select * from {{ ref("int_components") }}),

    repairs as (select node, min(person) as person from {{ ref("int_cluster_splits") }} group by node),

    final as (
        select
            coalesce(holdings.node, components.node) as node,
            coalesce(repairs.person, components.component, holdings.node) as person
        from holdings
        full outer join components on holdings.node = components.node
        left join repairs on coalesce(holdings.node, components.node) = repairs.node
    )

select *
from final
