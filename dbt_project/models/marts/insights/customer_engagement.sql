-- Grain: one row per customer with active events and class of them, as of the run's day.
with
    engagement as (select * from {{ ref("int_engagement") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    final as (
        select
            engagement.customer_id,
            engagement.engagement_class,
            engagement.event_count,
            engagement.last_event_at,
            engagement.weight,
            engagement.half_life_days,
            engagement.worth,
            engagement.cap,
            engagement.counted_worth,
            engagement.k,
            engagement.insight_date as as_of_date
        from engagement
        inner join insight_days on engagement.insight_date = insight_days.insight_date
        where insight_days.is_run_day
    )

select *
from final
