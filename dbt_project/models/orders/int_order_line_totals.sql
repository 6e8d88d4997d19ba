-- Grain: one row per real order that has lines, with their sums.
with
    lines as (select * from {{ ref("int_order_lines") }}),

    final as (
        select
            order_id,
            min(source) as source,
            min(source_account) as source_account,
            min(stated_currency) as currency,
            count(*) filter (where not is_shipping and not is_fee) as line_count,
            {{ capped("sum(quantity) filter (where not is_shipping and not is_fee)") }} as item_quantity,
            {{ capped("sum(total_amount) filter (where not is_shipping and not is_fee)") }} as product_amount,
            {{ capped("sum(total_amount) filter (where is_shipping)") }} as shipping_amount,
            {{ capped("sum(total_amount) filter (where is_fee and not is_shipping)") }} as fees_amount,
            {{ capped("sum(refunded_amount)") }} as refunded_amount
        from lines
        group by order_id
    )

select *
from final
