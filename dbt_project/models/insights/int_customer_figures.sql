-- Grain: one row per customer and day, as of the day's end. Amounts are in the reporting currency, over valid orders
-- only. Of an earlier day it says what today's data say of it, for whoever was known then.
with
    joined as (select * from {{ ref("int_customer_day_figures") }}),

    limits as (select * from {{ ref("lifecycle_limits") }}),

    staged as (
        select
            joined.insight_date,
            joined.customer_id,
            min_by(
                limits.lifecycle_stage, row(coalesce(limits.max_days_since_last_order, 1000000), limits.lifecycle_stage)
            ) as lifecycle_stage
        from joined
        inner join
            limits
            on joined.days_since_last_order <= coalesce(limits.max_days_since_last_order, joined.days_since_last_order)
        group by joined.insight_date, joined.customer_id
    ),

    -- Quintiles over the customers with a valid order. Equal values share the lowest quintile any of them would get.
    buyers as (
        select
            insight_date,
            customer_id,
            {% for score, column in [
                ("rfm_recency", "last_order_date"),
                ("rfm_frequency", "order_count"),
                ("rfm_monetary", "total_revenue"),
            ] -%}
                cast(
                    {{
                        whole_quotient(
                            "5 * (rank() over (partition by insight_date order by " ~ column ~ ") - 1)",
                            "count(*) over (partition by insight_date)",
                        )
                    }} + 1 as integer
                ) as {{ score }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from joined
        where order_count > 0
    ),

    final as (
        select
            joined.customer_id,
            coalesce(staged.lifecycle_stage, 'lead') as lifecycle_stage,
            joined.reporting_currency,
            joined.order_count,
            joined.orders_attempted,
            joined.total_revenue,
            {{ average_order_value("joined.total_revenue", "joined.rated_order_count") }} as average_order_value,
            joined.gross_amount,
            joined.refunded_amount,
            cast(
                case
                    when joined.order_count > 0 then cast(joined.refunded_order_count as double) / joined.order_count
                end as decimal(9, 4)
            ) as refund_rate,
            joined.item_quantity,
            {% for days in [30, 90, 365] -%}
                joined.order_count_{{ days }}_days, joined.revenue_{{ days }}_days,
            {% endfor -%}
            joined.days_since_last_order,
            cast(
                case
                    when joined.order_count > 1
                    then
                        {{ seconds_between("joined.first_order_at", "joined.last_order_at") }}
                        / 86400
                        / (joined.order_count - 1)
                end as decimal(12, 2)
            ) as repeat_gap_days,
            joined.active_event_count,
            joined.engagement_score,
            round(
                100 * percent_rank() over (partition by joined.insight_date order by joined.engagement_score), 2
            ) as engagement_percentile,
            buyers.rfm_recency,
            buyers.rfm_frequency,
            buyers.rfm_monetary,
            cast(date_trunc('month', joined.first_order_date) as date) as cohort_month,
            joined.is_run_day,
            joined.insight_date as as_of_date,
            joined.first_order_at,
            joined.last_order_at,
            joined.last_active_at
        from joined
        left join staged on joined.customer_id = staged.customer_id and joined.insight_date = staged.insight_date
        left join buyers on joined.customer_id = buyers.customer_id and joined.insight_date = buyers.insight_date
    )

select *
from final
