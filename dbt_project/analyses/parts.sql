-- Grain: one row per change key of rows of staging that is linked to another: the part of the data it falls into. Rows
-- of two parts never decide about each other. The links stand in a table of pairs that is made beside the models
-- (orchestration/transformation/parts.py); keys are hashes, and so in no order that follows the pairs.
with recursive
    edges as (
        select distinct greatest(one, other) as greater, least(one, other) as lesser
        from internal.key_pairs
        where one <> other
    ),

    {{ connected_components("edges") }},

    final as (
        select vertex as change_key, component as part
        from components

        union all

        select distinct component as change_key, component as part
        from components
    )

select *
from final
