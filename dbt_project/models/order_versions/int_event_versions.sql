-- Grain: one row per version of an event that reports an order and came again under the id its vendor gave it, the
-- newest first. What an older version says of another order, or that the event took something back that by a newer one
-- it did not, counts no more.
with
    events as (
        select *
        from {{ source("staging", "events") }}
        where not coalesce(is_event_id_derived, false) and source_order_id is not null
    ),

    -- Few ids repeat: only theirs are put in order.
    repeated as (
        select source, source_account, event_id
        from events
        group by source, source_account, event_id
        having count(*) > 1
    ),

    final as (
        select
            events.source,
            events.source_account,
            events.event_id,
            events.source_file,
            events.source_row,
            row_number() over versions as version_rank,
            events.source_order_id = first_value(events.source_order_id) over versions
            or coalesce(
                events.order_match_key = first_value(events.order_match_key) over versions
                and events.order_namespace is not distinct from first_value(events.order_namespace) over versions,
                false
            ) as is_of_newest_order,
            coalesce(
                events.event_action = first_value(events.event_action ignore nulls) over versions, true
            ) as is_of_newest_action
        from events
        inner join
            repeated
            on events.source = repeated.source
            and events.source_account = repeated.source_account
            and events.event_id = repeated.event_id
        window
            versions as (
                partition by events.source, events.source_account, events.event_id
                order by {{ newest_first("events", changed_at="received_at") }}
                rows between unbounded preceding and unbounded following
            )
    )

select *
from final
