-- Grain: one row per real order, with the vendor whose word counts for its currency, status and customer: the best
-- of those that report what stands. Who takes an order back settles its status, though it may report no order.
with
    compared as (select * from {{ ref("int_compared_reports") }}),

    refund_statements as (select * from {{ ref("int_order_refund_statements") }}),

    states as (select * from {{ ref("int_order_states") }}),

    deciding as (
        select
            order_id,
            min_by(source, preference) filter (where currency = order_currency) as currency_source,
            min_by(source, preference) filter (where status = order_status) as status_source,
            min_by(source, preference) filter (where customer_id = order_customer_id) as customer_source
        from compared
        group by order_id
    ),

    taken_back as (
        select
            refund_statements.order_id,
            coalesce(
                min(refund_statements.source) filter (where is_canceled_by_account), min(states.refund_source)
            ) as source
        from refund_statements
        inner join states on refund_statements.order_id = states.order_id
        group by refund_statements.order_id
    ),

    final as (
        select
            deciding.order_id,
            deciding.currency_source,
            coalesce(deciding.status_source, taken_back.source) as status_source,
            deciding.customer_source
        from deciding
        left join taken_back on deciding.order_id = taken_back.order_id
    )

select *
from final
