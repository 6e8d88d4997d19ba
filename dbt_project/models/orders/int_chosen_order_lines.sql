-- Grain: one row per line that the chosen rows of a real order report. Options of a line are inside its price and stay
-- in staging.
with
    staged_lines as not materialized(select * from {{ source("staging", "order_lines") }}),

    -- The rows are chosen before their lines are read: lines are wide, and rows few.
    chosen_rows as (select * from {{ ref("int_chosen_order_rows") }}),

    final as (
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
    )

select *
from final
