-- Grain: one row per record of an event that came again, under the id its vendor gave it, in a newer version.
-- What such a record tells of an order counts no more.
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
        select events.source, events.source_account, events.event_id, events.source_file, events.source_row
        from events
        inner join
            repeated
            on events.source = repeated.source
            and events.source_account = repeated.source_account
            and events.event_id = repeated.event_id
        qualify
            row_number() over (
                partition by events.source, events.source_account, events.event_id
                order by {{ newest_first("events", changed_at="received_at") }}
            )
            > 1
    )

select *
from final
