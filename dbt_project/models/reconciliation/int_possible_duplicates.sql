-- Grain: one row per pair of orders of one person, total and currency within a day that no vendor reports both of.
with
    orders as (select * from {{ ref("fct_orders") }}),

    final as (
        select
            orders.order_id,
            orders.source,
            orders.order_number,
            others.source as other_source,
            others.order_id as other_order_id,
            others.order_number as other_order_number
        from orders
        inner join
            orders as others
            on orders.customer_id = others.customer_id
            and orders.total_amount = others.total_amount
            and orders.currency = others.currency
            and orders.order_id <> others.order_id
            and (orders.ordered_at, orders.order_id) > (others.ordered_at, others.order_id)
            and orders.ordered_at - others.ordered_at <= interval 1 day
            and not list_has_any(orders.sources, others.sources)
        where orders.total_amount > 0
    )

select *
from final
