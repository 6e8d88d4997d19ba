-- Grain: one row per staged order row, or version of an event that reports an order, that names another buyer than the
-- newest of its order, or of its event, does.
with
    orders as (select * from {{ source("staging", "orders") }}),

    order_rows as (select * from {{ ref("int_order_rows") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    several_buyers as (
        select source, source_account, stream, source_order_id
        from orders
        where not coalesce(is_from_event, false)
        group by source, source_account, stream, source_order_id
        having min(owner_record_id) <> max(owner_record_id)
    ),

    newest as (
        select
            order_rows.source,
            order_rows.source_account,
            order_rows.stream,
            order_rows.source_order_id,
            order_rows.owner_record_id
        from order_rows
        inner join
            several_buyers
            on order_rows.source = several_buyers.source
            and order_rows.source_account = several_buyers.source_account
            and order_rows.stream = several_buyers.stream
            and order_rows.source_order_id = several_buyers.source_order_id
        where order_rows.owner_record_id is not null and not order_rows.is_from_event
        qualify
            row_number() over (
                partition by order_rows.source, order_rows.source_account, order_rows.stream, order_rows.source_order_id
                order by order_rows.recency_rank
            )
            = 1
    ),

    older as (
        select
            orders.source,
            orders.source_account,
            orders.source_order_id,
            orders.owner_record_id,
            orders.source_file,
            orders.source_row,
            newest.owner_record_id as newest_owner_record_id
        from orders
        inner join
            newest
            on orders.source = newest.source
            and orders.source_account = newest.source_account
            and orders.stream = newest.stream
            and orders.source_order_id = newest.source_order_id
            and orders.owner_record_id <> newest.owner_record_id
        left join
            order_rows
            on orders.source_file = order_rows.source_file
            and orders.source_row = order_rows.source_row
            and orders.source_order_id = order_rows.source_order_id
            and (order_rows.is_newest or order_rows.speaks_of_money)
        where not coalesce(orders.is_from_event, false) and order_rows.source_file is null
    ),

    event_buyers as (
        select
            event_versions.*,
            orders.source_order_id,
            orders.owner_record_id,
            first_value(orders.owner_record_id) over (
                partition by event_versions.source, event_versions.source_account, event_versions.event_id
                order by event_versions.version_rank
            ) as newest_owner_record_id
        from orders
        inner join
            event_versions
            on orders.source_file = event_versions.source_file
            and orders.source_row = event_versions.source_row
        where orders.is_from_event and orders.owner_record_id is not null
    ),

    final as (
        select *
        from older

        union all

        select source, source_account, source_order_id, owner_record_id, source_file, source_row, newest_owner_record_id
        from event_buyers
        where owner_record_id <> newest_owner_record_id
    )

select *
from final
