-- Guards against a fan-out: revenue by customer, by day and by order is one sum. It does not say that revenue is right.
with
    by_order as (
        select
            sum(net_amount_reporting) filter (where is_valid) as revenue,
            sum(net_amount_reporting) filter (where is_valid and customer_id is not null) as known_revenue
        from {{ ref("fct_orders") }}
    ),

    by_day as (select sum(revenue) as revenue from {{ ref("daily_metrics") }}),

    by_customer as (select sum(total_revenue) as revenue from {{ ref("customer_insights") }})

select by_order.revenue, by_order.known_revenue, by_day.revenue as revenue_by_day, by_customer.revenue as revenue_by_customer
from by_order
cross join by_day
cross join by_customer
where coalesce(by_order.revenue, 0) <> coalesce(by_day.revenue, 0) or coalesce(by_order.known_revenue, 0) <> coalesce(by_customer.revenue, 0)
