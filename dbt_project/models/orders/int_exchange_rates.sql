-- Grain: one row per currency and date of an order or line in it, with the units of the currency that one euro bought;
-- the last rate holds. The euro is one euro; a currency without a rate up to the date has no row.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    lines as (select distinct order_id, currency from {{ ref("int_order_lines") }}),

    rates as (select * from {{ ref("fx_rates") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    order_days as (
        select distinct
            figures.currency, {{ local_date("figures.ordered_at", "settings.reporting_time_zone") }} as rate_date
        from figures
        cross join settings
        where figures.currency is not null
    ),

    line_days as (
        select distinct
            lines.currency, {{ local_date("figures.ordered_at", "settings.reporting_time_zone") }} as rate_date
        from lines
        inner join figures on lines.order_id = figures.order_id
        cross join settings
        where lines.currency <> figures.currency
    ),

    wanted as (
        select currency, rate_date
        from order_days
        union
        select currency, rate_date
        from line_days
        union
        select settings.reporting_currency as currency, order_days.rate_date
        from order_days
        cross join settings
    ),

    timeline as (
        select currency, rate_date, units_per_eur, false as is_wanted
        from rates
        where currency <> 'EUR' and currency in (select currency from wanted)
        union all
        select currency, rate_date, null as units_per_eur, true as is_wanted
        from wanted
    ),

    numbered as (
        select
            currency,
            rate_date,
            units_per_eur,
            is_wanted,
            count(units_per_eur) over (
                partition by currency order by rate_date, is_wanted rows between unbounded preceding and current row
            ) as rate_number
        from timeline
    ),

    held as (
        select
            currency,
            rate_date,
            is_wanted,
            max(units_per_eur) over (partition by currency, rate_number) as units_per_eur,
            rate_number
        from numbered
    ),

    final as (
        select
            currency,
            rate_date,
            cast(case when currency = 'EUR' then 1 else units_per_eur end as decimal(20, 8)) as units_per_eur
        from held
        where is_wanted and (currency = 'EUR' or rate_number > 0)
    )

select *
from final
