-- Grain: one row per customer and day for which figures are computed and on which he was known, with what he had
-- ordered and done.
with
    customers as (select customer_id from {{ ref("dim_customers") }}),

    periods as (select * from {{ ref("dim_customers_history") }}),

    customer_orders as (select * from {{ ref("int_customer_orders") }}),

    engagement_by_class as (select * from {{ ref("int_engagement") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    known_since as (select customer_id, min(valid_from) as first_date from periods group by customer_id),

    engagement as (
        select
            insight_date,
            customer_id,
            sum(event_count) as event_count,
            sum(counted_worth) as worth,
            max(k) as k,
            max(last_event_at) as last_event_at
        from engagement_by_class
        group by insight_date, customer_id
    ),

    known as (
        select
            customers.customer_id, insight_days.insight_date, insight_days.reporting_currency, insight_days.is_run_day
        from customers
        inner join known_since on customers.customer_id = known_since.customer_id
        inner join insight_days on insight_days.is_run_day or known_since.first_date <= insight_days.insight_date
    ),

    final as (
        select
            known.customer_id,
            known.insight_date,
            known.reporting_currency,
            known.is_run_day,
            coalesce(customer_orders.order_count, 0) as order_count,
            coalesce(customer_orders.rated_order_count, 0) as rated_order_count,
            coalesce(customer_orders.orders_attempted, 0) as orders_attempted,
            coalesce(customer_orders.total_revenue, 0) as total_revenue,
            coalesce(customer_orders.gross_amount, 0) as gross_amount,
            coalesce(customer_orders.refunded_amount, 0) as refunded_amount,
            coalesce(customer_orders.item_quantity, 0) as item_quantity,
            coalesce(customer_orders.refunded_order_count, 0) as refunded_order_count,
            {% for days in [30, 90, 365] -%}
                coalesce(customer_orders.order_count_{{ days }}_days, 0) as order_count_{{ days }}_days,
                coalesce(customer_orders.revenue_{{ days }}_days, 0) as revenue_{{ days }}_days,
            {% endfor -%}
            customer_orders.first_order_date,
            customer_orders.last_order_date,
            customer_orders.first_order_at,
            customer_orders.last_order_at,
            {{ days_between("customer_orders.last_order_date", "known.insight_date") }} as days_since_last_order,
            round(
                100 * (
                    1 - exp(- cast(coalesce(engagement.worth, 0) as double) / cast(coalesce(engagement.k, 1) as double))
                ),
                6
            ) as engagement_score,
            cast(coalesce(engagement.event_count, 0) as bigint) as active_event_count,
            engagement.last_event_at as last_active_at
        from known
        left join
            customer_orders
            on known.customer_id = customer_orders.customer_id
            and known.insight_date = customer_orders.insight_date
        left join
            engagement on known.customer_id = engagement.customer_id and known.insight_date = engagement.insight_date
    )

select *
from final
