-- Grain: one row per real order, however many vendors reported it.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    states as (select * from {{ ref("int_order_states") }}),

    line_totals as (select * from {{ ref("int_order_line_totals") }}),

    rates as (select * from {{ ref("int_exchange_rates") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    dated as (
        select
            figures.*,
            settings.reporting_currency,
            {{ local_date("figures.ordered_at", "settings.reporting_time_zone") }} as order_date
        from figures
        cross join settings
    ),

    rated as (
        select
            dated.*,
            order_rates.units_per_eur as order_units,
            reporting_rates.units_per_eur as reporting_units,
            dated.currency = dated.reporting_currency as is_reporting_currency
        from dated
        left join
            rates as order_rates on dated.currency = order_rates.currency and dated.order_date = order_rates.rate_date
        left join
            rates as reporting_rates
            on dated.reporting_currency = reporting_rates.currency
            and dated.order_date = reporting_rates.rate_date
    ),

    final as (
        select
            rated.order_id,
            rated.customer_id,
            rated.order_number,
            rated.order_namespace,
            rated.store_id,
            rated.channel,
            rated.source,
            rated.sources,
            states.status,
            rated.currency,
            rated.reporting_currency,
            rated.subtotal as subtotal_amount,
            rated.discount_total as discount_amount,
            {% for amount in ["shipping", "fees"] -%}
                coalesce(
                    rated.{{ amount }}_total,
                    case
                        when coalesce(line_totals.currency = rated.currency, true) then line_totals.{{ amount }}_amount
                    end
                ) as {{ amount }}_amount,
            {% endfor -%}
            rated.tax_total as tax_amount,
            rated.total as total_amount,
            states.refunded_amount,
            states.net_amount,
            {% for amount in ["rated.total", "states.refunded_amount", "states.net_amount"] -%}
                case
                    when rated.is_reporting_currency
                    then cast(round({{ amount }}, 2) as decimal(18, 2))
                    else {{ convert_amount(amount, "rated.order_units", "rated.reporting_units") }}
                end as {{ amount.split(".")[1] | replace("_amount", "") }}_amount_reporting,
            {% endfor -%}
            {% for words in ["coupon_codes", "payment_methods", "tags"] -%}
                coalesce(rated.{{ words }}, []) as {{ words }},
            {% endfor -%}
            coalesce(line_totals.line_count, 0) as line_count,
            coalesce(line_totals.item_quantity, 0) as item_quantity,
            states.is_valid,
            rated.is_guest,
            rated.is_test,
            rated.is_ordered_at_inferred,
            rated.order_date,
            rated.ordered_at,
            case when states.status = 'canceled' then rated.canceled_at end as canceled_at,
            rated.anonymous_id
        from rated
        inner join states on rated.order_id = states.order_id
        left join line_totals on rated.order_id = line_totals.order_id
    )

select *
from final
