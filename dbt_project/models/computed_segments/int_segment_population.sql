-- Grain: one row per customer and day that computed segments are decided for, with all that a predicate may ask for.
-- Attributes are those of the day; nothing stands here while no segment is defined.
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
            case when figures.is_run_day then customers.first_name else periods.first_name end as first_name,
            case when figures.is_run_day then customers.last_name else periods.last_name end as last_name,
            case when figures.is_run_day then customers.full_name else periods.full_name end as full_name,
            case when figures.is_run_day then customers.email else periods.email end as email,
            case when figures.is_run_day then customers.phone else periods.phone end as phone,
            case when figures.is_run_day then customers.gender else periods.gender end as gender,
            case when figures.is_run_day then customers.city else periods.city end as city,
            case when figures.is_run_day then customers.state else periods.state end as state,
            case when figures.is_run_day then customers.country else periods.country end as country,
            case when figures.is_run_day then customers.postal_code else periods.postal_code end as postal_code,
            case when figures.is_run_day then customers.language else periods.language end as language,
            case when figures.is_run_day then customers.sources else periods.sources end as sources,
            case when figures.is_run_day then customers.record_count else periods.record_count end as record_count,
            case when figures.is_run_day then customers.is_deleted else periods.is_deleted end as is_deleted,
            case when figures.is_run_day then customers.birth_date else periods.birth_date end as birth_date,
            case when figures.is_run_day then customers.first_seen_at else periods.first_seen_at end as first_seen_at,
            case when figures.is_run_day then customers.last_seen_at else periods.last_seen_at end as last_seen_at
        from figures
        inner join customers on figures.customer_id = customers.customer_id
        left join
            periods
            on not figures.is_run_day
            and figures.customer_id = periods.customer_id
            and periods.valid_from <= figures.as_of_date
            and (periods.valid_to is null or periods.valid_to > figures.as_of_date)
        where (select count(*) from segments) > 0
    ),

    -- Whom the vendors have deleted is a member of nothing.
    final as (select * from population where not coalesce(is_deleted, false))

select *
from final
