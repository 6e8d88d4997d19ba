-- Grain: one row per node with a document: the mark it bears, which no other person's node may share a person with.
-- Documents that one record carries, or records that an override joins, are one mark: they may stand together wherever
-- one of them stands.
with recursive
    nodes as (
        select node, unnest(string_split(document, '|')) as document
        from {{ ref("int_nodes") }}
        where document is not null
    ),

    joined as (select * from {{ ref("int_override_pairs") }} where rule = 'always'),

    marked as (
        select node
        from nodes
        group by node
        having count(*) > 1

        union

        select node
        from joined

        union

        select other_node
        from joined
    ),

    numbered as (
        select nodes.node, nodes.document, cast(- dense_rank() over (order by nodes.document) as hugeint) as number
        from nodes
        inner join marked on nodes.node = marked.node
    ),

    edges as (
        select distinct node as greater, number as lesser
        from numbered

        union

        select other_node, node
        from joined
    ),

    {{ connected_components("edges") }},

    places as (
        select vertex, component
        from components

        union

        select component, component
        from components
    ),

    marks as (
        select numbered.document, min(numbered.document) over (partition by places.component) as mark
        from numbered
        inner join places on numbered.number = places.vertex
    ),

    final as (
        select nodes.node, min(coalesce(marks.mark, nodes.document)) as mark
        from nodes
        left join marks on nodes.document = marks.document
        group by nodes.node
    )

select *
from final
