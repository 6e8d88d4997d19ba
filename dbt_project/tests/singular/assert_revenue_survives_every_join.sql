-- Guards against a fan-out: revenue by day and by order is one sum, and so is that by customer, of the orders up to the run's day as
-- they stood at its end. It does not say that revenue is right.
-- A sum that stands at the limit of its type is not compared.
{{ config(meta={"kind": "law"}) }}
{% set limit = "9999999999999999.99" %}

with
    by_order as (select sum(net_amount_reporting) filter (where is_valid) as revenue from {{ ref("fct_orders") }}),

    known as (
        select
            sum(
                case
                    when order_days.is_valid
                    then order_days.net_amount_reporting
                    when order_days.order_id is null and orders.is_valid
                    then orders.net_amount_reporting
                end
            ) as known_revenue
        from {{ ref("fct_orders") }} as orders
        inner join {{ source("internal", "run_settings") }} as settings on orders.order_date <= settings.as_of_date
        left join {{ ref("int_order_days") }} as order_days on orders.order_id = order_days.order_id and settings.as_of_date = order_days.insight_date
        where orders.customer_id is not null
    ),

    by_day as (select sum(revenue) as revenue, coalesce(bool_or(revenue >= {{ limit }}), false) as is_at_limit from {{ ref("daily_metrics") }}),

    by_customer as (
        select sum(total_revenue) as revenue, coalesce(bool_or(total_revenue >= {{ limit }}), false) as is_at_limit from {{ ref("customer_insights") }}
    )

select by_order.revenue, known.known_revenue, by_day.revenue as revenue_by_day, by_customer.revenue as revenue_by_customer
from by_order
cross join known
cross join by_day
cross join by_customer
where
    (coalesce(by_order.revenue, 0) <> coalesce(by_day.revenue, 0) and not by_day.is_at_limit)
    or (coalesce(known.known_revenue, 0) <> coalesce(by_customer.revenue, 0) and not by_customer.is_at_limit)
