-- Grain: one row per day, from the first of January of the year of the first order to the end of the year of the last
-- one or of as_of_date.
with
    settings as (select * from {{ source("internal", "run_settings") }}),

    span as (
        select
            date_trunc(
                'year', least(coalesce(min(orders.order_date), min(settings.as_of_date)), min(settings.as_of_date))
            ) as first_day,
            date_trunc(
                'year', greatest(coalesce(max(orders.order_date), max(settings.as_of_date)), max(settings.as_of_date))
            )
            + interval 1 year
            - interval 1 day as last_day
        from settings
        left join {{ ref("fct_orders") }} as orders on true
    ),

    days as (select {{ days_from_to("first_day", "last_day") }} as date_day from span),

    final as (
        select
            date_day,
            cast(year(date_day) as integer) as year,
            cast(quarter(date_day) as integer) as quarter,
            cast(month(date_day) as integer) as month,
            cast(day(date_day) as integer) as day_of_month,
            cast(isodow(date_day) as integer) as day_of_week,
            dayname(date_day) as day_name,
            monthname(date_day) as month_name,
            cast(isoyear(date_day) as integer) as iso_year,
            cast(week(date_day) as integer) as iso_week,
            cast(date_trunc('week', date_day) as date) as week_start,
            cast(date_trunc('month', date_day) as date) as month_start,
            cast(date_trunc('quarter', date_day) as date) as quarter_start,
            isodow(date_day) > 5 as is_weekend,
            date_day <= settings.as_of_date as is_past
        from days
        cross join settings
    )

select *
from final
