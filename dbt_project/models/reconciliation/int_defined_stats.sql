-- Grain: one row per vendor record and figure the vendor reports of it, with what it is compared with, whether that is
-- possible, and how close to ours it must come.
{% set money = "('total_revenue', 'average_order_value', 'last_order_amount')" %}
with
    stats as not materialized(select * from {{ ref("int_vendor_stats") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

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

    final as (
        select
            stats.*,
            definitions.compares_with,
            coalesce(available.is_available, false)
            and stats.customer_id is not null
            and (stats.value_num is not null or stats.value_ts is not null)
            and not (
                stats.is_one_of_several and definitions.compares_with = 'orders' and reporting_sources.source is null
            ) as is_comparable,
            stats.metric in {{ money }}
            and coalesce(stats.currency <> settings.reporting_currency, false) as is_other_currency,
            stats.metric in {{ money }} as is_money,
            cast(
                definitions.tolerance * case
                    when definitions.is_tolerance_per_order
                    then least(greatest(coalesce(stats_count.value_num, 1), 1), 1000000000)
                    else 1
                end as decimal(38, 6)
            ) as tolerance
        from stats
        left join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        left join available on definitions.compares_with = available.compares_with
        left join reporting_sources on stats.source = reporting_sources.source
        cross join settings
        left join
            stats as stats_count
            on definitions.is_tolerance_per_order
            and stats_count.metric = 'order_count'
            and stats.source = stats_count.source
            and stats.source_account = stats_count.source_account
            and stats.stream = stats_count.stream
            and stats.owner_record_id = stats_count.owner_record_id
    )

select *
from final
