-- Grain: one row per customer with orders and day, and what the orders up to it add up to; amounts in the reporting currency.
-- On the run's day all orders count, those that a vendor dates later too.
with
    orders as (select * from {{ ref("fct_orders") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    -- Age in days as of the day: 0 is that day itself, later orders are in no window.
    aged as (
        select orders.*, insight_days.insight_date, {{ days_between("orders.order_date", "insight_days.insight_date") }} as age_days
        from orders
        inner join insight_days on insight_days.is_run_day or orders.order_date <= insight_days.insight_date
        where orders.customer_id is not null
    ),

    final as (
        select
            insight_date,
            customer_id,
            count(*) as orders_attempted,
            count(*) filter (where is_valid) as order_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as total_revenue,
            {{ capped("coalesce(sum(total_amount_reporting) filter (where is_valid), 0)", 2) }} as gross_amount,
            {{ capped("coalesce(sum(refunded_amount_reporting) filter (where is_valid), 0)", 2) }} as refunded_amount,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as item_quantity,
            count(*) filter (where is_valid and refunded_amount > 0) as refunded_order_count,
            {% for days in [30, 90, 365] -%}
                count(*) filter (where is_valid and age_days >= 0 and age_days < {{ days }}) as order_count_{{ days }}_days,
                {{
                    capped("coalesce(sum(net_amount_reporting) filter (where is_valid and age_days >= 0 and age_days < " ~ days ~ "), 0)", 2)
                }} as revenue_{{ days }}_days,
            {% endfor -%}
            min(order_date) filter (where is_valid) as first_order_date,
            max(order_date) filter (where is_valid) as last_order_date,
            min(ordered_at) filter (where is_valid) as first_order_at,
            max(ordered_at) filter (where is_valid) as last_order_at
        from aged
        group by insight_date, customer_id
    )

select *
from final
