-- Grain: one row per business day, order currency and source that the figures are from; sums to fct_orders exactly. A
-- customer is new on the day of the first valid order and repeat on later days, counted where that day's first order
-- is.
with
    orders as (select * replace (coalesce(currency, 'XXX') as currency) from {{ ref("fct_orders") }}),

    ranked as (
        select
            *,
            case
                when is_valid and customer_id is not null
                then row_number() over (partition by customer_id, is_valid order by ordered_at, order_id)
            end as customer_order_number,
            case
                when is_valid and customer_id is not null
                then row_number() over (partition by customer_id, is_valid, order_date order by ordered_at, order_id)
            end as customer_order_number_of_day
        from orders
    ),

    totals as (
        select
            order_date,
            currency,
            source,
            reporting_currency,
            count(*) as orders_attempted,
            count(*) filter (where is_valid) as order_count,
            {{ capped("coalesce(sum(total_amount) filter (where is_valid), 0)") }} as gross_amount,
            {{ capped("coalesce(sum(refunded_amount) filter (where is_valid), 0)") }} as refunded_amount,
            {{ capped("coalesce(sum(net_amount) filter (where is_valid), 0)") }} as net_amount,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as revenue,
            count(*) filter (where is_valid and net_amount_reporting is null) as orders_without_rate,
            count(*) filter (where customer_order_number = 1) as new_customer_count,
            count(*) filter (
                where customer_order_number > 1 and customer_order_number_of_day = 1
            ) as repeat_customer_count,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as item_quantity
        from ranked
        group by order_date, currency, source, reporting_currency
    ),

    final as (
        select
            order_date,
            currency,
            source,
            reporting_currency,
            order_count,
            orders_attempted,
            gross_amount,
            refunded_amount,
            net_amount,
            revenue,
            {{ average_order_value("revenue", "order_count - orders_without_rate") }} as average_order_value,
            orders_without_rate,
            new_customer_count,
            repeat_customer_count,
            item_quantity
        from totals
    )

select *
from final
