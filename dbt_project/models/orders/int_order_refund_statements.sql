-- Grain: one row per real order and vendor account that says it was taken back in whole or in part; amounts in the
-- order's currency. Whole and part are measured by the vendor's own word of the whole where it has one, a subtotal
-- against the subtotal; an order that any vendor canceled is canceled.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    wholes as (select * from {{ ref("int_order_totals_by_account") }}),

    judged as (select * from {{ ref("int_account_cancellations") }}),

    canceled as (select * from {{ ref("int_canceled_orders") }}),

    by_account as (select * from {{ ref("int_account_refunds") }}),

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
