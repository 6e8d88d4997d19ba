-- Grain: one row per vendor record and figure the vendor reports of it, as last observed, and whether it contradicts
-- another figure of the same observation. A figure reported again without its unit or currency is in the one last
-- reported.
with
    staged as (select * from {{ source("staging", "vendor_stats") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    profile_records as (select * from {{ ref("int_profile_records") }}),

    -- Profiles of a person who has another one at the same vendor.
    rivals as (
        select source, source_account, stream, source_record_id
        from profile_records
        group by source, source_account, stream, source_record_id
    ),

    owned as (select * from staged where owner_record_id is not null),

    newest as (
        {{
            last_said(
                "owned",
                "source, source_account, stream, owner_record_id, metric, definition_id",
                columns=["unit", "currency"],
                then="value_num desc nulls last, value_ts desc nulls last, unit, currency",
            )
        }}
    ),

    observed as (
        select
            newest.source,
            newest.source_account,
            newest.stream,
            newest.owner_record_id,
            newest.export_date,
            max(newest.value_num) filter (where newest.metric = 'total_revenue') as revenue,
            max(newest.value_num) filter (where newest.metric = 'order_count') as order_count,
            max(newest.value_num) filter (where newest.metric = 'average_order_value') as average_order_value,
            max(newest.value_num) filter (where newest.metric = 'loyalty_points') as loyalty_points,
            max(newest.value_num) filter (where newest.metric = 'points_to_go') as points_to_go,
            max(definitions.tolerance) filter (where newest.metric = 'average_order_value') as average_tolerance
        from newest
        left join definitions on newest.source = definitions.source and newest.metric = definitions.metric
        group by newest.source, newest.source_account, newest.stream, newest.owner_record_id, newest.export_date
    ),

    -- An average is revenue over orders, and points are points wherever the vendor shows them.
    contradictions as (
        select
            *,
            -- Figures too large to multiply contradict nothing.
            try(
                abs(average_order_value * order_count - revenue)
                > coalesce(average_tolerance, 0.01) * greatest(order_count, 1)
            ) as is_average_contradicted,
            loyalty_points <> points_to_go as is_balance_contradicted
        from observed
    ),

    final as (
        select
            newest.source,
            newest.source_account,
            newest.stream,
            newest.owner_record_id,
            owners.customer_id,
            newest.metric,
            newest.definition_id,
            newest.unit,
            newest.currency,
            newest.value_num,
            case
                when newest.metric in ('total_revenue', 'order_count', 'average_order_value')
                then coalesce(contradictions.is_average_contradicted, false)
                when newest.metric in ('loyalty_points', 'points_to_go')
                then coalesce(contradictions.is_balance_contradicted, false)
                else false
            end as is_contradicted,
            rivals.source_record_id is not null as is_one_of_several,
            newest.value_ts,
            newest.export_date
        from newest
        inner join
            contradictions
            on newest.source = contradictions.source
            and newest.source_account = contradictions.source_account
            and newest.stream = contradictions.stream
            and newest.owner_record_id = contradictions.owner_record_id
            and newest.export_date = contradictions.export_date
        left join owners on {{ is_owner("newest") }}
        left join
            rivals
            on newest.source = rivals.source
            and newest.source_account = rivals.source_account
            and newest.stream = rivals.stream
            and newest.owner_record_id = rivals.source_record_id
    )

select *
from final
