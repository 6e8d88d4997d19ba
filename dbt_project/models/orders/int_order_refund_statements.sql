-- Grain: one row per real order and vendor account that says it was taken back in whole or in part; amounts in the
-- order's currency. Deltas of one account add up, its running totals take the greatest, be they reported one by one or
-- stated by the order or its lines. Whole and part are measured by the vendor's own word of the whole where it has one,
-- a subtotal against the subtotal; an order that any vendor canceled is canceled, and then its cancellations are no
-- refunds.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    wholes as (select * from {{ ref("int_order_totals_by_account") }}),

    judged as (select * from {{ ref("int_account_cancellations") }}),

    stated_totals as (select * from {{ ref("int_stated_refunds") }}),

    canceled as (
        select order_id
        from judged
        where is_canceled
        union
        select figures.order_id
        from figures
        inner join statuses on figures.progress = statuses.progress
        where statuses.status = 'canceled'
    ),

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

    by_account as (
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
    ),

    final as (
        select
            by_account.order_id,
            by_account.source,
            by_account.source_account,
            greatest(by_account.delta_amount, by_account.running_amount) as refunded_amount,
            by_account.subtotal_amount,
            by_account.delta_amount >= by_account.running_amount as is_sum_of_deltas,
            greatest(by_account.delta_amount, by_account.reported_running_amount)
            >= by_account.running_amount as is_kept_apart,
            by_account.has_unknown_share,
            by_account.has_missing_amount,
            greatest(by_account.delta_amount, by_account.running_amount) > 0
            and coalesce(
                greatest(by_account.delta_amount, by_account.running_amount) >= coalesce(wholes.total, figures.total)
                or by_account.subtotal_amount >= coalesce(wholes.subtotal, nullif(figures.subtotal, 0)),
                false
            ) as is_whole,
            canceled.order_id is not null as is_canceled,
            coalesce(judged.is_canceled, false) as is_canceled_by_account
        from by_account
        inner join figures on by_account.order_id = figures.order_id
        left join
            wholes
            on by_account.order_id = wholes.order_id
            and by_account.source = wholes.source
            and by_account.source_account = wholes.source_account
        left join canceled on by_account.order_id = canceled.order_id
        left join
            judged
            on by_account.order_id = judged.order_id
            and by_account.source = judged.source
            and by_account.source_account = judged.source_account
    )

select *
from final
