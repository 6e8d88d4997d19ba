-- Grain: one row per refund, return or cancellation a vendor tells, in its newest version; order_id is null for orphans.
with
    adjustments as (select * from {{ source("staging", "order_adjustments") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    order_rows as (select * from {{ ref("int_order_rows") }}),

    outdated_events as (select * from {{ ref("int_outdated_events") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    real_orders as (select order_id, currency from {{ ref("int_order_figures") }}),

    -- What an order says of itself holds until a newer version of the same record no longer says it.
    outdated as (
        select adjustments.source_file, adjustments.source_row, adjustments.source_order_id
        from adjustments
        inner join
            staged_orders
            on adjustments.source_file = staged_orders.source_file
            and adjustments.source_row = staged_orders.source_row
            and adjustments.source_order_id = staged_orders.source_order_id
            and not coalesce(staged_orders.is_from_event, false)
        left join
            order_rows
            on adjustments.source_file = order_rows.source_file
            and adjustments.source_row = order_rows.source_row
            and adjustments.source_order_id = order_rows.source_order_id
            and order_rows.is_newest
        where order_rows.source_file is null
    ),

    told as (
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            adjustment_id,
            action,
            amount_kind,
            case when not coalesce(is_currency_inferred, false) then currency end as currency,
            source_file,
            source_row,
            abs(amount) as amount,
            abs(subtotal_amount) as subtotal_amount,
            last_export_date,
            occurred_at
        from adjustments
        where
            not exists (
                select 1
                from outdated
                where
                    adjustments.source_file = outdated.source_file
                    and adjustments.source_row = outdated.source_row
                    and adjustments.source_order_id = outdated.source_order_id
            )
            and not exists (
                select 1
                from outdated_events
                where adjustments.source_file = outdated_events.source_file and adjustments.source_row = outdated_events.source_row
            )
        union all
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            concat('negative_order:', source_order_id) as adjustment_id,
            'refund' as action,
            'delta' as amount_kind,
            case when not coalesce(is_currency_inferred, false) then currency end as currency,
            source_file,
            source_row,
            abs(total) as amount,
            abs(subtotal) as subtotal_amount,
            last_export_date,
            ordered_at as occurred_at
        from staged_orders
        where total < 0
    ),

    newest as (
        select *
        from told
        qualify row_number() over (partition by source, source_account, adjustment_id order by {{ newest_first(changed_at=none) }}) = 1
    ),

    -- The same record has become an order like any other.
    restated as (
        select newest.source, newest.source_account, newest.adjustment_id
        from newest
        inner join
            staged_orders
            on newest.source = staged_orders.source
            and newest.source_account = staged_orders.source_account
            and newest.adjustment_id = concat('negative_order:', staged_orders.source_order_id)
        where
            starts_with(newest.adjustment_id, 'negative_order:')
            and staged_orders.total >= 0
            and (staged_orders.last_export_date, staged_orders.source_file, staged_orders.source_row)
            > (newest.last_export_date, newest.source_file, newest.source_row)
        group by newest.source, newest.source_account, newest.adjustment_id
    ),

    resolved as (
        select newest.*, coalesce(order_keys.order_id, {{ stable_key(["newest.order_namespace", "newest.order_match_key"]) }}) as named_order_id
        from newest
        left join
            order_keys
            on newest.source = order_keys.source
            and newest.source_account = order_keys.source_account
            and newest.source_order_id = order_keys.source_order_id
        left join
            restated
            on newest.source = restated.source
            and newest.source_account = restated.source_account
            and newest.adjustment_id = restated.adjustment_id
        where restated.adjustment_id is null
    ),

    final as (
        select
            {{ stable_key(["resolved.source", "resolved.source_account", "resolved.adjustment_id"]) }} as claim_id,
            real_orders.order_id,
            resolved.source,
            resolved.source_account,
            resolved.source_order_id,
            resolved.order_namespace,
            resolved.order_match_key,
            resolved.adjustment_id,
            resolved.action,
            coalesce(resolved.amount_kind, 'delta') as amount_kind,
            coalesce(resolved.currency, real_orders.currency) as currency,
            coalesce(resolved.currency <> real_orders.currency, false) as is_other_currency,
            resolved.amount,
            resolved.subtotal_amount,
            resolved.occurred_at
        from resolved
        left join real_orders on resolved.named_order_id = real_orders.order_id
    )

select *
from final
