-- Grain: one row per real order and vendor record that reports it.
with
    reports as (select * from {{ ref("int_order_reports") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    refund_statements as (select * from {{ ref("int_order_refund_statements") }}),

    -- What the refunds and cancellations of a vendor account say of the status.
    reported_back as (
        select refund_statements.order_id, refund_statements.source, refund_statements.source_account, statuses.progress
        from refund_statements
        inner join
            statuses
            on statuses.status = case
                when refund_statements.is_canceled_by_account
                then 'canceled'
                when refund_statements.is_whole
                then 'refunded'
                when refund_statements.refunded_amount > 0 or refund_statements.has_unknown_share
                then 'partially_refunded'
            end
    ),

    merged as (
        select
            reports.order_id,
            reports.source,
            reports.source_account,
            reports.source_record_id,
            coalesce(
                min_by(reports.stated_currency, reports.report_rank) filter (where reports.stated_currency is not null),
                min(figures.currency)
            ) as currency,
            min_by(reports.customer_id, reports.report_rank) filter (
                where reports.customer_id is not null
            ) as customer_id,
            min_by(reports.subtotal, reports.report_rank) filter (
                where reports.subtotal is not null
            ) as subtotal_amount,
            min_by(reports.total, reports.report_rank) filter (where reports.total is not null) as total_amount,
            max(reports.progress) as progress,
            bool_or(reports.report_rank = figures.primary_rank) as is_primary,
            min_by(reports.is_valid_source, reports.report_rank) filter (
                where reports.is_valid_source is not null
            ) as is_valid_source,
            min(reports.ordered_at) as ordered_at
        from reports
        inner join figures on reports.order_id = figures.order_id
        group by reports.order_id, reports.source, reports.source_account, reports.source_record_id
    ),

    final as (
        select
            merged.order_id,
            merged.source,
            merged.source_account,
            merged.source_record_id,
            merged.customer_id,
            statuses.status,
            merged.currency,
            merged.subtotal_amount,
            merged.total_amount,
            merged.is_primary,
            merged.is_valid_source,
            merged.ordered_at
        from merged
        left join
            reported_back
            on merged.order_id = reported_back.order_id
            and merged.source = reported_back.source
            and merged.source_account = reported_back.source_account
        left join statuses on greatest(merged.progress, reported_back.progress) = statuses.progress
    )

select *
from final
