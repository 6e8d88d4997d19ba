-- Grain: one row per real order and vendor account that reports it, with the total and subtotal that its refunds are
-- a part of.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    final as (
        select
            figures.order_id,
            reports.source,
            reports.source_account,
            least(figures.total, min_by(reports.total, reports.report_rank) filter (where reports.total > 0)) as total,
            least(
                nullif(figures.subtotal, 0),
                min_by(reports.subtotal, reports.report_rank) filter (where reports.subtotal > 0)
            ) as subtotal
        from figures
        inner join
            reports
            on figures.order_id = reports.order_id
            and coalesce(reports.stated_currency = figures.currency, true)
        group by figures.order_id, figures.total, figures.subtotal, reports.source, reports.source_account
    )

select *
from final
