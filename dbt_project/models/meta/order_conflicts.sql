-- Grain: one row per order, kind of conflict and vendor record that says otherwise; nothing here is ever repaired.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    claims as (select * from {{ ref("int_order_refund_claims") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    states as (select * from {{ ref("int_order_states") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    compared as (
        select
            reports.*,
            orders.source as order_source,
            orders.currency as order_currency,
            orders.total_amount as order_total,
            orders.status as order_status,
            orders.customer_id as order_customer_id
        from reports
        inner join orders on reports.order_id = orders.order_id
    ),

    orphans as (select * from claims where order_id is null),

    refunds_by_source as (
        select
            claims.order_id,
            claims.source,
            greatest(
                coalesce(sum(claims.amount) filter (where claims.amount_kind = 'delta'), 0),
                coalesce(max(claims.amount) filter (where claims.amount_kind = 'running_total'), 0)
            ) as amount
        from claims
        left join refunds on claims.order_id = refunds.order_id
        where
            claims.order_id is not null
            and claims.amount is not null
            and not (claims.action = 'cancel' and coalesce(refunds.is_canceled, false))
            and not claims.is_other_currency
        group by claims.order_id, claims.source
    ),

    -- Every way in which lines, shipping, fees, tax and discount can make up a total.
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

    unexplained_lines as (
        select *
        from line_sums
        where
            {% for shipping in ["0", "shipping_amount"] -%}
                {% for fees in ["0", "fees_amount"] -%}
                    {% for tax in ["0", "tax_amount"] -%}
                        {% for discount in ["0", "discount_amount"] -%}
                            abs(difference - {{ shipping }} - {{ fees }} - {{ tax }} + {{ discount }}) > 0.01
                            {%- if not (loop.last and tax != "0" and fees != "0" and shipping != "0") %} and {% endif -%}
                        {% endfor -%}
                    {% endfor -%}
                {% endfor -%}
            {% endfor %}
    ),

    final as (
        select
            'amount' as conflict_type,
            order_id,
            order_source as chosen_source,
            cast(order_total as varchar) as chosen_value,
            source as other_source,
            source_record_id as other_record_id,
            cast(total_amount as varchar) as other_value
        from compared
        where total_amount <> order_total and currency is not distinct from order_currency
        union all
        select 'currency', order_id, order_source, order_currency, source, source_record_id, currency
        from compared
        where currency <> order_currency
        union all
        select 'status', order_id, order_source, order_status, source, source_record_id, status
        from compared
        where status <> order_status
        union all
        select 'customer', order_id, order_source, order_customer_id, source, source_record_id, customer_id
        from compared
        where customer_id <> order_customer_id
        union all
        select
            'refund',
            states.order_id,
            states.refund_source,
            cast(states.refunded_amount as varchar),
            refunds_by_source.source,
            null,
            cast(refunds_by_source.amount as varchar)
        from refunds_by_source
        inner join states on refunds_by_source.order_id = states.order_id
        where refunds_by_source.amount <> states.refunded_amount
        union all
        select 'refund_currency', orders.order_id, orders.source, orders.currency, claims.source, claims.adjustment_id, claims.currency
        from claims
        inner join orders on claims.order_id = orders.order_id
        where claims.is_other_currency
        union all
        select 'refund_exceeds_total', order_id, refund_source, cast(total_amount as varchar), refund_source, null, cast(refunded_amount as varchar)
        from states
        where refunded_amount > total_amount
        union all
        select 'refund_amount_missing', states.order_id, orders.source, orders.status, orders.source, null, null
        from states
        inner join orders on states.order_id = orders.order_id
        where states.is_refund_amount_missing
        union all
        select 'lines_differ', order_id, source, cast(total_amount as varchar), source, null, cast(product_amount as varchar)
        from unexplained_lines
        union all
        select 'orphan_refund', null, null, null, source, source_order_id, cast(amount as varchar)
        from orphans
    )

select *
from final
