-- Grain: one row per real order that states more as refunded than its refunds are reported to be, with the
-- difference as a refund.
with
    reported as (select * from {{ ref("int_counted_refunds") }}),

    turns as (select * from {{ ref("int_refunded_since") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    states as (select * from {{ ref("int_order_states") }}),

    reported_by_order as (select order_id, sum(amount) as amount from reported group by order_id),

    final as (
        select
            {{ stable_key(["states.order_id", "'stated'"]) }} as claim_id,
            states.order_id,
            coalesce(states.refund_source, figures.source) as source,
            coalesce(refunds.source_account, figures.source_account) as source_account,
            cast(null as varchar) as adjustment_id,
            'refund' as action,
            figures.currency,
            states.refunded_amount - coalesce(reported_by_order.amount, 0) as amount,
            cast(null as varchar) as told_currency,
            cast(null as decimal(18, 4)) as told_amount,
            coalesce(turns.refunded_at, turns.first_at, figures.ordered_at) as occurred_at,
            true as is_occurred_at_inferred
        from states
        inner join figures on states.order_id = figures.order_id
        left join refunds on states.order_id = refunds.order_id
        left join reported_by_order on states.order_id = reported_by_order.order_id
        left join
            turns
            on states.order_id = turns.order_id
            and turns.source = coalesce(states.refund_source, figures.source)
            and turns.source_account = coalesce(refunds.source_account, figures.source_account)
        where states.refunded_amount > coalesce(reported_by_order.amount, 0)
    )

select *
from final
