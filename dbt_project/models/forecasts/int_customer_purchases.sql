-- Grain: one row per customer with a valid order up to the run's day. Valid orders of one day are one purchase.
with
    orders as (select * from {{ ref("fct_orders") }}),

    order_days as (select * from {{ ref("int_order_days") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    days as (
        select
            orders.customer_id,
            orders.order_date,
            settings.as_of_date,
            min(orders.order_date) over (partition by orders.customer_id) as first_order_date,
            sum(
                case
                    when order_days.order_id is null
                    then orders.net_amount_reporting
                    else order_days.net_amount_reporting
                end
            ) as amount
        from orders
        inner join settings on orders.order_date <= settings.as_of_date
        left join order_days on orders.order_id = order_days.order_id and order_days.insight_date = settings.as_of_date
        where coalesce(order_days.is_valid, orders.is_valid) and orders.customer_id is not null
        group by orders.customer_id, orders.order_date, settings.as_of_date
    ),

    final as (
        select
            customer_id,
            count(*) - 1 as repeat_count,
            {{ days_between("first_order_date", "max(order_date)") }} as recency_days,
            {{ days_between("first_order_date", "as_of_date") }} as age_days,
            count(amount) filter (where order_date > first_order_date) as valued_repeat_count,
            {{ capped("coalesce(sum(amount) filter (where order_date > first_order_date), 0)", 2) }} as repeat_amount
        from days
        group by customer_id, first_order_date, as_of_date
    )

select *
from final
