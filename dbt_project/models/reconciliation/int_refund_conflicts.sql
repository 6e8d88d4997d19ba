-- Grain: one row per order, kind of conflict and vendor record that says otherwise of its refunds, or leaves something
-- of them unsaid; also per refund that no order is known of.
with
    orders as (select * from {{ ref("fct_orders") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    refund_statements as (select * from {{ ref("int_order_refund_statements") }}),

    states as (select * from {{ ref("int_order_states") }}),

    final as (
        select
            'refund' as conflict_type,
            states.order_id,
            states.refund_source as chosen_source,
            cast(states.refunded_amount as varchar) as chosen_value,
            refund_statements.source as other_source,
            null as other_record_id,
            cast(refund_statements.refunded_amount as varchar) as other_value
        from refund_statements
        inner join states on refund_statements.order_id = states.order_id
        where refund_statements.refunded_amount > 0 and refund_statements.refunded_amount <> states.refunded_amount
        union all
        select
            'refund_currency',
            orders.order_id,
            orders.source,
            orders.currency,
            claims.source,
            claims.adjustment_id,
            claims.told_currency
        from claims
        inner join orders on claims.order_id = orders.order_id
        where claims.is_other_currency
        union all
        select
            'refund_exceeds_total',
            order_id,
            refund_source,
            cast(total_amount as varchar),
            refund_source,
            null,
            cast(refunded_amount as varchar)
        from states
        where refunded_amount > total_amount
        union all
        select 'refund_amount_missing', states.order_id, orders.source, orders.status, orders.source, null, null
        from states
        inner join orders on states.order_id = orders.order_id
        where states.is_refund_amount_missing
        union all
        select 'orphan_refund', null, null, null, source, source_order_id, cast(amount as varchar)
        from claims
        where order_id is null
    )

select *
from final
