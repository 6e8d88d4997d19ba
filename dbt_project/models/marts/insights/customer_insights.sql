-- Grain: one row per customer, as of the run's day. Amounts are in the reporting currency, over valid orders only.
with
    figures as (select * from {{ ref("int_customer_figures") }}),

    final as (
        select
            customer_id,
            lifecycle_stage,
            reporting_currency,
            order_count,
            orders_attempted,
            total_revenue,
            average_order_value,
            gross_amount,
            refunded_amount,
            refund_rate,
            item_quantity,
            order_count_30_days,
            revenue_30_days,
            order_count_90_days,
            revenue_90_days,
            order_count_365_days,
            revenue_365_days,
            days_since_last_order,
            repeat_gap_days,
            active_event_count,
            engagement_score,
            engagement_percentile,
            rfm_recency,
            rfm_frequency,
            rfm_monetary,
            cohort_month,
            as_of_date,
            first_order_at,
            last_order_at,
            last_active_at
        from figures
        where is_run_day
    )

select *
from final
