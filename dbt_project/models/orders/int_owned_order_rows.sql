-- Grain: one row per staged order row that still speaks, with its customer, how far its status is, and its place among
-- those that name a buyer.
with
    order_rows as (select * from {{ ref("int_order_rows") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    final as (
        select
            order_rows.*,
            owners.customer_id,
            statuses.progress,
            case when not order_rows.is_ordered_at_inferred then order_rows.ordered_at end as stated_ordered_at,
            -- Of a record the newest version comes first, of events the earliest.
            case
                when order_rows.is_from_event
                then
                    cast(epoch_us(coalesce(order_rows.source_updated_at, order_rows.ordered_at)) as hugeint)
                    * 1000000000
                    - order_rows.recency_rank
                else order_rows.recency_rank
            end as buyer_rank
        from order_rows
        left join statuses on order_rows.status = statuses.status
        left join owners on {{ is_owner("order_rows") }}
    )

select *
from final
