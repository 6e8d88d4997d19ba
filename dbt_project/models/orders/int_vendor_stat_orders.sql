-- Grain: one row per vendor record and figure about orders, computed from our orders by the vendor's definition.
-- A vendor that reports orders is held to those it reported, as it reported them; any other to all orders we know.
-- Each figure stands here three times: of all orders, and of those before the night, and the day before the night, of the
-- vendor's export, because vendors compute by night.
{% set cutoffs = [('', 'true'), ('_at_export', 'is_before_export'), ('_day_before', 'is_before_day_before')] %}
with
    stats as (select * from {{ ref('int_vendor_stats') }}),

    definitions as (select * from {{ ref('vendor_metric_definitions') }}),

    orders as (select * from {{ ref('fct_orders') }}),

    reports as (select * from {{ ref('bridge_order_sources') }}),

    reporting_sources as (
        select source
        from reports
        group by source
    ),

    known_orders as (
        select
            reports.source,
            orders.customer_id,
            orders.order_id,
            reports.status,
            coalesce(reports.currency, orders.currency) as currency,
            reports.subtotal_amount,
            reports.total_amount,
            orders.refunded_amount,
            orders.item_quantity,
            coalesce(reports.is_valid_source, orders.is_valid) as is_flagged_valid,
            coalesce(reports.ordered_at, orders.ordered_at) as ordered_at
        from reports
        inner join orders on reports.order_id = orders.order_id
        union all
        select
            sources.source,
            orders.customer_id,
            orders.order_id,
            orders.status,
            orders.currency,
            orders.subtotal_amount,
            orders.total_amount,
            orders.refunded_amount,
            orders.item_quantity,
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
                case when definitions.amount = 'subtotal' then coalesce(known_orders.subtotal_amount, known_orders.total_amount) else known_orders.total_amount end
                - case when definitions.is_net then known_orders.refunded_amount else 0 end,
                0
            ) as amount,
            known_orders.item_quantity,
            coalesce(known_orders.currency <> stats.currency, false) as is_other_currency,
            known_orders.ordered_at,
            known_orders.ordered_at < cast(stats.export_date as timestamptz) as is_before_export,
            known_orders.ordered_at < cast(stats.export_date - 1 as timestamptz) as is_before_day_before
        from stats
        inner join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        inner join known_orders on stats.customer_id = known_orders.customer_id and stats.source = known_orders.source
        where
            definitions.compares_with = 'orders'
            and case
                when definitions.uses_vendor_flag
                then known_orders.is_flagged_valid
                else position(concat('|', known_orders.status, '|') in concat('|', definitions.statuses, '|')) > 0
            end
    ),

    final as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            bool_or(is_other_currency) as has_other_currency,
            {% for suffix, condition in cutoffs -%}
            count(*) filter (where {{ condition }}) as order_count{{ suffix }},
            cast(sum(amount) filter (where {{ condition }}) as decimal(18, 4)) as amount{{ suffix }},
            cast(sum(item_quantity) filter (where {{ condition }}) as decimal(18, 4)) as item_quantity{{ suffix }},
            max_by(amount, ordered_at) filter (where {{ condition }}) as last_amount{{ suffix }},
            min(ordered_at) filter (where {{ condition }}) as first_at{{ suffix }},
            max(ordered_at) filter (where {{ condition }}) as last_at{{ suffix }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from counted
        group by source, source_account, stream, owner_record_id, metric, definition_id
    )

select *
from final
