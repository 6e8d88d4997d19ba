-- Grain: one row per customer with active events, with their worth as of the run's day (contracts.md, section 6).
-- Worth is summed as exact decimals, so that the order of rows cannot change a score.
with
    events as (select * from {{ ref('fct_events') }}),

    weights as (select * from {{ ref('engagement_weights') }}),

    settings as (select * from {{ source('internal', 'run_settings') }}),

    as_of as (
        select
            reporting_time_zone,
            {{ day_start('cast(as_of_date + 1 as date)', 'reporting_time_zone') }} as as_of_end
        from settings
    ),

    active as (
        select
            events.customer_id,
            events.engagement_class,
            events.source,
            events.source_account,
            events.event_id,
            events.occurred_at,
            {{ local_date('events.occurred_at', 'as_of.reporting_time_zone') }} as event_date,
            {{ seconds_between('events.occurred_at', 'as_of.as_of_end') }} / 86400 as age_days
        from events
        cross join as_of
        where events.is_active and events.customer_id is not null and events.occurred_at < as_of.as_of_end
    ),

    counted as (
        select
            active.customer_id,
            active.engagement_class,
            active.event_date,
            active.occurred_at,
            active.source,
            active.source_account,
            active.event_id,
            weights.daily_limit,
            cast(weights.weight * power(cast(2 as double), -active.age_days / weights.half_life_days) as decimal(24, 12)) as worth
        from active
        inner join weights on active.engagement_class = weights.engagement_class
    ),

    limited as (
        select *
        from counted
        qualify
            row_number() over (
                partition by customer_id, engagement_class, event_date
                order by occurred_at, source, source_account, event_id
            )
            <= daily_limit
    ),

    by_class as (
        select limited.customer_id, limited.engagement_class, count(*) as event_count, sum(limited.worth) as worth, max(limited.occurred_at) as last_event_at
        from limited
        group by limited.customer_id, limited.engagement_class
    ),

    final as (
        select
            by_class.customer_id,
            sum(by_class.event_count) as event_count,
            sum(least(by_class.worth, cast(weights.cap as decimal(24, 12)))) as worth,
            max(weights.k) as k,
            max(by_class.last_event_at) as last_event_at
        from by_class
        inner join weights on by_class.engagement_class = weights.engagement_class
        group by by_class.customer_id
    )

select *
from final
