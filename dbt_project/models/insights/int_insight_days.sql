-- Grain: one row per day that figures of customers are computed for: the run's day and, if analysts define segments, as
-- many days before it as the rule says, but none before the first delivery.
with
    settings as (select * from {{ source("internal", "run_settings") }}),

    deliveries as (select * from {{ source("meta", "deliveries") }}),

    segments as (select * from {{ ref("computed_segments") }}),

    history as (select * from {{ ref("computed_segment_history") }}),

    look_back as (
        select
            settings.*,
            case
                when (select count(*) from segments) = 0
                then settings.as_of_date
                else
                    greatest(
                        cast(settings.as_of_date - history.history_days + 1 as date),
                        least(
                            coalesce((select min(export_date) from deliveries), settings.as_of_date),
                            settings.as_of_date
                        )
                    )
            end as first_date
        from settings
        cross join history
    ),

    days as (select look_back.*, {{ days_from_to("first_date", "as_of_date") }} as insight_date from look_back),

    final as (
        select
            insight_date,
            reporting_currency,
            reporting_time_zone,
            insight_date = as_of_date as is_run_day,
            {{ day_start("cast(insight_date + 1 as date)", "reporting_time_zone") }} as day_end
        from days
    )

select *
from final
