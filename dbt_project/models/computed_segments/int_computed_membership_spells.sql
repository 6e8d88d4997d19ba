-- Grain: one row per computed segment, customer and unbroken stay, by the days that are looked back on.
-- A stay that was under way on the first of them enters there.
with
    members as (select * from {{ ref("int_computed_segment_members") }}),

    segments as (select * from {{ ref("computed_segments") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    -- Days in a row have one and the same distance from their own number.
    numbered as (
        select
            *,
            {{ days_between("date '2000-01-01'", "member_date") }}
            - row_number() over (partition by segment_id, customer_id order by member_date) as stay_key
        from members
    ),

    stays as (
        select segment_id, customer_id, min(member_date) as entered_date, max(member_date) as last_date
        from numbered
        group by segment_id, customer_id, stay_key
    ),

    final as (
        select
            stays.customer_id,
            stays.segment_id,
            segments.name as segment_name,
            stays.entered_date,
            case when stays.last_date < run_day.insight_date then cast(stays.last_date + 1 as date) end as left_date
        from stays
        inner join segments on stays.segment_id = segments.segment_id
        inner join insight_days as run_day on run_day.is_run_day
    )

select *
from final
