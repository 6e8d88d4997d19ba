-- Grain: one row per real order and vendor record that reports it.
with
    reports as (select * from {{ ref("int_order_reports") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    merged as (
        select
            reports.order_id,
            reports.source,
            reports.source_account,
            reports.source_record_id,
            coalesce(
                min_by(reports.stated_currency, reports.report_rank) filter (where reports.stated_currency is not null), any_value(figures.currency)
            ) as currency,
            min_by(reports.customer_id, reports.report_rank) filter (where reports.customer_id is not null) as customer_id,
            min_by(reports.subtotal, reports.report_rank) filter (where reports.subtotal is not null) as subtotal_amount,
            min_by(reports.total, reports.report_rank) filter (where reports.total is not null) as total_amount,
            max(reports.progress) as progress,
            bool_or(reports.report_rank = figures.primary_rank) as is_primary,
            min_by(reports.is_valid_source, reports.report_rank) filter (where reports.is_valid_source is not null) as is_valid_source,
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
        left join statuses on merged.progress = statuses.progress
    )

select *
from final
