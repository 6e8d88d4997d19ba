-- Grain: one row per node that no person of standing can be found for: the cluster of those that share an identifier
-- and do not contradict each other. Who is kept apart from another of them stands alone, since others could link the
-- two.
with recursive
    weak_assignments as (select * from {{ ref("int_weak_assignments") }}),

    nodes as (select * from {{ ref("int_nodes") }}),

    node_identifiers as (select * from {{ ref("int_node_identifiers") }}),

    cannot_links as (select * from {{ ref("int_cannot_link") }}),

    residual as (
        select weak_assignments.node, nodes.first_name_key, nodes.document, nodes.birth_date
        from weak_assignments
        inner join nodes on weak_assignments.node = nodes.node
        where weak_assignments.person is null and not nodes.is_lead_only
    ),

    kept_apart as (
        select residual.node
        from residual
        inner join cannot_links on residual.node = cannot_links.node
        inner join residual as others on cannot_links.other_node = others.node
        group by residual.node
    ),

    held as (
        select
            residual.node,
            node_identifiers.identifier_key,
            residual.first_name_key,
            residual.document,
            residual.birth_date
        from residual
        inner join node_identifiers on residual.node = node_identifiers.node
        where not exists (select 1 from kept_apart where kept_apart.node = residual.node)
    ),

    agreed as (
        select identifier_key, min(node) as lesser
        from held
        group by identifier_key
        having
            count(*) > 1
            and coalesce(min(first_name_key) = max(first_name_key), true)
            and coalesce(min(document) = max(document), true)
            and coalesce(min(birth_date) = max(birth_date), true)
    ),

    edges as (
        select distinct held.node as greater, agreed.lesser
        from held
        inner join agreed on held.identifier_key = agreed.identifier_key
        where held.node <> agreed.lesser
    ),

    {{ connected_components("edges") }},

    final as (
        select
            residual.node,
            coalesce(components.component, residual.node) as cluster,
            kept_apart.node is not null as is_kept_apart
        from residual
        left join components on residual.node = components.vertex
        left join kept_apart on residual.node = kept_apart.node
    )

select *
from final
