-- Grain: one row per real order and vendor account that reports cancellations of it. A cancellation without an
-- amount, or of the whole, cancels the order; one of a part takes that part back.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    wholes as (select * from {{ ref("int_order_totals_by_account") }}),

    cancellations as (
        select
            claims.order_id,
            claims.source,
            claims.source_account,
            bool_or(claims.amount is null) as has_no_amount,
            sum(claims.amount) as amount,
            sum(claims.subtotal_amount) as subtotal_amount
        from claims
        where claims.order_id is not null and claims.action = 'cancel' and claims.is_counted
        group by claims.order_id, claims.source, claims.source_account
    ),

    final as (
        select
            cancellations.order_id,
            cancellations.source,
            cancellations.source_account,
            coalesce(
                cancellations.has_no_amount
                or cancellations.amount >= coalesce(wholes.total, figures.total)
                or cancellations.subtotal_amount >= coalesce(wholes.subtotal, nullif(figures.subtotal, 0)),
                false
            ) as is_canceled
        from cancellations
        inner join figures on cancellations.order_id = figures.order_id
        left join
            wholes
            on cancellations.order_id = wholes.order_id
            and cancellations.source = wholes.source
            and cancellations.source_account = wholes.source_account
    )

select *
from final
