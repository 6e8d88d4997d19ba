-- Grain: one row per node that shares a link with another: the component it falls into, before the rules on whole
-- persons.
with recursive
    links as (select * from {{ ref("int_links") }}),

    -- Every holder is joined to the smallest holder: a quarter of the edges that pairs of neighbours would be.
    edges as (
        select distinct greater, lesser
        from (select node as greater, min(node) over (partition by link_key) as lesser from links)
        where greater <> lesser
    ),

    {{ connected_components("edges") }},

    final as (
        select vertex as node, component
        from components

        union all

        select distinct component as node, component
        from components
    )

select *
from final
