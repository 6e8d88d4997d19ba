-- Grain: one row per vendor record and figure the vendor reports of it, beside ours, with a verdict. match: ours by our
-- definition, or nothing on both sides. explained: ours by theirs. inconsistent_at_source: their figures contradict
-- each other. stale: theirs was true before orders changed, or of the day before. not_comparable: no definition, no
-- person, no readable value, or nothing of the kind delivered. Orders after the vendor's export date are compared with
-- nothing. Of a person with several profiles at the vendor, a profile is compared with what was reported as its own.
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
{% set money = "('total_revenue', 'average_order_value', 'last_order_amount')" %}
with
    stats as not materialized(select * from {{ ref("int_vendor_stats") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    by_orders as not materialized(select * from {{ ref("int_vendor_stat_orders") }}),

    by_counts as (select * from {{ ref("int_vendor_stat_counts") }}),

    ours as (select * from {{ ref("int_vendor_stat_customers") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    reporting_sources as (select source from {{ ref("bridge_order_sources") }} group by source),

    available as (
        select 'orders' as compares_with, count(*) > 0 as is_available
        from {{ ref("fct_orders") }}
        union all
        select 'redemptions', count(*) > 0
        from {{ ref("fct_redemptions") }}
        union all
        select 'loyalty', count(*) > 0
        from {{ ref("fct_loyalty_balances") }}
        union all
        select 'referrals', count(*) > 0
        from {{ ref("fct_referrals") }}
    ),

    joined as (
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
            definitions.compares_with,
            coalesce(available.is_available, false)
            and stats.customer_id is not null
            and (stats.value_num is not null or stats.value_ts is not null)
            and not (
                stats.is_one_of_several and definitions.compares_with = 'orders' and reporting_sources.source is null
            ) as is_comparable,
            stats.metric in {{ money }}
            and coalesce(stats.currency <> settings.reporting_currency, false) as is_other_currency,
            -- Orders in another currency than the vendor's figure: their amounts make no sum.
            coalesce(by_orders.has_other_currency, false) and stats.metric in {{ money }} as is_mixed_currency,
            cast(
                definitions.tolerance * case
                    when definitions.is_tolerance_per_order
                    then least(greatest(coalesce(stats_count.value_num, 1), 1), 1000000000)
                    else 1
                end as decimal(38, 6)
            ) as tolerance,
            case
                when definitions.compares_with <> 'orders'
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
                    when definitions.compares_with <> 'orders'
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
        left join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        left join available on definitions.compares_with = available.compares_with
        left join reporting_sources on stats.source = reporting_sources.source
        cross join settings
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
        left join
            stats as stats_count
            on definitions.is_tolerance_per_order
            and stats_count.metric = 'order_count'
            and stats.source = stats_count.source
            and stats.source_account = stats_count.source_account
            and stats.stream = stats_count.stream
            and stats.owner_record_id = stats_count.owner_record_id
    ),

    compared as (
        select
            *,
            -- Figures too large to subtract are not equal. Of somebody without orders they say 0 where ours has no
            -- value.
            vendor_value = 0
            and compares_with = 'orders'
            and published_value is null
            and defined_value is null as is_nothing,
            case
                when vendor_time is not null
                then abs({{ seconds_between("vendor_time", "published_time") }}) <= tolerance
                else
                    not is_other_currency
                    and not is_mixed_currency
                    and try(abs(vendor_value - published_value) <= tolerance)
            end as is_match,
            {% for suffix in states -%}
                case
                    when vendor_time is not null
                    then abs({{ seconds_between("vendor_time", "defined_time" ~ suffix) }}) <= tolerance
                    else
                        not is_mixed_currency
                        and try(
                            abs(
                                vendor_value
                                - coalesce(defined_value{{ suffix }}, case when vendor_value = 0 then 0 end)
                            )
                            <= tolerance
                        )
                end as is_explained{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from joined
    ),

    judged as (
        select
            *,
            case
                when is_comparable and is_nothing
                then 'nothing on both sides'
                when is_comparable and compares_with is not null and coalesce(is_match, false)
                then 'equal by our definition'
                when is_contradicted
                then 'figures of the vendor contradict each other'
                when compares_with is null
                then 'no definition is known'
                when customer_id is null
                then 'belongs to nobody we know'
                when vendor_value is null and vendor_time is null
                then 'no value could be read'
                when not is_comparable
                then 'nothing to compare with was delivered'
                when is_mixed_currency
                then 'orders are in another currency'
                when coalesce(is_explained, false)
                then 'equal by their definition'
                when coalesce(is_explained_at_day_end, false)
                then 'orders have changed since the export'
                when coalesce(is_explained_at_export, false)
                then 'without the day of the export'
                when coalesce(is_explained_day_before, false)
                then 'without the day of the export and the one before'
                else 'differs'
            end as verdict_reason
        from compared
    ),

    verdicts(verdict_reason, verdict) as (
        values
            ('nothing on both sides', 'match'),
            ('equal by our definition', 'match'),
            ('figures of the vendor contradict each other', 'inconsistent_at_source'),
            ('no definition is known', 'not_comparable'),
            ('belongs to nobody we know', 'not_comparable'),
            ('no value could be read', 'not_comparable'),
            ('nothing to compare with was delivered', 'not_comparable'),
            ('orders are in another currency', 'not_comparable'),
            ('equal by their definition', 'explained'),
            ('orders have changed since the export', 'stale'),
            ('without the day of the export', 'stale'),
            ('without the day of the export and the one before', 'stale'),
            ('differs', 'mismatch')
    ),

    final as (
        select
            judged.source,
            judged.source_account,
            judged.stream,
            judged.source_record_id,
            judged.customer_id,
            judged.metric,
            coalesce(judged.definition_id, judged.metric) as definition_id,
            judged.unit,
            judged.currency,
            verdicts.verdict,
            judged.verdict_reason,
            judged.vendor_value,
            cast(
                coalesce(
                    case when not judged.is_other_currency then judged.published_value end,
                    case when not judged.is_mixed_currency then judged.defined_value end
                ) as decimal(38, 6)
            ) as our_value,
            cast(
                case when not judged.is_mixed_currency then judged.defined_value end as decimal(38, 6)
            ) as our_value_by_their_definition,
            judged.vendor_time,
            judged.published_time as our_time,
            judged.defined_time as our_time_by_their_definition,
            judged.export_date as observed_date
        from judged
        inner join verdicts on judged.verdict_reason = verdicts.verdict_reason
    )

select *
from final
