-- Grain: one row per computed segment, customer and unbroken stay, by days the warehouse was computed for.
with
    changes as (select * from {{ ref('int_computed_segment_changes') }}),

    aliases as (select * from {{ ref('customer_id_aliases') }}),

    segments as (select * from {{ ref('computed_segments') }}),

    customers as (select customer_id from {{ ref('dim_customers') }}),

    -- Of two ids that are one person today, one membership is membership.
    said as (
        select
            changes.segment_id,
            coalesce(aliases.customer_id, changes.customer_id) as customer_id,
            changes.as_of_date,
            bool_or(changes.is_member) as is_member
        from changes
        left join aliases on changes.customer_id = aliases.alias_id
        group by 1, 2, 3
    ),

    turned as (
        select *, lag(is_member) over (partition by segment_id, customer_id order by as_of_date) as was_member
        from said
    ),

    turns as (
        select *, lead(as_of_date) over (partition by segment_id, customer_id order by as_of_date) as next_date
        from turned
        where is_member is distinct from coalesce(was_member, false)
    ),

    final as (
        select
            turns.customer_id,
            turns.segment_id,
            coalesce(segments.name, turns.segment_id) as segment_name,
            turns.as_of_date as entered_date,
            turns.next_date as left_date
        from turns
        inner join customers on turns.customer_id = customers.customer_id
        left join segments on turns.segment_id = segments.segment_id
        where turns.is_member
    )

select *
from final
