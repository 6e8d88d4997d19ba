-- Grain: one row per customer, segment, claimant, stream, export date and moment at which a membership is claimed.
with
    reported as (select * from {{ ref("int_segment_latest_reports") }}),

    final as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            claimant,
            profile,
            stream,
            export_date,
            case when is_message then coalesce(dated_at, delivered_at) else delivered_at end as observed_at,
            min(coalesce(dated_at, delivered_at)) as entered_at
        from reported
        where is_member and segment_id is not null
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    )

select *
from final
