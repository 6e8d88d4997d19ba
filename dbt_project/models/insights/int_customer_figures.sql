-- Grain: one row per customer and day, as of the day's end. Amounts are in the reporting currency, over valid orders
-- only. Of an earlier day it says what today's data say of it, for whoever was known then.
with
    customers as (select customer_id from {{ ref("dim_customers") }}),

    periods as (select * from {{ ref("dim_customers_history") }}),

    customer_orders as (select * from {{ ref("int_customer_orders") }}),

    engagement_by_class as (select * from {{ ref("int_engagement") }}),

    limits as (select * from {{ ref("lifecycle_limits") }}),

    insight_days as (select * from {{ ref("int_insight_days") }}),

    known_since as (select customer_id, min(valid_from) as first_date from periods group by customer_id),

    engagement as (
        select
            insight_date,
            customer_id,
            sum(event_count) as event_count,
            sum(counted_worth) as worth,
            max(k) as k,
            max(last_event_at) as last_event_at
        from engagement_by_class
        group by insight_date, customer_id
    ),

    known as (
        select
            customers.customer_id, insight_days.insight_date, insight_days.reporting_currency, insight_days.is_run_day
        from customers
        inner join known_since on customers.customer_id = known_since.customer_id
        inner join insight_days on insight_days.is_run_day or known_since.first_date <= insight_days.insight_date
    ),

    joined as (
        select
            known.customer_id,
            known.insight_date,
            known.reporting_currency,
            known.is_run_day,
            coalesce(customer_orders.order_count, 0) as order_count,
            coalesce(customer_orders.rated_order_count, 0) as rated_order_count,
            coalesce(customer_orders.orders_attempted, 0) as orders_attempted,
            coalesce(customer_orders.total_revenue, 0) as total_revenue,
            coalesce(customer_orders.gross_amount, 0) as gross_amount,
            coalesce(customer_orders.refunded_amount, 0) as refunded_amount,
            coalesce(customer_orders.item_quantity, 0) as item_quantity,
            coalesce(customer_orders.refunded_order_count, 0) as refunded_order_count,
            {% for days in [30, 90, 365] -%}
                coalesce(customer_orders.order_count_{{ days }}_days, 0) as order_count_{{ days }}_days,
                coalesce(customer_orders.revenue_{{ days }}_days, 0) as revenue_{{ days }}_days,
            {% endfor -%}
            customer_orders.first_order_date,
            customer_orders.last_order_date,
            customer_orders.first_order_at,
            customer_orders.last_order_at,
            {{ days_between("customer_orders.last_order_date", "known.insight_date") }} as days_since_last_order,
            round(
                100 * (
                    1 - exp(- cast(coalesce(engagement.worth, 0) as double) / cast(coalesce(engagement.k, 1) as double))
                ),
                6
            ) as engagement_score,
            cast(coalesce(engagement.event_count, 0) as bigint) as active_event_count,
            engagement.last_event_at as last_active_at
        from known
        left join
            customer_orders
            on known.customer_id = customer_orders.customer_id
            and known.insight_date = customer_orders.insight_date
        left join
            engagement on known.customer_id = engagement.customer_id and known.insight_date = engagement.insight_date
    ),

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
