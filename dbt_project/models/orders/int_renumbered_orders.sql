-- Grain: one row per order id of one vendor that is the number of another vendor's report of the same purchase, and
-- that report.
with
    described as (select * from {{ ref("int_described_orders") }}),

    final as (
        select
            named.source,
            named.source_account,
            named.source_order_id,
            called.source as other_source,
            called.source_account as other_source_account,
            called.source_order_id as other_source_order_id,
            named.order_namespace,
            named.order_match_key,
            called.order_match_key as other_match_key
        from described as named
        inner join
            described as called
            on named.order_namespace = called.order_namespace
            and named.own_key = called.order_match_key
            and named.total = called.total
            and named.currency = called.currency
            and named.customer_id = called.customer_id
            and named.source <> called.source
            and abs({{ days_between("cast(named.ordered_at as date)", "cast(called.ordered_at as date)") }}) <= 1
        where named.order_match_key <> named.own_key
    )

select *
from final
