-- Grain: one row per order, kind of conflict and vendor record that says otherwise of its amount, currency, status or
-- buyer.
with
    orders as (select * from {{ ref("fct_orders") }}),

    compared as (select * from {{ ref("int_compared_reports") }}),

    deciding as (select * from {{ ref("int_deciding_sources") }}),

    other_buyers as (select * from {{ ref("int_named_buyers") }}),

    quarrels as (
        select compared.*, deciding.currency_source, deciding.status_source
        from compared
        inner join deciding on compared.order_id = deciding.order_id
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
    )

select *
from final
