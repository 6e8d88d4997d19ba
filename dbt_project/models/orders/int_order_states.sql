-- Grain: one row per real order, with its final status, what was refunded and what is left.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    validity as (select * from {{ ref("order_status_validity") }}),

    -- What the refunds themselves say of the status, beside what reports say.
    judged as (
        select
            figures.order_id,
            figures.total,
            figures.progress,
            refunds.source as refund_source,
            coalesce(refunds.refunded_amount, 0) as refunded_amount,
            coalesce(refunds.is_sum_of_deltas, true) as is_sum_of_deltas,
            coalesce(refunds.has_missing_amount, false) as has_missing_amount,
            case
                when refunds.is_canceled
                then 'canceled'
                when refunds.refunded_amount > 0 and (refunds.refunded_amount >= figures.total or refunds.is_whole)
                then 'refunded'
                when refunds.refunded_amount > 0 or refunds.has_unknown_share
                then 'partially_refunded'
                else 'unknown'
            end as status_by_refunds
        from figures
        left join refunds on figures.order_id = refunds.order_id
    ),

    settled as (
        select judged.*, greatest(judged.progress, statuses.progress) as final_progress
        from judged
        inner join statuses on judged.status_by_refunds = statuses.status
    ),

    final as (
        select
            settled.order_id,
            statuses.status,
            settled.refund_source,
            settled.total as total_amount,
            cast(
                case
                    when statuses.status = 'refunded' and settled.refunded_amount = 0
                    then coalesce(settled.total, 0)
                    else settled.refunded_amount
                end as decimal(18, 4)
            ) as refunded_amount,
            cast(
                case
                    when statuses.status = 'canceled' or (statuses.status = 'refunded' and settled.refunded_amount = 0)
                    then 0
                    when settled.total is null
                    then null
                    else greatest(settled.total - settled.refunded_amount, 0)
                end as decimal(18, 4)
            ) as net_amount,
            settled.is_sum_of_deltas,
            (statuses.status in ('partially_refunded', 'refunded') or settled.has_missing_amount)
            and settled.refunded_amount = 0 as is_refund_amount_missing,
            coalesce(validity.is_valid, statuses.is_valid) as is_valid
        from settled
        inner join statuses on settled.final_progress = statuses.progress
        left join validity on statuses.status = validity.status
    )

select *
from final
