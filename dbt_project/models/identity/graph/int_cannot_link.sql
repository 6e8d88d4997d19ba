-- Grain: one row per node and other node that it must not be one person with, each pair both ways.
with
    overrides as (select * from {{ ref("int_override_pairs") }} where rule = 'never'),

    final as (
        select node, other_node
        from overrides

        union all

        select other_node as node, node as other_node
        from overrides
    )

select *
from final
