-- Grain: one row per order that stood otherwise on an earlier day than it does today, with since when it is valid or
-- canceled and when it changed last.
with
    orders as (select * from {{ ref("fct_orders") }}),

    adjustments as (select * from {{ ref("fct_order_adjustments") }}),

    status_reports as (select * from {{ ref("int_order_status_reports") }}),

    first_reported as (select order_id, min(reported_at) as reported_at from status_reports group by order_id),

    turns as (
        select
            status_reports.order_id,
            bool_or(status_reports.is_valid) as was_valid,
            case
                when not bool_or(status_reports.is_valid and status_reports.reported_at = first_reported.reported_at)
                then min(status_reports.reported_at) filter (where status_reports.is_valid)
            end as valid_since,
            min(status_reports.reported_at) filter (where status_reports.status = 'canceled') as canceled_since
        from status_reports
        inner join first_reported on status_reports.order_id = first_reported.order_id
        group by status_reports.order_id
    ),

    refund_moments as (
        select adjustments.order_id, max(adjustments.occurred_at) as last_at
        from adjustments
        inner join orders on adjustments.order_id = orders.order_id
        where
            adjustments.amount is not null
            and not (adjustments.adjustment_type = 'cancel' and orders.status = 'canceled')
        group by adjustments.order_id
    ),

    final as (
        select
            orders.*,
            turns.was_valid,
            turns.valid_since,
            case
                when orders.status = 'canceled' then least(turns.canceled_since, orders.canceled_at)
            end as canceled_since,
            greatest(
                refund_moments.last_at,
                turns.valid_since,
                case when orders.status = 'canceled' then least(turns.canceled_since, orders.canceled_at) end
            ) as last_at
        from orders
        left join turns on orders.order_id = turns.order_id
        left join refund_moments on orders.order_id = refund_moments.order_id
        where turns.order_id is not null or refund_moments.order_id is not null
    )

select *
from final
