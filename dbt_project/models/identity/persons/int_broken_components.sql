-- Grain: one row per node of a component that holds two documents, or two nodes that must not be one person.
with
    document_marks as (select * from {{ ref("int_document_marks") }}),

    violated_cannot_links as (select * from {{ ref("int_violated_cannot_links") }}),

    members as (
        select components.component, components.node, document_marks.mark
        from {{ ref("int_components") }} as components
        left join document_marks on components.node = document_marks.node
    ),

    broken as (
        select component
        from members
        group by component
        having min(mark) <> max(mark)

        union

        select component
        from violated_cannot_links
    ),

    final as (select * from members where component in (select component from broken))

select *
from final
