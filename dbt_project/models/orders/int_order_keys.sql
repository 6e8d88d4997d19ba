-- Grain: one row per order id of a vendor account, with the real order it means.
-- Reports of one account that share the vendor's order id are one order, known by its number if any of them names it.
with
    staged as (select * from {{ source("staging", "orders") }}),

    ranked as (
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            order_number,
            {{ newest() }} as recency
        from staged
        where order_match_key is not null
    ),

    keyed as (
        select
            source,
            source_account,
            source_order_id,
            max(order_namespace) as order_namespace,
            coalesce(max_by(order_match_key, recency) filter (where order_number is not null), max_by(order_match_key, recency)) as order_match_key
        from ranked
        group by source, source_account, source_order_id
    ),

    final as (
        select source, source_account, source_order_id, order_namespace, order_match_key, {{ stable_key(["order_namespace", "order_match_key"]) }} as order_id
        from keyed
    )

select *
from final
