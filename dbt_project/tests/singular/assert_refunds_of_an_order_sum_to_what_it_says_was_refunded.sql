-- Guards against refunds counted twice or lost between the facts; a whole cancellation takes the order back and is no
-- refund.
{{ config(meta={"kind": "law", "dagster": {"ref": {"name": "fct_order_adjustments"}}}) }}

with
    orders as (select * from {{ ref("fct_orders") }}),

    refunds as (
        select adjustments.order_id, sum(adjustments.amount) as amount
        from {{ ref("fct_order_adjustments") }} as adjustments
        inner join orders on adjustments.order_id = orders.order_id
        where
            (adjustments.adjustment_type <> 'cancel' or orders.status <> 'canceled')
            and coalesce(adjustments.currency = orders.currency, true)
        group by adjustments.order_id
    )

select orders.order_id, orders.refunded_amount, refunds.amount
from orders
left join refunds on orders.order_id = refunds.order_id
where orders.refunded_amount <> {{ capped("coalesce(refunds.amount, 0)") }}
