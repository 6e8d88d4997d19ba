-- Grain: one row per refund, return or cancellation a vendor reports, as last said; a record that has become an
-- order like any other is none.
with
    versions as (select * from {{ ref("int_refund_versions") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    newest as (
        {{
            last_said(
                "versions",
                "source, source_account, adjustment_id",
                columns=["source_order_id", "action", "amount_kind", "currency", "amount"],
                followers={
                    "order_namespace": "source_order_id",
                    "order_match_key": "source_order_id",
                    "subtotal_amount": "amount",
                },
                assumed_times={"occurred_at": "is_occurred_at_inferred"},
            )
        }}
    ),

    -- The same record has become an order like any other.
    restated as (
        select newest.source, newest.source_account, newest.adjustment_id
        from newest
        inner join
            staged_orders
            on newest.source = staged_orders.source
            and newest.source_account = staged_orders.source_account
            and newest.adjustment_id = concat('negative_order:', staged_orders.source_order_id)
        where
            starts_with(newest.adjustment_id, 'negative_order:')
            and staged_orders.total >= 0
            and {{ newest("staged_orders") }} > {{ newest("newest") }}
        group by newest.source, newest.source_account, newest.adjustment_id
    ),

    final as (
        select newest.*
        from newest
        left join
            restated
            on newest.source = restated.source
            and newest.source_account = restated.source_account
            and newest.adjustment_id = restated.adjustment_id
        where restated.adjustment_id is null
    )

select *
from final
