-- Grain: one row per real order that was taken back in whole or in part, by the source that states most of it.
-- Deltas of one source add up, its running totals take the greatest; what two sources tell is never added, nor is what is
-- told in another currency than the order's (meta.order_conflicts lists it). Of two that state the same the one that tells
-- the refunds apart counts, for it knows when they were.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    claims as (select * from {{ ref("int_order_refund_claims") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    -- A cancellation without an amount, or of the whole, cancels the order; one of a part takes that part back.
    cancellations as (
        select claims.order_id, claims.source, bool_or(claims.amount is null) as is_whole, sum(claims.amount) as amount
        from claims
        where claims.order_id is not null and claims.action = 'cancel' and not claims.is_other_currency
        group by claims.order_id, claims.source
    ),

    canceled as (
        select figures.order_id, bool_or(cancellations.is_whole or cancellations.amount >= figures.total) as is_canceled
        from cancellations
        inner join figures on cancellations.order_id = figures.order_id
        group by figures.order_id
    ),

    taken_back as (
        select
            claims.order_id,
            claims.source,
            sum(claims.amount) filter (where claims.amount_kind = 'delta') as delta_amount,
            sum(claims.subtotal_amount) filter (where claims.amount_kind = 'delta') as subtotal_amount,
            max(claims.amount) filter (where claims.amount_kind = 'running_total') as running_amount
        from claims
        left join canceled on claims.order_id = canceled.order_id
        where
            claims.order_id is not null
            and claims.amount is not null
            and not claims.is_other_currency
            and not (claims.action = 'cancel' and coalesce(canceled.is_canceled, false))
        group by claims.order_id, claims.source
    ),

    stated as (
        select order_id, source, delta_amount, subtotal_amount, running_amount, true as is_told_apart
        from taken_back
        union all
        select
            reports.order_id,
            reports.source,
            null as delta_amount,
            null as subtotal_amount,
            max(reports.refunded_total) as running_amount,
            false as is_told_apart
        from reports
        inner join figures on reports.order_id = figures.order_id
        where reports.refunded_total > 0 and coalesce(reports.stated_currency = figures.currency, true)
        group by reports.order_id, reports.source
        union all
        select
            line_totals.order_id,
            line_totals.source,
            null as delta_amount,
            null as subtotal_amount,
            line_totals.refunded_amount as running_amount,
            false as is_told_apart
        from line_totals
        inner join figures on line_totals.order_id = figures.order_id
        where line_totals.refunded_amount > 0 and coalesce(line_totals.currency = figures.currency, true)
    ),

    -- Told in another currency only, or without an amount: something was taken back, how much of the order is not known.
    untold as (
        select order_id, bool_or(is_other_currency) as has_other_currency, bool_or(amount is null) as has_missing_amount
        from claims
        where order_id is not null and action <> 'cancel' and (is_other_currency or amount is null)
        group by order_id
    ),

    by_source as (
        select
            order_id,
            source,
            {{ capped("coalesce(sum(delta_amount), 0)") }} as delta_amount,
            cast(coalesce(max(running_amount), 0) as decimal(18, 4)) as running_amount,
            cast(coalesce(max(running_amount) filter (where is_told_apart), 0) as decimal(18, 4)) as told_running_amount,
            {{ capped("sum(subtotal_amount)") }} as subtotal_amount
        from stated
        group by order_id, source
    ),

    greatest_statement as (
        select
            by_source.order_id,
            by_source.source,
            by_source.delta_amount,
            by_source.subtotal_amount,
            greatest(by_source.delta_amount, by_source.running_amount) as refunded_amount
        from by_source
        left join priorities on by_source.source = priorities.source
        qualify
            row_number() over (
                partition by by_source.order_id
                order by
                    greatest(by_source.delta_amount, by_source.running_amount) desc,
                    greatest(by_source.delta_amount, by_source.told_running_amount) < by_source.running_amount,
                    coalesce(priorities.priority, 1000000),
                    by_source.source
            )
            = 1
    ),

    final as (
        select
            coalesce(greatest_statement.order_id, canceled.order_id, untold.order_id) as order_id,
            greatest_statement.source,
            coalesce(greatest_statement.refunded_amount, 0) as refunded_amount,
            greatest_statement.subtotal_amount,
            coalesce(greatest_statement.delta_amount >= greatest_statement.refunded_amount, true) as is_sum_of_deltas,
            coalesce(untold.has_other_currency, false) as has_other_currency,
            coalesce(untold.has_missing_amount, false) as has_missing_amount,
            coalesce(canceled.is_canceled, false) as is_canceled
        from greatest_statement
        full outer join canceled on greatest_statement.order_id = canceled.order_id
        full outer join untold on coalesce(greatest_statement.order_id, canceled.order_id) = untold.order_id
    )

select *
from final
