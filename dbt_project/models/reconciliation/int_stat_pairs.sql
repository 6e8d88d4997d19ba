-- Grain: one row per vendor record and figure the vendor reports of it, beside ours by our definition, and by the
-- vendor's as orders stand today and stood around its export date. Of a person with several profiles at the vendor,
-- a profile is compared with what was reported as its own.
{% set published = [
    ("total_revenue", "coalesce(ours.total_revenue, 0)", "coalesce(by_orders.our_revenue, 0)"),
    ("order_count", "coalesce(ours.order_count, 0)", "coalesce(by_orders.our_order_count, 0)"),
    ("orders_attempted", "coalesce(ours.orders_attempted, 0)", "coalesce(by_orders.our_orders_attempted, 0)"),
    (
        "average_order_value",
        exact_ratio("ours.total_revenue", "ours.rated_order_count"),
        exact_ratio("by_orders.our_revenue", "by_orders.our_rated_order_count"),
    ),
    ("total_items", "coalesce(ours.item_quantity, 0)", "coalesce(by_orders.our_item_quantity, 0)"),
] %}
{% set states = ["", "_at_day_end", "_at_export", "_day_before"] %}
with
    stats as (select * from {{ ref("int_defined_stats") }}),

    by_orders as not materialized(select * from {{ ref("int_vendor_stat_orders") }}),

    by_counts as (select * from {{ ref("int_vendor_stat_counts") }}),

    ours as (select * from {{ ref("int_vendor_stat_customers") }}),

    final as (
        select
            stats.source,
            stats.source_account,
            stats.stream,
            stats.owner_record_id as source_record_id,
            stats.customer_id,
            stats.metric,
            stats.definition_id,
            stats.unit,
            stats.currency,
            stats.is_contradicted,
            stats.export_date,
            stats.value_num as vendor_value,
            stats.value_ts as vendor_time,
            stats.compares_with,
            stats.is_comparable,
            stats.is_other_currency,
            -- Orders in another currency than the vendor's figure: their amounts make no sum.
            coalesce(by_orders.has_other_currency, false) and stats.is_money as is_mixed_currency,
            stats.tolerance,
            case
                when stats.compares_with <> 'orders'
                then coalesce(by_counts.value, 0)
                {% for metric, whole, own in published -%}
                    when stats.metric = '{{ metric }}'
                    then cast(case when stats.is_one_of_several then {{ own }} else {{ whole }} end as decimal(38, 6))
                {% endfor -%}
            end as published_value,
            case
                stats.metric
                when 'first_order_at'
                then case when stats.is_one_of_several then by_orders.our_first_at else ours.first_order_at end
                when 'last_order_at'
                then case when stats.is_one_of_several then by_orders.our_last_at else ours.last_order_at end
            end as published_time,
            {% for suffix in states -%}
                case
                    when stats.compares_with <> 'orders'
                    then coalesce(by_counts.value, 0)
                    when stats.metric = 'total_revenue'
                    then coalesce(cast(by_orders.amount{{ suffix }} as decimal(38, 6)), 0)
                    when stats.metric in ('order_count', 'orders_attempted')
                    then coalesce(by_orders.order_count{{ suffix }}, 0)
                    when stats.metric = 'average_order_value'
                    then {{ exact_ratio("by_orders.amount" ~ suffix, "by_orders.order_count" ~ suffix) }}
                    when stats.metric = 'last_order_amount'
                    then by_orders.last_amount{{ suffix }}
                    when stats.metric = 'total_items'
                    then coalesce(by_orders.item_quantity{{ suffix }}, 0)
                end as defined_value{{ suffix }},
                case
                    stats.metric
                    when 'first_order_at'
                    then by_orders.first_at{{ suffix }}
                    when 'last_order_at'
                    then by_orders.last_at{{ suffix }}
                end as defined_time{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from stats
        left join ours on stats.customer_id = ours.customer_id and stats.export_date = ours.export_date
        left join
            by_orders
            on stats.source = by_orders.source
            and stats.source_account = by_orders.source_account
            and stats.stream = by_orders.stream
            and stats.owner_record_id = by_orders.owner_record_id
            and stats.metric = by_orders.metric
            and stats.definition_id is not distinct from by_orders.definition_id
        left join
            by_counts
            on stats.customer_id = by_counts.customer_id
            and stats.source = by_counts.source
            and stats.source_account = by_counts.source_account
            and stats.metric = by_counts.metric
            and case when stats.is_one_of_several then concat(stats.stream, '|', stats.owner_record_id) else '' end
            = by_counts.profile
    )

select *
from final
