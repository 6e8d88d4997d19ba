-- Grain: one row per customer and day for which a vendor reports figures, with ours of the orders up to that day's end.
with
    stats as (
        select distinct customer_id, export_date from {{ ref("int_vendor_stats") }} where customer_id is not null
    ),

    orders as (select * from {{ ref("fct_orders") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    final as (
        select
            stats.customer_id,
            stats.export_date,
            count(*) as orders_attempted,
            count(*) filter (where orders.is_valid) as order_count,
            {{ capped("coalesce(sum(orders.net_amount_reporting) filter (where orders.is_valid), 0)", 2) }}
            as total_revenue,
            count(orders.net_amount_reporting) filter (where orders.is_valid) as rated_order_count,
            {{ capped("coalesce(sum(orders.item_quantity) filter (where orders.is_valid), 0)") }} as item_quantity,
            min(orders.ordered_at) filter (where orders.is_valid) as first_order_at,
            max(orders.ordered_at) filter (where orders.is_valid) as last_order_at
        from stats
        inner join settings on true
        inner join
            orders
            on stats.customer_id = orders.customer_id
            and orders.ordered_at
            < {{ day_start("cast(stats.export_date + 1 as date)", "settings.reporting_time_zone") }}
        group by stats.customer_id, stats.export_date
    )

select *
from final
