-- Grain: one row per refund, return or cancellation a vendor reports, as last said, with the order that it names and
-- when it was.
with
    of_orders as (select * from {{ ref("int_reported_adjustments") }}),

    newest as (select * from {{ ref("int_refund_reports") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    number_uses as (select * from {{ ref("int_number_uses") }}),

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

    final as (
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
    )

select *
from final
