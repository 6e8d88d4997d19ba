-- Grain: one row per event; an event id that came with different content counts in its newest version.
{% set same_moment = (
    "source, source_account, customer_id, event_type, event_action, occurred_at, source_order_id, product_id"
) %}
with
    staged as not materialized(select * from {{ source("staging", "events") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

    -- Few ids repeat: only theirs are put in order.
    repeated as (
        select source, source_account, event_id
        from staged
        group by source, source_account, event_id
        having count(*) > 1
    ),

    versions as (
        select staged.*
        from staged
        inner join
            repeated
            on staged.source = repeated.source
            and staged.source_account = repeated.source_account
            and staged.event_id = repeated.event_id
    ),

    newest as (
        {{
            last_said(
                "versions",
                "source, source_account, event_id",
                columns=[
                    "owner_record_id",
                    "event_type",
                    "event_action",
                    "event_name_raw",
                    "engagement_class",
                    "source_order_id",
                    "product_id",
                    "campaign_id",
                ]
                + ["origin", "is_active", "received_at", "properties"],
                followers={"order_namespace": "source_order_id", "order_match_key": "source_order_id"},
                changed_at="received_at",
                assumed_times={"occurred_at": "is_time_inferred"},
            )
        }}
    ),

    -- Of all events, before those that repeat are left out: of what is left the optimiser expects few, and would build
    -- its hash tables of them.
    {% for events in ["staged", "newest"] -%}
        resolved_{{ events }} as (
            select
                {{ events }}.*,
                owners.customer_id,
                case
                    when coalesce({{ events }}.source_order_id, {{ events }}.order_match_key) is not null
                    then {{ named_order(events) }}
                end as named_order_id
            from {{ events }}
            left join owners on {{ is_owner(events) }}
            left join
                order_keys
                on {{ events }}.source = order_keys.source
                and {{ events }}.source_account = order_keys.source_account
                and {{ events }}.source_order_id = order_keys.source_order_id
            left join number_uses on {{ is_number_use(events, events ~ ".occurred_at") }}
        ),

    {% endfor -%}
    resolved as (
        select resolved_staged.*
        from resolved_staged
        left join
            repeated
            on resolved_staged.source = repeated.source
            and resolved_staged.source_account = repeated.source_account
            and resolved_staged.event_id = repeated.event_id
        where repeated.event_id is null
        union all
        select *
        from resolved_newest
    ),

    -- A vendor may report an event in two streams, in a profile and on its own: without an id of its own it is known by
    -- the rest. Who does the same several times in one moment did it as often as the stream says that reports it most
    -- often.
    reported_once as (
        select *
        from resolved
        where not coalesce(is_event_id_derived, false) or customer_id is null

        union all

        select * exclude (number_in_stream)
        from
            (
                select
                    *, row_number() over (partition by {{ same_moment }}, stream order by event_id) as number_in_stream
                from resolved
                where is_event_id_derived and customer_id is not null
            ) as numbered
        qualify
            coalesce(is_time_inferred, false)
            or stream = min(stream) over (partition by {{ same_moment }}, number_in_stream)
    ),

    -- What a property says in so many words, else the link that the person followed.
    led as (
        select
            *,
            {% for name in ["source", "medium", "campaign"] -%}
                {{ utm_value("properties", name) }} as utm_{{ name }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from reported_once
    ),

    final as (
        select
            resolved.event_id,
            resolved.customer_id,
            real_orders.order_id,
            resolved.source,
            resolved.source_account,
            resolved.stream,
            resolved.event_type,
            resolved.event_action,
            resolved.event_name_raw as event_name,
            coalesce(resolved.engagement_class, 'none') as engagement_class,
            resolved.source_order_id,
            resolved.product_id,
            resolved.campaign_id,
            coalesce(
                resolved.utm_campaign, {{ named_campaign("resolved.properties") }}, resolved.campaign_id
            ) as campaign,
            resolved.utm_source,
            resolved.utm_medium,
            resolved.utm_campaign,
            resolved.origin,
            coalesce(resolved.is_active, false) as is_active,
            coalesce(resolved.is_time_inferred, false) as is_time_inferred,
            coalesce(resolved.is_event_id_derived, false) as is_event_id_derived,
            resolved.occurred_at,
            resolved.received_at,
            resolved.properties
        from led as resolved
        left join real_orders on resolved.named_order_id = real_orders.order_id
    )

select *
from final
