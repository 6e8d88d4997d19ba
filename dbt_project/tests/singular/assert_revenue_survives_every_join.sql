-- Guards against a fan-out: revenue by day and by order is one sum, and so is that by customer, of the orders up to the
-- run's day as they stood at its end. It does not say that revenue is right. What is more than its type holds is
-- expected to stand at the limit: one absurd order hides the sums of nobody else.
{{ config(meta={"kind": "law", "dagster": {"ref": {"name": "daily_metrics"}}}) }}

with
    orders as (select * from {{ ref("fct_orders") }}),

    expected_by_day as (
        select
            order_date,
            coalesce(currency, 'XXX') as currency,
            source,
            {{ capped("sum(net_amount_reporting) filter (where is_valid)", 2) }} as revenue
        from orders
        group by order_date, coalesce(currency, 'XXX'), source
    ),

    known as (
        select
            orders.customer_id,
            case
                when order_days.is_valid
                then order_days.net_amount_reporting
                when order_days.order_id is null and orders.is_valid
                then orders.net_amount_reporting
            end as revenue
        from orders
        inner join {{ source("internal", "run_settings") }} as settings on orders.order_date <= settings.as_of_date
        left join
            {{ ref("int_order_days") }} as order_days
            on orders.order_id = order_days.order_id
            and settings.as_of_date = order_days.insight_date
        where orders.customer_id is not null
    ),

    expected_by_customer as (
        select customer_id, {{ capped("sum(revenue)", 2) }} as revenue from known group by customer_id
    ),

    compared as (
        select
            (select coalesce(sum(revenue), 0) from expected_by_day) as revenue_of_days,
            (select coalesce(sum(revenue), 0) from {{ ref("daily_metrics") }}) as revenue_by_day,
            (select coalesce(sum(revenue), 0) from expected_by_customer) as revenue_of_customers,
            (select coalesce(sum(total_revenue), 0) from {{ ref("customer_insights") }}) as revenue_by_customer
    )

select *
from compared
where revenue_of_days <> revenue_by_day or revenue_of_customers <> revenue_by_customer
