-- Grain: one row per order and day that figures are computed for on which the order stood otherwise than it does today.
-- What was refunded later is not taken off yet, what was canceled later is not canceled, what was paid later is not
-- valid yet.
with
    changed as (select * from {{ ref("int_changed_orders") }}),

    adjustments as (select * from {{ ref("fct_order_adjustments") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    rates as (select * from {{ ref("int_exchange_rates") }}),

    on_days as (
        select
            changed.*,
            insight_days.insight_date,
            insight_days.day_end,
            case
                when changed.status = 'canceled'
                then coalesce(changed.was_valid and changed.canceled_since >= insight_days.day_end, false)
                else changed.is_valid
            end
            and coalesce(changed.valid_since < insight_days.day_end, true) as is_valid_then
        from changed
        inner join
            insight_days on changed.order_date <= insight_days.insight_date and changed.last_at >= insight_days.day_end
    ),

    later_refunds as (
        select on_days.order_id, on_days.insight_date, sum(adjustments.amount) as amount
        from on_days
        inner join adjustments on on_days.order_id = adjustments.order_id and adjustments.occurred_at >= on_days.day_end
        where not (adjustments.adjustment_type = 'cancel' and on_days.status = 'canceled')
        group by on_days.order_id, on_days.insight_date
    ),

    amounts as (
        select
            on_days.*,
            {{ capped("greatest(on_days.refunded_amount - coalesce(later_refunds.amount, 0), 0)") }} as refunded_then,
            case
                when later_refunds.order_id is null and not (on_days.status = 'canceled' and on_days.is_valid_then)
                then on_days.net_amount
                else
                    greatest(
                        on_days.total_amount - greatest(on_days.refunded_amount - coalesce(later_refunds.amount, 0), 0),
                        0
                    )
            end as net_then,
            order_rates.units_per_eur as order_units,
            reporting_rates.units_per_eur as reporting_units
        from on_days
        left join
            later_refunds
            on on_days.order_id = later_refunds.order_id
            and on_days.insight_date = later_refunds.insight_date
        left join
            rates as order_rates
            on on_days.currency = order_rates.currency
            and on_days.order_date = order_rates.rate_date
        left join
            rates as reporting_rates
            on on_days.reporting_currency = reporting_rates.currency
            and on_days.order_date = reporting_rates.rate_date
    ),

    final as (
        select
            order_id,
            insight_date,
            is_valid_then as is_valid,
            refunded_then as refunded_amount,
            {% for amount in ["refunded", "net"] -%}
                case
                    when currency = reporting_currency
                    then cast(round({{ amount }}_then, 2) as decimal(18, 2))
                    else {{ convert_amount(amount ~ "_then", "order_units", "reporting_units") }}
                end as {{ amount }}_amount_reporting
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from amounts
    )

select *
from final
