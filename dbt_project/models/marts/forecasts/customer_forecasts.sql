-- Grain: one row per customer, as of the run's day. Purchases are days with a valid order; amounts are in the reporting
-- currency. Beyond what an amount holds it stands at the limit: the greatest whole number that a double holds exactly
-- there.
{% set limit = "cast(9999999999999998 as double)" %}
with
    customers as (select customer_id from {{ ref("dim_customers") }}),

    forecasts as (select * from {{ ref("int_customer_forecasts") }}),

    models as (select * from {{ ref("int_forecast_models") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    final as (
        select
            customers.customer_id,
            case when forecasts.customer_id is null then 'no_valid_order' else models.model_status end as model_status,
            case
                when forecasts.customer_id is null then 'no valid order up to this day' else models.status_reason
            end as status_reason,
            settings.reporting_currency,
            round(forecasts.probability_alive, 6) as probability_alive,
            round(forecasts.expected_purchases, 6) as expected_purchases_365_days,
            cast(
                case
                    when forecasts.expected_value > {{ limit }} then {{ limit }} else forecasts.expected_value
                end as decimal(18, 2)
            ) as expected_order_value,
            cast(
                case
                    when forecasts.expected_purchases * forecasts.expected_value > {{ limit }}
                    then {{ limit }}
                    else forecasts.expected_purchases * forecasts.expected_value
                end as decimal(18, 2)
            ) as expected_revenue_365_days,
            settings.as_of_date
        from customers
        cross join models
        cross join settings
        left join forecasts on customers.customer_id = forecasts.customer_id
    )

select *
from final
