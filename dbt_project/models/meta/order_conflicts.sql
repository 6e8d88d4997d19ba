-- Grain: one row per order, kind of conflict and vendor record that says otherwise; nothing here is ever repaired.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    refund_statements as (select * from {{ ref("int_order_refund_statements") }}),

    order_reports as (select * from {{ ref("int_order_reports") }}),

    states as (select * from {{ ref("int_order_states") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    compared as (
        select
            reports.*,
            orders.source as order_source,
            orders.currency as order_currency,
            orders.total_amount as order_total,
            orders.status as order_status,
            orders.customer_id as order_customer_id,
            row(
                coalesce(priorities.priority, 1000000), reports.source, reports.source_account, reports.source_record_id
            ) as preference
        from reports
        inner join orders on reports.order_id = orders.order_id
        left join priorities on reports.source = priorities.source
    ),

    -- The vendor that counts: the best of those that say what stands.
    deciding as (
        select
            order_id,
            min_by(source, preference) filter (where currency = order_currency) as currency_source,
            min_by(source, preference) filter (where status = order_status) as status_source,
            min_by(source, preference) filter (where customer_id = order_customer_id) as customer_source
        from compared
        group by order_id
    ),

    -- Who takes an order back settles its status, though it may report no order.
    taken_back as (
        select
            refund_statements.order_id,
            coalesce(
                min(refund_statements.source) filter (where is_canceled_by_account), min(states.refund_source)
            ) as source
        from refund_statements
        inner join states on refund_statements.order_id = states.order_id
        group by refund_statements.order_id
    ),

    quarrels as (
        select
            compared.*, deciding.currency_source, coalesce(deciding.status_source, taken_back.source) as status_source
        from compared
        inner join deciding on compared.order_id = deciding.order_id
        left join taken_back on compared.order_id = taken_back.order_id
    ),

    -- Buyers that later events of one report name.
    other_buyers as (
        select distinct order_reports.order_id, order_reports.source, order_reports.source_record_id, buyers.customer_id
        from order_reports
        cross join lateral(select unnest(order_reports.customer_ids) as customer_id) as buyers
        where order_reports.is_from_event and len(order_reports.customer_ids) > 1
        union
        select order_id, source, source_record_id, customer_id
        from compared
        where customer_id is not null
    ),

    orphans as (select * from claims where order_id is null),

    duplicates as (
        select
            orders.order_id,
            orders.source,
            orders.order_number,
            others.source as other_source,
            others.order_id as other_order_id,
            others.order_number as other_order_number
        from orders
        inner join
            orders as others
            on orders.customer_id = others.customer_id
            and orders.total_amount = others.total_amount
            and orders.currency = others.currency
            and orders.order_id <> others.order_id
            and (orders.ordered_at, orders.order_id) > (others.ordered_at, others.order_id)
            and orders.ordered_at - others.ordered_at <= interval 1 day
            and not list_has_any(orders.sources, others.sources)
        where orders.total_amount > 0
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
                            {%- if not (loop.last and tax != "0" and fees != "0" and shipping != "0") %}
                                and
                            {% endif -%}
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
        select
            'currency',
            order_id,
            coalesce(currency_source, order_source),
            order_currency,
            source,
            source_record_id,
            currency
        from quarrels
        where currency <> order_currency
        union all
        select 'status', order_id, coalesce(status_source, order_source), order_status, source, source_record_id, status
        from quarrels
        where status <> order_status
        union all
        select
            'customer',
            orders.order_id,
            coalesce(deciding.customer_source, orders.source),
            orders.customer_id,
            other_buyers.source,
            other_buyers.source_record_id,
            other_buyers.customer_id
        from other_buyers
        inner join orders on other_buyers.order_id = orders.order_id
        inner join deciding on other_buyers.order_id = deciding.order_id
        where other_buyers.customer_id <> orders.customer_id
        union all
        select
            'refund',
            states.order_id,
            states.refund_source,
            cast(states.refunded_amount as varchar),
            refund_statements.source,
            null,
            cast(refund_statements.refunded_amount as varchar)
        from refund_statements
        inner join states on refund_statements.order_id = states.order_id
        where refund_statements.refunded_amount > 0 and refund_statements.refunded_amount <> states.refunded_amount
        union all
        select
            'number_reused',
            orders.order_id,
            firsts.source,
            firsts.order_id,
            reports.source,
            reports.source_record_id,
            orders.order_number
        from orders
        inner join reports on orders.order_id = reports.order_id and reports.is_primary
        inner join figures on orders.order_id = figures.order_id and figures.is_number_reused
        left join
            orders as firsts
            on firsts.order_id = {{ stable_key(["figures.order_namespace", "figures.order_match_key"]) }}
        union all
        select
            'possible_duplicate',
            duplicates.order_id,
            duplicates.source,
            duplicates.order_number,
            other_source,
            other_order_id,
            other_order_number
        from duplicates
        union all
        select
            'refund_currency',
            orders.order_id,
            orders.source,
            orders.currency,
            claims.source,
            claims.adjustment_id,
            claims.told_currency
        from claims
        inner join orders on claims.order_id = orders.order_id
        where claims.is_other_currency
        union all
        select
            'refund_exceeds_total',
            order_id,
            refund_source,
            cast(total_amount as varchar),
            refund_source,
            null,
            cast(refunded_amount as varchar)
        from states
        where refunded_amount > total_amount
        union all
        select 'refund_amount_missing', states.order_id, orders.source, orders.status, orders.source, null, null
        from states
        inner join orders on states.order_id = orders.order_id
        where states.is_refund_amount_missing
        union all
        select
            'lines_differ',
            order_id,
            source,
            cast(total_amount as varchar),
            source,
            null,
            cast(product_amount as varchar)
        from unexplained_lines
        union all
        select 'orphan_refund', null, null, null, source, source_order_id, cast(amount as varchar)
        from orphans
    )

select *
from final
