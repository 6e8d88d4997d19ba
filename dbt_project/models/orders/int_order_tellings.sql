-- Grain: one row per order, vendor account, and record or event that tells its status, in each version: what was told,
-- and since when. Only orders of which different things were told are here: of all others the state of today is the
-- state of every day.
with
    staged as (select * from {{ source("staging", "orders") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    outdated_events as (select * from {{ ref("int_outdated_events") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    states as (select * from {{ ref("int_order_states") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    validity as (select * from {{ ref("order_status_validity") }}),

    overrides as (select * from {{ ref("order_status_overrides") }}),

    reported as (
        select
            order_keys.order_id,
            staged.source,
            staged.source_account,
            case
                when coalesce(staged.is_from_event, false)
                then {{ stable_key(["staged.source_file", "staged.source_row"]) }}
                else {{ stable_key(["staged.stream", "staged.source_order_id"]) }}
            end as teller,
            coalesce(overrides.status, staged.status) as status,
            staged.is_valid_source,
            coalesce(staged.source_updated_at, cast(staged.export_date as timestamptz)) as reported_at
        from staged
        inner join
            order_keys
            on staged.source = order_keys.source
            and staged.source_account = order_keys.source_account
            and staged.source_order_id = order_keys.source_order_id
        left join overrides on staged.source = overrides.source and staged.status_raw = overrides.status_raw
        left join
            outdated_events
            on staged.is_from_event
            and staged.source_file = outdated_events.source_file
            and staged.source_row = outdated_events.source_row
        -- Unknown says nothing of the state.
        where
            (staged.total is null or staged.total >= 0)
            and outdated_events.event_id is null
            and coalesce(overrides.status, staged.status) <> 'unknown'
        union all
        select
            claims.order_id,
            claims.source,
            claims.source_account,
            claims.claim_id as teller,
            'canceled' as status,
            null as is_valid_source,
            coalesce(claims.occurred_at, timestamptz '-infinity') as reported_at
        from claims
        inner join states on claims.order_id = states.order_id
        where claims.action = 'cancel' and states.status = 'canceled'
    ),

    changing as (
        select order_id
        from reported
        group by order_id
        having min(status) < max(status) or min(is_valid_source) < max(is_valid_source)
    ),

    final as (
        select
            reported.order_id,
            reported.source,
            reported.source_account,
            reported.teller,
            reported.status,
            statuses.progress,
            coalesce(validity.is_valid, statuses.is_valid) as is_valid,
            reported.is_valid_source,
            reported.reported_at
        from reported
        inner join changing on reported.order_id = changing.order_id
        inner join statuses on reported.status = statuses.status
        left join validity on reported.status = validity.status
    )

select *
from final
