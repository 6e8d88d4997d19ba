-- Grain: one row per real order and vendor account that says something of refunds, returns or cancellations of it, with
-- what it says was taken back. Deltas of one account add up, its running totals take the greatest, be they reported one
-- by one or stated by the order or its lines; cancellations of an order that any vendor canceled are no refunds.
with
    claims as (select * from {{ ref("int_reported_refunds") }}),

    judged as (select * from {{ ref("int_account_cancellations") }}),

    stated_totals as (select * from {{ ref("int_stated_refunds") }}),

    canceled as (select * from {{ ref("int_canceled_orders") }}),

    reported as (
        select
            claims.order_id,
            claims.source,
            claims.source_account,
            sum(claims.amount) filter (where claims.is_counted and claims.amount_kind = 'delta') as delta_amount,
            sum(claims.subtotal_amount) filter (
                where claims.is_counted and claims.amount_kind = 'delta'
            ) as subtotal_amount,
            max(claims.amount) filter (
                where claims.is_counted and claims.amount_kind = 'running_total'
            ) as reported_running_amount,
            null as stated_running_amount,
            bool_or(not claims.is_counted and claims.action <> 'cancel') as has_unknown_share,
            bool_or(claims.amount is null and claims.action <> 'cancel') as has_missing_amount
        from claims
        left join canceled on claims.order_id = canceled.order_id
        where claims.order_id is not null and (claims.action <> 'cancel' or canceled.order_id is null)
        group by claims.order_id, claims.source, claims.source_account
    ),

    statements as (
        select *
        from reported
        union all
        select order_id, source, source_account, null, null, null, max(amount), bool_or(amount is null), false
        from stated_totals
        group by order_id, source, source_account
        union all
        select order_id, source, source_account, null, null, null, null, false, false
        from judged
    ),

    final as (
        select
            order_id,
            source,
            source_account,
            {{ capped("coalesce(sum(delta_amount), 0)") }} as delta_amount,
            {{ capped("sum(subtotal_amount)") }} as subtotal_amount,
            cast(coalesce(max(reported_running_amount), 0) as decimal(18, 4)) as reported_running_amount,
            cast(
                coalesce(greatest(max(reported_running_amount), max(stated_running_amount)), 0) as decimal(18, 4)
            ) as running_amount,
            bool_or(has_unknown_share) as has_unknown_share,
            bool_or(has_missing_amount) as has_missing_amount
        from statements
        group by order_id, source, source_account
    )

select *
from final
