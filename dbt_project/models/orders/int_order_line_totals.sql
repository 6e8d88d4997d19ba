-- Grain: one row per real order that has lines, with their sums.
with
    lines as (select * from {{ ref("int_order_lines") }}),

    final as (
        select
            order_id,
            min(source) as source,
            min(stated_currency) as currency,
            count(*) filter (where not is_shipping and not is_fee) as line_count,
            cast(sum(quantity) filter (where not is_shipping and not is_fee) as decimal(18, 4)) as item_quantity,
            cast(sum(total_amount) filter (where not is_shipping and not is_fee) as decimal(18, 4)) as product_amount,
            cast(sum(total_amount) filter (where is_shipping) as decimal(18, 4)) as shipping_amount,
            cast(sum(total_amount) filter (where is_fee and not is_shipping) as decimal(18, 4)) as fees_amount,
            cast(sum(refunded_amount) as decimal(18, 4)) as refunded_amount
        from lines
        group by order_id
    )

select *
from final
