-- Grain: one row per order line; shipping and fees are amounts of the order, not lines.
with
    lines as (select * from {{ ref("int_order_lines") }}),

    refunds as (select * from {{ ref("int_order_line_refunds") }}),

    orders as (select order_id, order_date, reporting_currency from {{ ref("fct_orders") }}),

    rates as (select * from {{ ref("int_exchange_rates") }}),

    final as (
        select
            lines.order_id,
            lines.source,
            lines.source_account,
            lines.product_id,
            lines.variant_id,
            lines.sku,
            lines.ean,
            lines.title,
            coalesce(lines.categories, []) as categories,
            lines.unit,
            lines.currency,
            lines.line_number,
            lines.quantity,
            lines.unit_price,
            lines.discount_amount,
            lines.tax_amount,
            lines.total_amount,
            case
                when lines.currency = orders.reporting_currency
                then cast(round(lines.total_amount, 2) as decimal(18, 2))
                else
                    {{
                        convert_amount(
                            "lines.total_amount", "line_rates.units_per_eur", "reporting_rates.units_per_eur"
                        )
                    }}
            end as total_amount_reporting,
            greatest(lines.refunded_quantity, refunds.refunded_quantity) as refunded_quantity,
            greatest(lines.refunded_amount, refunds.refunded_amount) as refunded_amount
        from lines
        inner join orders on lines.order_id = orders.order_id
        left join refunds on lines.order_id = refunds.order_id and lines.line_number = refunds.line_number
        left join
            rates as line_rates on lines.currency = line_rates.currency and orders.order_date = line_rates.rate_date
        left join
            rates as reporting_rates
            on orders.reporting_currency = reporting_rates.currency
            and orders.order_date = reporting_rates.rate_date
        where not lines.is_shipping and not lines.is_fee
    )

select *
from final
