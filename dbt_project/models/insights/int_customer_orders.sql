-- Grain: one row per customer with orders and day, and what the orders up to it add up to; amounts in the reporting
-- currency. What happened later counts on no day: no later order, and no later refund, cancellation or payment.
with
    orders as (select * from {{ ref("fct_orders") }}),

    order_days as (select * from {{ ref("int_order_days") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    -- Age in days as of the day: 0 is that day itself, later orders are in no window.
    aged as (
        select
            orders.* replace(
                coalesce(order_days.is_valid, orders.is_valid) as is_valid,
                coalesce(order_days.refunded_amount, orders.refunded_amount) as refunded_amount,
                case
                    when order_days.order_id is null
                    then orders.refunded_amount_reporting
                    else order_days.refunded_amount_reporting
                end as refunded_amount_reporting,
                case
                    when order_days.order_id is null
                    then orders.net_amount_reporting
                    else order_days.net_amount_reporting
                end as net_amount_reporting
            ),
            insight_days.insight_date,
            {{ days_between("orders.order_date", "insight_days.insight_date") }} as age_days
        from orders
        inner join insight_days on orders.order_date <= insight_days.insight_date
        left join
            order_days on orders.order_id = order_days.order_id and insight_days.insight_date = order_days.insight_date
        where orders.customer_id is not null
    ),

    final as (
        select
            insight_date,
            customer_id,
            count(*) as orders_attempted,
            count(*) filter (where is_valid) as order_count,
            count(*) filter (where is_valid and net_amount_reporting is not null) as rated_order_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as total_revenue,
            {{ capped("coalesce(sum(total_amount_reporting) filter (where is_valid), 0)", 2) }} as gross_amount,
            {{ capped("coalesce(sum(refunded_amount_reporting) filter (where is_valid), 0)", 2) }} as refunded_amount,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as item_quantity,
            count(*) filter (where is_valid and refunded_amount > 0) as refunded_order_count,
            {% for days in [30, 90, 365] -%}
                count(*) filter (
                    where is_valid and age_days >= 0 and age_days < {{ days }}
                ) as order_count_{{ days }}_days,
                {{
                    capped(
                        "coalesce(sum(net_amount_reporting) filter (where is_valid and age_days >= 0 and age_days < "
                        ~ days
                        ~ "), 0)",
                        2,
                    )
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
