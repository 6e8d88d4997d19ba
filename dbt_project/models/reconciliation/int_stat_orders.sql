-- Grain: one row per vendor record, figure about orders and order that the figure may count: of the person or, of
-- one with several profiles, reported as the profile's own, up to the end of the vendor's export date.
{% set moments = stat_moments() %}
with
    stats as (select * from {{ ref("int_vendor_stats") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    known_orders as (select * from {{ ref("int_orders_vendors_know") }}),

    order_reports as (select * from {{ ref("int_order_reports") }}),

    profile_records as (select * from {{ ref("int_profile_records") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    own_orders as (
        select distinct
            profile_records.source,
            profile_records.source_account,
            profile_records.stream,
            profile_records.source_record_id,
            order_reports.order_id
        from order_reports
        inner join profile_records on {{ is_of_profile("order_reports") }}
    ),

    observed as (
        select
            stats.*,
            {% for moment, day in moments -%}
                {{ day_start(day, "settings.reporting_time_zone") }} as {{ moment }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from stats
        cross join settings
    ),

    final as (
        select
            stats.*,
            definitions.amount as amount_kind,
            definitions.is_net,
            definitions.uses_vendor_flag,
            definitions.statuses,
            known_orders.order_id,
            known_orders.status,
            known_orders.is_flagged_valid,
            known_orders.currency as order_currency,
            known_orders.subtotal_amount,
            known_orders.total_amount,
            known_orders.ordered_at
        from observed as stats
        inner join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        inner join
            known_orders
            on stats.customer_id = known_orders.customer_id
            and stats.source = known_orders.source
            and stats.source_account = coalesce(known_orders.source_account, stats.source_account)
        left join
            own_orders
            on stats.source = own_orders.source
            and stats.source_account = own_orders.source_account
            and stats.stream = own_orders.stream
            and stats.owner_record_id = own_orders.source_record_id
            and known_orders.order_id = own_orders.order_id
        where
            definitions.compares_with = 'orders'
            and (not stats.is_one_of_several or own_orders.order_id is not null)
            and known_orders.ordered_at < stats.at_day_end
    )

select *
from final
