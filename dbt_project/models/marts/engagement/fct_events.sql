-- Grain: one row per event; an event id that came with different content counts in its newest version.
{% set same_moment = (
    "source, source_account, customer_id, event_type, event_action, occurred_at, source_order_id, product_id"
) %}
with
    resolved as (select * from {{ ref("int_resolved_events") }}),

    real_orders as (select order_id from {{ ref("int_order_figures") }}),

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
