-- Grain: one row per vendor account and product that lines of orders name.
-- Names change: the newest order that gives one says what the product is called today.
with
    lines as (
        select
            lines.*,
            orders.order_date,
            orders.is_valid,
            row(orders.ordered_at, lines.order_id, - lines.line_number) as recency
        from {{ ref("fct_order_lines") }} as lines
        inner join {{ ref("fct_orders") }} as orders on lines.order_id = orders.order_id
        where lines.product_id is not null
    ),

    final as (
        select
            source,
            source_account,
            product_id,
            max_by(title, recency) filter (where title is not null) as title,
            max_by(sku, recency) filter (where sku is not null) as sku,
            max_by(ean, recency) filter (where ean is not null) as ean,
            coalesce(max_by(categories, recency) filter (where len(categories) > 0), []) as categories,
            count(distinct order_id) filter (where is_valid) as order_count,
            {{ capped("coalesce(sum(quantity) filter (where is_valid), 0)") }} as quantity,
            {{ capped("coalesce(sum(total_amount_reporting) filter (where is_valid), 0)", 2) }}
            as total_amount_reporting,
            min(order_date) as first_ordered_on,
            max(order_date) as last_ordered_on
        from lines
        group by source, source_account, product_id
    )

select *
from final
