-- Grain: one row per order line; shipping and fees are amounts of the order, not lines.
with
    lines as (select * from {{ ref("int_order_lines") }}),

    final as (
        select
            order_id,
            source,
            product_id,
            variant_id,
            sku,
            ean,
            title,
            unit,
            currency,
            line_number,
            quantity,
            unit_price,
            discount_amount,
            tax_amount,
            total_amount,
            refunded_quantity,
            refunded_amount
        from lines
        where not is_shipping and not is_fee
    )

select *
from final
