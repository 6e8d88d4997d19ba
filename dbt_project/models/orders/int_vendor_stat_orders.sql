-- Grain: one row per vendor record and figure about orders, computed from our orders by the vendor's definition, and by ours.
-- A vendor that reports orders is held to those it reported, as it reported them; any other to all orders we know. Where a
-- person has several profiles at the vendor, each is held to the orders reported as its own.
-- Each figure stands here three times: of all orders, and of those before the night, and the day before the night, of the
-- vendor's export, because vendors compute by night.
{% set cutoffs = [
    ("", "is_counted"),
    ("_at_export", "is_counted and is_before_export"),
    ("_day_before", "is_counted and is_before_day_before"),
] %}
with
    stats as (select * from {{ ref("int_vendor_stats") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    order_reports as (select * from {{ ref("int_order_reports") }}),

    profile_records as (select * from {{ ref("int_profile_records") }}),

    own_orders as (
        select distinct profile_records.source, profile_records.source_account, profile_records.stream, profile_records.source_record_id, order_reports.order_id
        from order_reports
        inner join profile_records on {{ is_of_profile("order_reports") }}
    ),

    reporting_sources as (select source from reports group by source),

    -- One report of an order per vendor account: the best one, with the furthest state any of its reports tells.
    reported_orders as (
        select
            reports.source,
            reports.source_account,
            reports.order_id,
            coalesce(reports.customer_id, orders.customer_id) as customer_id,
            last_value(reports.status) over in_progress as status,
            coalesce(reports.currency, orders.currency) as currency,
            reports.subtotal_amount,
            reports.total_amount,
            coalesce(reports.is_valid_source, orders.is_valid) as is_flagged_valid,
            coalesce(reports.ordered_at, orders.ordered_at) as ordered_at
        from reports
        inner join orders on reports.order_id = orders.order_id
        left join statuses on reports.status = statuses.status
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

    known_orders as (
        select source, source_account, order_id, customer_id, status, currency, subtotal_amount, total_amount, is_flagged_valid, ordered_at
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
    ),

    counted as (
        select
            stats.source,
            stats.source_account,
            stats.stream,
            stats.owner_record_id,
            stats.metric,
            stats.definition_id,
            known_orders.order_id,
            greatest(
                case
                    when definitions.amount = 'subtotal'
                    then coalesce(known_orders.subtotal_amount, known_orders.total_amount)
                    else known_orders.total_amount
                end - case
                    when not definitions.is_net
                    then 0
                    when definitions.amount = 'subtotal'
                    then coalesce(refunds.subtotal_amount, orders.refunded_amount)
                    else orders.refunded_amount
                end,
                0
            ) as amount,
            orders.item_quantity,
            orders.net_amount_reporting,
            orders.is_valid,
            case
                when definitions.uses_vendor_flag
                then known_orders.is_flagged_valid
                else position(concat('|', known_orders.status, '|') in concat('|', definitions.statuses, '|')) > 0
            end as is_counted,
            coalesce(known_orders.currency <> stats.currency, false) as is_other_currency,
            known_orders.ordered_at,
            known_orders.ordered_at < cast(stats.export_date as timestamptz) as is_before_export,
            known_orders.ordered_at < cast(stats.export_date - 1 as timestamptz) as is_before_day_before
        from stats
        inner join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        inner join
            known_orders
            on stats.customer_id = known_orders.customer_id
            and stats.source = known_orders.source
            and stats.source_account = coalesce(known_orders.source_account, stats.source_account)
        inner join orders on known_orders.order_id = orders.order_id
        left join refunds on known_orders.order_id = refunds.order_id
        left join
            own_orders
            on stats.source = own_orders.source
            and stats.source_account = own_orders.source_account
            and stats.stream = own_orders.stream
            and stats.owner_record_id = own_orders.source_record_id
            and known_orders.order_id = own_orders.order_id
        where definitions.compares_with = 'orders' and (not stats.is_one_of_several or own_orders.order_id is not null)
    ),

    final as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            coalesce(bool_or(is_other_currency) filter (where is_counted), false) as has_other_currency,
            count(*) as our_orders_attempted,
            count(*) filter (where is_valid) as our_order_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as our_revenue,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as our_item_quantity,
            min(ordered_at) filter (where is_valid) as our_first_at,
            max(ordered_at) filter (where is_valid) as our_last_at,
            {% for suffix, condition in cutoffs -%}
                count(*) filter (where {{ condition }}) as order_count{{ suffix }},
                {{ capped("sum(amount) filter (where " ~ condition ~ ")") }} as amount{{ suffix }},
                {{ capped("sum(item_quantity) filter (where " ~ condition ~ ")") }} as item_quantity{{ suffix }},
                max_by(amount, ordered_at) filter (where {{ condition }}) as last_amount{{ suffix }},
                min(ordered_at) filter (where {{ condition }}) as first_at{{ suffix }},
                max(ordered_at) filter (where {{ condition }}) as last_at{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from counted
        group by source, source_account, stream, owner_record_id, metric, definition_id
    )

select *
from final
