-- Grain: one row per refund, return or cancellation a vendor reports, in its newest version; order_id is null for
-- orphans. One in another currency than the order's figures counts by its share of what that vendor says the order cost
-- in that currency; where the vendor does not say, how much of the order it is cannot be known, and it is not counted.
with
    adjustments as not materialized(select * from {{ source("staging", "order_adjustments") }}),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    order_rows as (select * from {{ ref("int_order_rows") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

    real_orders as (select order_id, currency, total from {{ ref("int_order_figures") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    -- What an account of a vendor says the whole order cost, which is what its refunds are a part of.
    own_totals as (
        select
            order_id,
            source,
            source_account,
            min_by(stated_currency, report_rank) filter (where stated_currency is not null) as currency,
            min_by(total, report_rank) filter (where total > 0 and stated_currency is not null) as total,
            min_by(stated_currency, report_rank) filter (
                where total > 0 and stated_currency is not null
            ) as currency_of_total
        from reports
        group by order_id, source, source_account
    ),

    repeated as (
        select
            event_versions.*,
            adjustments.adjustment_id,
            row_number() over (
                partition by adjustments.source_file, adjustments.source_row order by adjustments.adjustment_id
            ) as number_in_version
        from adjustments
        inner join
            event_versions
            on adjustments.source_file = event_versions.source_file
            and adjustments.source_row = event_versions.source_row
    ),

    -- What an event that came again takes back is one thing in all versions: it goes by the id that it has in the
    -- newest.
    renamed as (
        select
            *,
            first_value(adjustment_id) over (
                partition by source, source_account, event_id, number_in_version order by version_rank
            ) as newest_id
        from repeated
    ),

    of_orders as (
        select
            adjustments.* replace (coalesce(renamed.newest_id, adjustments.adjustment_id) as adjustment_id),
            staged_orders.source_file is not null
            and not coalesce(staged_orders.is_from_event, false) as is_said_by_order
        from adjustments
        left join
            renamed
            on adjustments.source_file = renamed.source_file
            and adjustments.source_row = renamed.source_row
            and adjustments.adjustment_id = renamed.adjustment_id
        left join
            staged_orders
            on adjustments.source_file = staged_orders.source_file
            and adjustments.source_row = staged_orders.source_row
            and adjustments.source_order_id = staged_orders.source_order_id
        where coalesce(renamed.is_of_newest_order and renamed.is_of_newest_action, true)
    ),

    -- Where no vendor says when, it is when it was first known, in whichever version.
    first_known as (
        select
            source,
            source_account,
            adjustment_id,
            min(coalesce(occurred_at, source_updated_at, cast(export_date as timestamptz))) as first_known_at
        from of_orders
        group by source, source_account, adjustment_id
    ),

    -- What an order says of itself holds until a newer version of the same record that states its status no longer says
    -- it.
    judged as (
        select of_orders.*, not of_orders.is_said_by_order or order_rows.source_file is not null as is_standing
        from of_orders
        left join
            order_rows
            on of_orders.source_file = order_rows.source_file
            and of_orders.source_row = order_rows.source_row
            and of_orders.source_order_id = order_rows.source_order_id
            and (order_rows.is_newest or order_rows.speaks_of_state)
    ),

    reported as (
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
            source_updated_at,
            export_date,
            occurred_at,
            coalesce(is_occurred_at_inferred, false) as is_occurred_at_inferred,
            is_standing
        from judged
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
            source_updated_at,
            export_date,
            ordered_at as occurred_at,
            coalesce(is_ordered_at_inferred, false) as is_occurred_at_inferred,
            true as is_standing
        from staged_orders
        where
            total < 0
            and (source_file, source_row)
            not in (select (source_file, source_row) from event_versions where not is_of_newest_order)
    ),

    -- The newest that stands, and what was said before it.
    versions as (
        select *
        from reported
        qualify
            bool_or(is_standing) over (
                partition by source, source_account, adjustment_id
                order by {{ newest_first() }}
                rows between unbounded preceding and current row
            )
    ),

    newest as (
        {{
            last_said(
                "versions",
                "source, source_account, adjustment_id",
                columns=["source_order_id", "action", "amount_kind", "currency", "amount"],
                followers={
                    "order_namespace": "source_order_id",
                    "order_match_key": "source_order_id",
                    "subtotal_amount": "amount",
                },
                assumed_times={"occurred_at": "is_occurred_at_inferred"},
            )
        }}
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
            and {{ newest("staged_orders") }} > {{ newest("newest") }}
        group by newest.source, newest.source_account, newest.adjustment_id
    ),

    resolved as (
        select
            newest.* exclude (occurred_at, is_occurred_at_inferred),
            newest.occurred_at is null or newest.is_occurred_at_inferred as is_occurred_at_inferred,
            case
                when newest.occurred_at is not null and not newest.is_occurred_at_inferred
                then newest.occurred_at
                else
                    coalesce(
                        first_known.first_known_at,
                        newest.occurred_at,
                        newest.source_updated_at,
                        cast(newest.export_date as timestamptz)
                    )
            end as occurred_at,
            {{ named_order("newest") }} as named_order_id
        from newest
        left join
            order_keys
            on newest.source = order_keys.source
            and newest.source_account = order_keys.source_account
            and newest.source_order_id = order_keys.source_order_id
        left join number_uses on {{ is_number_use("newest", "newest.occurred_at") }}
        left join
            first_known
            on newest.source = first_known.source
            and newest.source_account = first_known.source_account
            and newest.adjustment_id = first_known.adjustment_id
        left join
            restated
            on newest.source = restated.source
            and newest.source_account = restated.source_account
            and newest.adjustment_id = restated.adjustment_id
        where restated.adjustment_id is null
    ),

    -- A refund without a stated currency is in that of the vendor's order.
    attributed as (
        select
            resolved.*,
            real_orders.order_id,
            real_orders.currency as order_currency,
            real_orders.total as order_total,
            own_totals.total as own_total,
            own_totals.currency_of_total,
            coalesce(resolved.currency, own_totals.currency, real_orders.currency) as told_currency
        from resolved
        left join real_orders on resolved.named_order_id = real_orders.order_id
        left join
            own_totals
            on real_orders.order_id = own_totals.order_id
            and resolved.source = own_totals.source
            and resolved.source_account = own_totals.source_account
    ),

    measured as (
        select
            *,
            coalesce(told_currency <> order_currency, false) as is_other_currency,
            coalesce(
                told_currency <> order_currency and told_currency = currency_of_total and order_total is not null, false
            ) as is_share
        from attributed
    ),

    final as (
        select
            {{ stable_key(["source", "source_account", "adjustment_id"]) }} as claim_id,
            order_id,
            source,
            source_account,
            source_order_id,
            source_file,
            source_row,
            order_namespace,
            order_match_key,
            adjustment_id,
            action,
            coalesce(amount_kind, 'delta') as amount_kind,
            told_currency,
            amount as told_amount,
            is_other_currency,
            not is_other_currency or is_share or amount is null as is_counted,
            case when is_share then order_currency else told_currency end as currency,
            {% for amount in ["amount", "subtotal_amount"] -%}
                case
                    when is_share then {{ share_of(amount, "own_total", "order_total") }} else {{ amount }}
                end as {{ amount }},
            {% endfor -%}
            occurred_at,
            is_occurred_at_inferred
        from measured
    )

select *
from final
