-- Grain: one row per order, vendor account, and record or event that reports its status, in each version: what was
-- reported, and since when. Only orders with different reports are here: of all others the state of today is the state
-- of every day.
with
    order_rows as (select * from {{ ref("int_order_rows") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    states as (select * from {{ ref("int_order_states") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    validity as (select * from {{ ref("order_status_validity") }}),

    reported as (
        select
            order_keys.order_id,
            order_rows.source,
            order_rows.source_account,
            case
                when order_rows.is_from_event
                then {{ stable_key(["order_rows.source_file", "order_rows.source_row"]) }}
                else {{ stable_key(["order_rows.stream", "order_rows.source_order_id"]) }}
            end as reporter,
            order_rows.status,
            order_rows.is_valid_source,
            coalesce(order_rows.source_updated_at, cast(order_rows.export_date as timestamptz)) as reported_at
        from order_rows
        inner join
            order_keys
            on order_rows.source = order_keys.source
            and order_rows.source_account = order_keys.source_account
            and order_rows.source_order_id = order_keys.source_order_id
        -- Unknown says nothing of the state.
        where order_rows.status <> 'unknown'
        union all
        select
            claims.order_id,
            claims.source,
            claims.source_account,
            claims.claim_id as reporter,
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
            reported.reporter,
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
