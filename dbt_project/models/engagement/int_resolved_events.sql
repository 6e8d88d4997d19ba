-- Grain: one row per event that a vendor reports, in its newest version, with its customer and the order that it names.
with
    staged as not materialized(select * from {{ source("staging", "events") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

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
    final as (
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
    )

select *
from final
