-- Grain: one row per order, product and currency that refunds or returns of the vendor account that counts name by
-- lines. Lines of a record that is an order too are what was ordered.
with
    claims as (select * from {{ ref("int_reported_refunds") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    staged_lines as (select * from {{ source("staging", "order_lines") }}),

    counted as (
        select claims.*
        from claims
        inner join
            refunds
            on claims.order_id = refunds.order_id
            and claims.source = refunds.source
            and claims.source_account = refunds.source_account
        where not (claims.action = 'cancel' and refunds.is_canceled)
    ),

    reported as (
        select
            counted.order_id,
            staged_lines.product_id,
            staged_lines.variant_id,
            staged_lines.sku,
            staged_lines.title,
            staged_lines.currency,
            sum(abs(staged_lines.quantity)) as quantity,
            sum(
                abs(
                    coalesce(
                        staged_lines.total,
                        round(cast(staged_lines.unit_price as decimal(20, 4)) * staged_lines.quantity, 4)
                    )
                )
            ) as amount
        from counted
        inner join
            staged_lines
            on counted.source_file = staged_lines.source_file
            and counted.source_row = staged_lines.source_row
            and counted.source = staged_lines.source
            and counted.source_account = staged_lines.source_account
            and counted.source_order_id = staged_lines.source_order_id
        left join
            staged_orders
            on staged_lines.source_file = staged_orders.source_file
            and staged_lines.source_row = staged_orders.source_row
            and staged_lines.source_order_id = staged_orders.source_order_id
            and (staged_orders.total is null or staged_orders.total >= 0)
        where
            staged_orders.source_file is null
            and staged_lines.parent_line_no is null
            and not coalesce(staged_lines.is_shipping, false)
            and not coalesce(staged_lines.is_fee, false)
        group by all
    ),

    final as (
        select *, row_number() over (order by order_id, product_id, variant_id, sku, title, currency) as reported_no
        from reported
    )

select *
from final
