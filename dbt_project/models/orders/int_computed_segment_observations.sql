-- Grain: one row per computed segment, customer and unbroken stay, by the days the warehouse was computed for.
-- Kept from night to night: what was true on an earlier day cannot be computed again, so this table is never rebuilt.
-- The same day computed again replaces what it said. People who became one carry their stays along by their aliases.
{{ config(materialized='table') }}
with
    members as (select * from {{ ref('int_computed_segment_members') }}),

    final as (
        select
            customer_id,
            segment_id,
            any_value(segment_name) as segment_name,
            min(as_of_date) as entered_date,
            cast(null as date) as left_date
        from members
        group by customer_id, segment_id
    )

select *
from final
