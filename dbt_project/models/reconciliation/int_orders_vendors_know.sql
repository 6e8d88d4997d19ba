-- Grain: one row per order that a vendor account is held to, as it reported it: one report of an order per account,
-- the best one, with the furthest state any of its reports states. A vendor that reports no orders is held to all
-- that we know, without an account.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    reporting_sources as (select source from reports group by source),

    -- A cancellation that a vendor reports separately is part of what it reports.
    own_cancellations as (
        select claims.order_id, claims.source, claims.source_account
        from claims
        inner join orders on claims.order_id = orders.order_id
        where claims.action = 'cancel' and orders.status = 'canceled'
        group by claims.order_id, claims.source, claims.source_account
    ),

    reported_orders as (
        select
            reports.source,
            reports.source_account,
            reports.order_id,
            coalesce(reports.customer_id, orders.customer_id) as customer_id,
            case
                when own_cancellations.order_id is not null
                then 'canceled'
                else last_value(reports.status) over in_progress
            end as status,
            coalesce(reports.currency, orders.currency) as currency,
            reports.subtotal_amount,
            reports.total_amount,
            coalesce(reports.is_valid_source, orders.is_valid) as is_flagged_valid,
            coalesce(reports.ordered_at, orders.ordered_at) as ordered_at
        from reports
        inner join orders on reports.order_id = orders.order_id
        left join statuses on reports.status = statuses.status
        left join
            own_cancellations
            on reports.order_id = own_cancellations.order_id
            and reports.source = own_cancellations.source
            and reports.source_account = own_cancellations.source_account
        window
            in_progress as (
                partition by reports.source, reports.source_account, reports.order_id
                order by statuses.progress nulls first
                rows between unbounded preceding and unbounded following
            )
        qualify
            row_number() over (
                partition by reports.source, reports.source_account, reports.order_id
                order by reports.is_primary desc, reports.total_amount is null, reports.source_record_id
            )
            = 1
    ),

    final as (
        select
            source,
            source_account,
            order_id,
            customer_id,
            status,
            currency,
            subtotal_amount,
            total_amount,
            is_flagged_valid,
            ordered_at
        from reported_orders
        union all
        select
            sources.source,
            cast(null as varchar) as source_account,
            orders.order_id,
            orders.customer_id,
            orders.status,
            orders.currency,
            orders.subtotal_amount,
            orders.total_amount,
            orders.is_valid as is_flagged_valid,
            orders.ordered_at
        from orders
        inner join
            (
                select definitions.source
                from definitions
                left join reporting_sources on definitions.source = reporting_sources.source
                where reporting_sources.source is null
                group by definitions.source
            ) as sources
            on true
    )

select *
from final
