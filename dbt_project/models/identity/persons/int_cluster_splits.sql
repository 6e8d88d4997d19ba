-- Grain: one row per link of a component that holds two documents or two records kept apart: the part it falls into.
-- Links are taken in order and refused where they would join what must stay apart; the rounds in which that is done are
-- composed here.
with recursive
    links as (select * from {{ ref("int_ordered_links") }}),

    contraction as (select * from {{ ref("int_contraction_steps") }}),

    {{ composed_steps("contraction") }},

    placed as (
        select
            links.component,
            links.node,
            links.link_key,
            links.identifier_key,
            coalesce(node_parts.component, links.node) as node_part,
            coalesce(link_parts.component, links.link_vertex) as link_part
        from links
        left join components as node_parts on links.node = node_parts.vertex
        left join components as link_parts on links.link_vertex = link_parts.vertex
    ),

    final as (
        select
            component,
            node,
            min(node) over (partition by node_part) as person,
            link_key,
            identifier_key,
            node_part <> link_part as is_refused
        from placed
    )

select *
from final
