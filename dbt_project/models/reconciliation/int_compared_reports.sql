-- Grain: one row per vendor report of a real order, beside the order's own figures.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    final as (
        select
            reports.*,
            orders.source as order_source,
            orders.currency as order_currency,
            orders.total_amount as order_total,
            orders.status as order_status,
            orders.customer_id as order_customer_id,
            row(
                coalesce(priorities.priority, 1000000), reports.source, reports.source_account, reports.source_record_id
            ) as preference
        from reports
        inner join orders on reports.order_id = orders.order_id
        left join priorities on reports.source = priorities.source
    )

select *
from final
