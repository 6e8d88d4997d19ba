-- Grain: one row per line of a real order, shipping and fees included, from the best report that has lines. Options of
-- a line are inside its price and stay in staging. Lines and total come from one version or event, the newest that has
-- both; where none has, from the one with most lines. Rows and events that report one line each are put together.
{% set is_newest = "case when is_from_event then row_rank = 1 else source_file = newest_file end" %}
with
    staged_lines as not materialized(select * from {{ source("staging", "order_lines") }}),

    order_rows as not materialized(select * from {{ ref("int_order_rows") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    -- Of an event that came again one version may state the total and another the lines.
    event_totals as (
        select source, source_account, stream, source_order_id, event_id, recency_rank
        from order_rows
        where event_id is not null and total is not null
    ),

    -- The rows are chosen before their lines are read: lines are wide, and rows few.
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
    chosen_rows as (
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
    ),

    chosen as (
        select
            chosen_rows.order_id,
            chosen_rows.source,
            chosen_rows.source_account,
            chosen_rows.source_file,
            chosen_rows.source_row,
            chosen_rows.is_from_event,
            chosen_rows.greatest_line_count,
            chosen_rows.row_rank,
            chosen_rows.order_subtotal,
            chosen_rows.order_total,
            staged_lines.line_no,
            staged_lines.source_line_id,
            staged_lines.product_id,
            staged_lines.variant_id,
            staged_lines.sku,
            staged_lines.ean,
            staged_lines.title,
            staged_lines.unit,
            {{ words_of("staged_lines.categories") }} as categories,
            -- A line reported in another currency than its order stays in that.
            case
                when staged_lines.currency <> chosen_rows.currency
                then staged_lines.currency
                else coalesce(chosen_rows.stated_currency, staged_lines.currency, chosen_rows.currency)
            end as currency,
            case
                when staged_lines.currency <> chosen_rows.currency
                then staged_lines.currency
                else chosen_rows.stated_currency
            end as stated_currency,
            staged_lines.quantity,
            staged_lines.unit_price,
            abs(staged_lines.discount) as discount_amount,
            staged_lines.tax as tax_amount,
            -- DuckDB multiplies two numbers of 18 digits in 18 digits: ten thousand million would be too much.
            {{
                capped(
                    "coalesce(staged_lines.total, round(cast(staged_lines.unit_price as decimal(20, 4)) * staged_lines.quantity, 4)"
                    ~ " - coalesce(abs(staged_lines.discount), 0))"
                )
            }}
            as total_amount,
            staged_lines.refunded_quantity,
            abs(staged_lines.refunded_amount) as refunded_amount,
            coalesce(staged_lines.is_shipping, false) as is_shipping,
            coalesce(staged_lines.is_fee, false) as is_fee
        from chosen_rows
        inner join
            staged_lines
            on chosen_rows.source_file = staged_lines.source_file
            and chosen_rows.source_row = staged_lines.source_row
            and chosen_rows.source_order_id = staged_lines.source_order_id
            and chosen_rows.source = staged_lines.source
            and chosen_rows.source_account = staged_lines.source_account
        where staged_lines.parent_line_no is null
    ),

    reported_once as (
        select *, first_value(source_file) over (partition by order_id order by row_rank) as newest_file
        from chosen
        where greatest_line_count = 1
        qualify
            row_number() over (
                partition by
                    order_id,
                    coalesce(product_id, sku, source_line_id, title),
                    variant_id,
                    case
                        when not is_from_event
                        then
                            {{
                                same_content(
                                    ["source_line_id", "sku", "title", "quantity", "unit_price", "total_amount"]
                                )
                            }}
                    end
                order by row_rank
            )
            = 1
    ),

    -- Rows of one line each that came in several files, or by several events, are parts of one order, unless the newest
    -- make up the order by themselves, and all together do not: then the others are older versions of it.
    summed as (
        select
            *,
            sum(total_amount) over (partition by order_id) as sum_of_all,
            sum(total_amount) filter (where {{ is_newest }}) over (partition by order_id) as sum_of_newest
        from reported_once
    ),

    distinct_lines as (
        select *
        from chosen
        where greatest_line_count > 1

        union all

        select * exclude (newest_file, sum_of_all, sum_of_newest)
        from summed
        where
            {{ is_newest }}
            or coalesce(sum_of_all in (order_subtotal, order_total), false)
            or not coalesce(sum_of_newest in (order_subtotal, order_total), false)
    ),

    final as (
        select
            order_id,
            row_number() over (
                partition by order_id
                order by
                    is_shipping or is_fee,
                    source_file,
                    source_row,
                    line_no,
                    source_line_id,
                    product_id,
                    sku,
                    title,
                    quantity,
                    total_amount
            ) as line_number,
            source,
            source_account,
            source_line_id,
            product_id,
            variant_id,
            sku,
            ean,
            title,
            unit,
            categories,
            currency,
            stated_currency,
            quantity,
            unit_price,
            discount_amount,
            tax_amount,
            total_amount,
            refunded_quantity,
            refunded_amount,
            is_shipping,
            is_fee
        from distinct_lines
    )

select *
from final
