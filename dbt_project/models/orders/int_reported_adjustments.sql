-- Grain: one row per version of a refund, return or cancellation that a vendor reports as such. What an event that
-- came again takes back is one thing in all versions: it goes by the id that it has in the newest.
with
    adjustments as not materialized(select * from {{ source("staging", "order_adjustments") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    repeated as (
        select
            event_versions.*,
            adjustments.adjustment_id,
            row_number() over (
                partition by adjustments.source_file, adjustments.source_row order by adjustments.adjustment_id
            ) as number_in_version
        from adjustments
        inner join
            event_versions
            on adjustments.source_file = event_versions.source_file
            and adjustments.source_row = event_versions.source_row
    ),

    renamed as (
        select
            *,
            first_value(adjustment_id) over (
                partition by source, source_account, event_id, number_in_version order by version_rank
            ) as newest_id
        from repeated
    ),

    final as (
        select
            adjustments.* replace (coalesce(renamed.newest_id, adjustments.adjustment_id) as adjustment_id),
            staged_orders.source_file is not null
            and not coalesce(staged_orders.is_from_event, false) as is_said_by_order
        from adjustments
        left join
            renamed
            on adjustments.source_file = renamed.source_file
            and adjustments.source_row = renamed.source_row
            and adjustments.adjustment_id = renamed.adjustment_id
        left join
            staged_orders
            on adjustments.source_file = staged_orders.source_file
            and adjustments.source_row = staged_orders.source_row
            and adjustments.source_order_id = staged_orders.source_order_id
        where coalesce(renamed.is_of_newest_order and renamed.is_of_newest_action, true)
    )

select *
from final
