-- Grain: one row per stretch of time in which an order number that was used for several purchases meant one of them:
-- from the time of that purchase until the next. Before the first it means the first.
with
    reports as (select * from {{ ref("int_order_reports") }} where stated_ordered_at is not null),

    reused as (
        select order_namespace, order_match_key
        from reports
        group by order_namespace, order_match_key
        having bool_or(is_number_reused)
    ),

    purchases as (
        select
            reports.order_namespace,
            reports.order_match_key,
            reports.stated_ordered_at,
            min(reports.order_id) as order_id
        from reports
        inner join
            reused
            on reports.order_namespace = reused.order_namespace
            and reports.order_match_key = reused.order_match_key
        group by reports.order_namespace, reports.order_match_key, reports.stated_ordered_at
    ),

    final as (
        select
            order_namespace,
            order_match_key,
            order_id,
            case
                when row_number() over of_number = 1 then timestamptz '-infinity' else stated_ordered_at
            end as used_from,
            lead(stated_ordered_at, 1, timestamptz 'infinity') over of_number as used_until
        from purchases
        window of_number as (partition by order_namespace, order_match_key order by stated_ordered_at)
    )

select *
from final
