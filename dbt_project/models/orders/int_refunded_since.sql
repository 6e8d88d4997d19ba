-- Grain: one row per order that was taken back and vendor account, with since when the account reports that: the
-- first version that says so.
with
    states as (select * from {{ ref("int_order_states") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    overrides as (select * from {{ ref("order_status_overrides") }}),

    final as (
        select
            order_keys.order_id,
            staged.source,
            staged.source_account,
            min(staged.reported_at) as first_at,
            min(staged.reported_at) filter (
                where staged.refunded_total <> 0 or staged.status in ('refunded', 'partially_refunded')
            ) as refunded_at,
            min(staged.reported_at) filter (where staged.status = 'canceled') as canceled_at
        from
            (
                select
                    orders.source,
                    orders.source_account,
                    orders.source_order_id,
                    orders.refunded_total,
                    coalesce(overrides.status, orders.status) as status,
                    coalesce(orders.source_updated_at, cast(orders.export_date as timestamptz)) as reported_at
                from {{ source("staging", "orders") }} as orders
                left join overrides on orders.source = overrides.source and orders.status_raw = overrides.status_raw
            ) as staged
        inner join
            order_keys
            on staged.source = order_keys.source
            and staged.source_account = order_keys.source_account
            and staged.source_order_id = order_keys.source_order_id
        where order_keys.order_id in (select order_id from states where refunded_amount > 0 or status = 'canceled')
        group by order_keys.order_id, staged.source, staged.source_account
    )

select *
from final
