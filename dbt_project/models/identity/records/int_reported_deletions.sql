-- Grain: one row per vendor record and export date on which an event reports that the vendor has deleted it.
with
    events as (select * from {{ source("staging", "events") }}),

    final as (
        select
            source, source_account, source_profile_id as source_record_id, export_date, max(occurred_at) as deleted_at
        from events
        where event_type = 'customer' and event_action = 'deleted' and source_profile_id is not null
        group by source, source_account, source_profile_id, export_date
    )

select *
from final
