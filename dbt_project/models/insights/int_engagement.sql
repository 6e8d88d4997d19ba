-- Grain: one row per customer, class of active events and day, with their worth at the day's end.
-- Worth is summed as exact decimals, so that the order of rows cannot change a score.
with
    events as (select * from {{ ref("fct_events") }}),

    weights as (select * from {{ ref("engagement_weights") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    active as (
        select
            events.customer_id,
            events.engagement_class,
            events.source,
            events.source_account,
            events.event_id,
            events.occurred_at,
            {{ local_date("events.occurred_at", "run_day.reporting_time_zone") }} as event_date
        from events
        inner join insight_days as run_day on run_day.is_run_day and events.occurred_at < run_day.day_end
        where events.is_active and events.customer_id is not null
    ),

    limited as (
        select active.*, weights.weight, weights.half_life_days
        from active
        inner join weights on active.engagement_class = weights.engagement_class
        qualify
            row_number() over (
                partition by active.customer_id, active.engagement_class, active.event_date
                order by active.occurred_at, active.source, active.source_account, active.event_id
            )
            <= weights.daily_limit
    ),

    aged as (
        select
            limited.*,
            insight_days.insight_date,
            {{ seconds_between("limited.occurred_at", "insight_days.day_end") }} / 86400 as age_days
        from limited
        inner join insight_days on limited.occurred_at < insight_days.day_end
    ),

    by_class as (
        select
            insight_date,
            customer_id,
            engagement_class,
            count(*) as event_count,
            sum(cast(weight * power(cast(2 as double), - age_days / half_life_days) as decimal(24, 12))) as worth,
            max(occurred_at) as last_event_at
        from aged
        group by insight_date, customer_id, engagement_class
    ),

    final as (
        select
            by_class.*,
            weights.weight,
            weights.half_life_days,
            weights.cap,
            weights.k,
            least(by_class.worth, cast(weights.cap as decimal(24, 12))) as counted_worth
        from by_class
        inner join weights on by_class.engagement_class = weights.engagement_class
    )

select *
from final
