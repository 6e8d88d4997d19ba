-- Grain: one row per order id under a number that may be of several purchases, with its visit. Reports under one
-- number fall into visits, each more than seven days after the one before it.
with
    described as (select * from {{ ref("int_described_orders") }}),

    renumbered as (select * from {{ ref("int_renumbered_orders") }}),

    -- Numbers with reports that may be of several purchases.
    spread as (
        select order_namespace, order_match_key
        from described
        where total is not null
        group by order_namespace, order_match_key
        having max(ordered_at) - min(ordered_at) > interval 7 days
    ),

    in_question as (
        select order_namespace, order_match_key
        from spread
        union
        select order_namespace, order_match_key
        from renumbered
        union
        select order_namespace, other_match_key
        from renumbered
    ),

    dated as (
        select
            described.*,
            described.ordered_at - lag(described.ordered_at) over reports > interval 7 days as begins_a_visit
        from described
        inner join
            in_question
            on described.order_namespace = in_question.order_namespace
            and described.order_match_key = in_question.order_match_key
        where described.total is not null and described.ordered_at is not null
        window
            reports as (
                partition by described.order_namespace, described.order_match_key
                order by described.ordered_at, described.source, described.source_account, described.source_order_id
            )
    ),

    counted as (
        select
            *,
            count(*) filter (where begins_a_visit) over (
                partition by order_namespace, order_match_key
                order by ordered_at, source, source_account, source_order_id
                rows between unbounded preceding and current row
            ) as visit_number
        from dated
    ),

    final as (
        select *, dense_rank() over (order by order_namespace, order_match_key, visit_number) as visit from counted
    )

select *
from final
