-- Grain: one row per real order and staged order row whose lines are the order's, of the best report that has lines.
-- Lines and total come from one version or event, the newest that has both; where none has, from the one with most
-- lines.
with
    order_rows as not materialized(select * from {{ ref("int_order_rows") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    -- Of an event that came again one version may state the total and another the lines.
    event_totals as (
        select source, source_account, stream, source_order_id, event_id, recency_rank
        from order_rows
        where event_id is not null and total is not null
    ),

    reported_rows as (
        select
            reports.order_id,
            order_rows.source,
            order_rows.source_account,
            order_rows.source_order_id,
            order_rows.source_file,
            order_rows.source_row,
            order_rows.is_from_event,
            order_rows.currency,
            -- A version that leaves the currency out is in the one an earlier version stated.
            coalesce(order_rows.stated_currency, reports.stated_currency) as stated_currency,
            order_rows.total is not null or event_totals.event_id is not null as has_total,
            coalesce(event_totals.recency_rank, order_rows.recency_rank) as recency_rank,
            reports.subtotal as order_subtotal,
            reports.total as order_total,
            reports.report_rank,
            sum(order_rows.line_count) over (
                partition by reports.order_id, order_rows.source_file, order_rows.source_row
            ) as row_line_count
        from order_rows
        inner join
            reports
            on order_rows.source = reports.source
            and order_rows.source_account = reports.source_account
            and order_rows.stream = reports.stream
            and order_rows.source_order_id = reports.source_order_id
            and order_rows.is_from_event = reports.is_from_event
        left join
            event_totals
            on order_rows.event_id = event_totals.event_id
            and order_rows.source = event_totals.source
            and order_rows.source_account = event_totals.source_account
            and order_rows.stream = event_totals.stream
            and order_rows.source_order_id = event_totals.source_order_id
        where order_rows.speaks_of_lines and order_rows.line_count > 0
        qualify reports.report_rank = min(reports.report_rank) over (partition by reports.order_id)
    ),

    -- The newest row that has the total too, else the one that has most lines; or all of its rows where each has one
    -- line.
    final as (
        select
            *,
            max(row_line_count) over (partition by order_id) as greatest_line_count,
            dense_rank() over (
                partition by order_id
                order by
                    is_from_event and not has_total,
                    case when not has_total then row_line_count end desc nulls first,
                    recency_rank
            ) as row_rank
        from reported_rows
        qualify greatest_line_count = 1 or row_rank = 1
    )

select *
from final
