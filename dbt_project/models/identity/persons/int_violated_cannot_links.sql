-- Grain: one row per node and other node that it must not be one person with, and shares a component with: each pair
-- both ways.
with
    cannot_links as (select * from {{ ref("int_cannot_link") }}),

    components as (select * from {{ ref("int_components") }}),

    final as (
        select one.component, cannot_links.node, cannot_links.other_node
        from cannot_links
        inner join components as one on cannot_links.node = one.node
        inner join components as other on cannot_links.other_node = other.node and one.component = other.component
    )

select *
from final
