-- Grain: one row per line of a real order, shipping and fees included, from the best report that has lines. Rows and
-- events that report one line each are put together.
{% set is_newest = "case when is_from_event then row_rank = 1 else source_file = newest_file end" %}
with
    chosen as (select * from {{ ref("int_chosen_order_lines") }}),

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
