-- Grain: one row per order, kind of conflict and vendor record that says otherwise; nothing here is ever repaired.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    compared as (select * from {{ ref("int_compared_reports") }}),

    deciding as (select * from {{ ref("int_deciding_sources") }}),

    other_buyers as (select * from {{ ref("int_named_buyers") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    refund_statements as (select * from {{ ref("int_order_refund_statements") }}),

    states as (select * from {{ ref("int_order_states") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    duplicates as (select * from {{ ref("int_possible_duplicates") }}),

    unexplained_lines as (select * from {{ ref("int_unexplained_lines") }}),

    quarrels as (
        select compared.*, deciding.currency_source, deciding.status_source
        from compared
        inner join deciding on compared.order_id = deciding.order_id
    ),

    orphans as (select * from claims where order_id is null),

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
