-- Grain: one row per report of an order, or sum of its lines, that states what was refunded in all. A total in
-- another currency than the order's counts by its share of what that report says the order cost.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    final as (
        select
            reports.order_id,
            reports.source,
            reports.source_account,
            case
                when
                    coalesce(
                        coalesce(reports.refunded_total_currency, reports.stated_currency) = figures.currency, true
                    )
                then reports.refunded_total
                when
                    coalesce(reports.refunded_total_currency, reports.stated_currency) = reports.stated_currency
                    and reports.total > 0
                then {{ share_of("reports.refunded_total", "reports.total", "figures.total") }}
            end as amount
        from reports
        inner join figures on reports.order_id = figures.order_id
        where reports.refunded_total > 0
        union all
        select line_totals.order_id, line_totals.source, line_totals.source_account, line_totals.refunded_amount
        from line_totals
        inner join figures on line_totals.order_id = figures.order_id
        where line_totals.refunded_amount > 0 and coalesce(line_totals.currency = figures.currency, true)
    )

select *
from final
