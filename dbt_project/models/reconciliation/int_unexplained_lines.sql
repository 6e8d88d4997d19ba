-- Grain: one row per order of which no way in which lines, shipping, fees, tax and discount can make up a total
-- gives its total.
with
    orders as (select * from {{ ref("fct_orders") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    line_sums as (
        select
            orders.order_id,
            orders.source,
            orders.total_amount,
            line_totals.product_amount,
            orders.total_amount - line_totals.product_amount as difference,
            coalesce(orders.shipping_amount, 0) as shipping_amount,
            coalesce(orders.fees_amount, 0) as fees_amount,
            coalesce(orders.tax_amount, 0) as tax_amount,
            coalesce(orders.discount_amount, 0) as discount_amount
        from orders
        inner join line_totals on orders.order_id = line_totals.order_id
        where line_totals.line_count > 0 and coalesce(line_totals.currency = orders.currency, true)
    ),

    final as (
        select *
        from line_sums
        where
            {% for shipping in ["0", "shipping_amount"] -%}
                {% for fees in ["0", "fees_amount"] -%}
                    {% for tax in ["0", "tax_amount"] -%}
                        {% for discount in ["0", "discount_amount"] -%}
                            abs(difference - {{ shipping }} - {{ fees }} - {{ tax }} + {{ discount }}) > 0.01
                            {%- if not (loop.last and tax != "0" and fees != "0" and shipping != "0") %}
                                and
                            {% endif -%}
                        {% endfor -%}
                    {% endfor -%}
                {% endfor -%}
            {% endfor %}
    )

select *
from final
