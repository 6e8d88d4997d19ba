-- Grain: one row per customer and day that computed segments are decided for, with all that a predicate may ask for.
-- Attributes are those of the day, also where the run's day lies before the newest data, and whoever was not known yet
-- is nobody; nothing stands here while no segment is defined.
with
    figures as (select * from {{ ref("int_customer_figures") }}),

    customers as (select * from {{ ref("dim_customers") }}),

    periods as (select * from {{ ref("dim_customers_history") }}),

    segments as (select * from {{ ref("computed_segments") }}),

    population as (
        select
            figures.customer_id,
            figures.lifecycle_stage,
            figures.reporting_currency,
            figures.order_count,
            figures.orders_attempted,
            figures.total_revenue,
            figures.average_order_value,
            figures.gross_amount,
            figures.refunded_amount,
            figures.refund_rate,
            figures.item_quantity,
            figures.order_count_30_days,
            figures.revenue_30_days,
            figures.order_count_90_days,
            figures.revenue_90_days,
            figures.order_count_365_days,
            figures.revenue_365_days,
            figures.days_since_last_order,
            figures.repeat_gap_days,
            figures.active_event_count,
            figures.engagement_score,
            figures.engagement_percentile,
            figures.rfm_recency,
            figures.rfm_frequency,
            figures.rfm_monetary,
            figures.cohort_month,
            figures.as_of_date,
            figures.first_order_at,
            figures.last_order_at,
            figures.last_active_at,
            periods.first_name,
            periods.last_name,
            periods.full_name,
            periods.email,
            periods.phone,
            periods.gender,
            periods.city,
            periods.state,
            periods.country,
            periods.postal_code,
            periods.language,
            periods.sources,
            periods.record_count,
            periods.is_deleted,
            periods.birth_date,
            case
                when periods.is_current and figures.is_run_day then customers.first_seen_at else periods.first_seen_at
            end as first_seen_at,
            case
                when periods.is_current and figures.is_run_day then customers.last_seen_at else periods.last_seen_at
            end as last_seen_at
        from figures
        inner join customers on figures.customer_id = customers.customer_id
        inner join
            periods
            on figures.customer_id = periods.customer_id
            and periods.valid_from <= figures.as_of_date
            and (periods.valid_to is null or periods.valid_to > figures.as_of_date)
        where (select count(*) from segments) > 0
    ),

    -- Whom the vendors have deleted is a member of nothing.
    final as (select * from population where not coalesce(is_deleted, false))

select *
from final
