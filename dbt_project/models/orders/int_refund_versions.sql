-- Grain: one row per version of a refund, return or cancellation that stands, or is older than one that does; an
-- order with a negative total is a refund. What an order says of itself holds until a newer version of the same
-- record that states its status no longer says it.
with
    of_orders as (select * from {{ ref("int_reported_adjustments") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    order_rows as (select * from {{ ref("int_order_rows") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    judged as (
        select of_orders.*, not of_orders.is_said_by_order or order_rows.source_file is not null as is_standing
        from of_orders
        left join
            order_rows
            on of_orders.source_file = order_rows.source_file
            and of_orders.source_row = order_rows.source_row
            and of_orders.source_order_id = order_rows.source_order_id
            and (order_rows.is_newest or order_rows.speaks_of_state)
    ),

    reported as (
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            adjustment_id,
            action,
            amount_kind,
            case when not coalesce(is_currency_inferred, false) then currency end as currency,
            source_file,
            source_row,
            abs(amount) as amount,
            abs(subtotal_amount) as subtotal_amount,
            last_export_date,
            source_updated_at,
            export_date,
            occurred_at,
            coalesce(is_occurred_at_inferred, false) as is_occurred_at_inferred,
            is_standing
        from judged
        union all
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            concat('negative_order:', source_order_id) as adjustment_id,
            'refund' as action,
            'delta' as amount_kind,
            case when not coalesce(is_currency_inferred, false) then currency end as currency,
            source_file,
            source_row,
            abs(total) as amount,
            abs(subtotal) as subtotal_amount,
            last_export_date,
            source_updated_at,
            export_date,
            ordered_at as occurred_at,
            coalesce(is_ordered_at_inferred, false) as is_occurred_at_inferred,
            true as is_standing
        from staged_orders
        where
            total < 0
            and (source_file, source_row)
            not in (select (source_file, source_row) from event_versions where not is_of_newest_order)
    ),

    final as (
        select *
        from reported
        qualify
            bool_or(is_standing) over (
                partition by source, source_account, adjustment_id
                order by {{ newest_first() }}
                rows between unbounded preceding and current row
            )
    )

select *
from final
