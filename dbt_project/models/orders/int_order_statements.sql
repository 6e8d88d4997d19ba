-- Grain: one row per vendor's order record, and per vendor's order that events report; what it states of the order.
-- What says nothing takes nothing back: of each field the newest version, or event, that has it counts. Of the status
-- of a record the newest that is stated counts, and what an older version said of payment or fulfilment where the
-- newest is silent on that; of a status that is only inferred, and of what events report, the furthest, and what was
-- canceled at a time stays so. The currency is that of the total, and no other amount is taken in another. An order
-- that
-- events report has its total from the newest event that has lines too, and belongs to whom the first event names.
{% set columns = [
    "order_number",
    "store_id",
    "channel",
    "is_valid_source",
    "source_updated_at",
    "canceled_at",
    "refunded_total",
    "stated_ordered_at",
] + ["coupon_codes", "payment_methods", "tags"] %}
{% set amounts = ["subtotal", "discount_total", "shipping_total", "fees_total", "tax_total"] %}
with
    order_rows as (select * from {{ ref("int_order_rows") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    owned as (
        select
            order_rows.*,
            owners.customer_id,
            statuses.progress,
            case when not order_rows.is_ordered_at_inferred then order_rows.ordered_at end as stated_ordered_at,
            -- Of a record the newest version comes first, of events the earliest.
            case
                when order_rows.is_from_event
                then
                    cast(epoch_us(coalesce(order_rows.source_updated_at, order_rows.ordered_at)) as hugeint)
                    * 1000000000
                    - order_rows.recency_rank
                else order_rows.recency_rank
            end as buyer_rank
        from order_rows
        left join statuses on order_rows.status = statuses.status
        left join owners on {{ is_owner("order_rows") }}
    ),

    merged as (
        select
            source,
            source_account,
            stream,
            source_order_id,
            is_from_event,
            min_by(source_record_id, recency_rank) as source_record_id,
            coalesce(
                min_by(owner_record_id, buyer_rank) filter (where customer_id is not null),
                min_by(owner_record_id, buyer_rank)
            ) as owner_record_id,
            min_by(customer_id, buyer_rank) filter (where customer_id is not null) as customer_id,
            {% for column in columns + amounts -%}
                min_by({{ column }}, recency_rank) filter (where {{ column }} is not null) as {{ column }},
            {% endfor -%}
            {% for amount in ["refunded_total"] + amounts -%}
                min_by(coalesce(stated_currency, 'as the order'), recency_rank) filter (
                    where {{ amount }} is not null
                ) as {{ amount }}_currency,
            {% endfor -%}
            coalesce(
                min_by(total, recency_rank) filter (where total is not null and is_from_event and has_lines),
                min_by(total, recency_rank) filter (where total is not null)
            ) as total,
            coalesce(min_by(is_total_inferred, recency_rank) filter (where total is not null), false)
            and not is_from_event as is_total_inferred,
            min_by(struct_pack(total := total, subtotal := subtotal), recency_rank) filter (
                where total is not null and not is_total_inferred
            ) as total_before,
            coalesce(
                min_by(stated_currency, recency_rank) filter (
                    where stated_currency is not null and total is not null and is_from_event and has_lines
                ),
                min_by(stated_currency, recency_rank) filter (where stated_currency is not null and total is not null),
                min_by(stated_currency, recency_rank) filter (where stated_currency is not null)
            ) as stated_currency,
            coalesce(
                min_by(currency, recency_rank) filter (where currency is not null and total is not null),
                min_by(currency, recency_rank) filter (where currency is not null)
            ) as assumed_currency,
            min(ordered_at) as first_ordered_at,
            list_sort(
                list_distinct(list(customer_id) filter (where is_from_event and customer_id is not null))
            ) as customer_ids,
            case
                when is_from_event
                then max(progress)
                else
                    greatest(
                        coalesce(
                            min_by(progress, recency_rank) filter (where not is_status_inferred),
                            min_by(progress, recency_rank) filter (
                                where progress is not null and not is_status_assumed
                            ),
                            max(progress)
                        ),
                        case
                            when max(canceled_at) is not null
                            then (select statuses.progress from statuses where statuses.status = 'canceled')
                        end,
                        min_by(progress, recency_rank) filter (where not is_status_inferred and states_payment),
                        min_by(progress, recency_rank) filter (where not is_status_inferred and states_fulfillment)
                    )
            end as progress,
            bool_or(is_test) as is_test,
            bool_and(is_guest) as is_guest,
            max(last_export_date) as last_export_date
        from owned
        group by source, source_account, stream, source_order_id, is_from_event
    ),

    final as (
        select
            source,
            source_account,
            stream,
            source_order_id,
            source_record_id,
            owner_record_id,
            customer_id,
            customer_ids,
            order_number,
            store_id,
            channel,
            coalesce(stated_currency, assumed_currency) as currency,
            stated_currency,
            {% for amount in amounts -%}
                case
                    when {{ amount }}_currency in ('as the order', stated_currency) then {{ amount }}
                end as {{ amount }},
            {% endfor -%}
            -- A total that is not stated is worked out of what is known of the rest, and displaces none that was
            -- stated of
            -- the same sum.
            case
                when not is_total_inferred or subtotal is null
                then total
                when coalesce(total_before.subtotal, subtotal) = subtotal and total_before.total is not null
                then total_before.total
                else cast(greatest(subtotal - coalesce(discount_total, 0), 0) as decimal(18, 4))
            end as total,
            refunded_total,
            nullif(refunded_total_currency, 'as the order') as refunded_total_currency,
            progress,
            coupon_codes,
            payment_methods,
            tags,
            is_valid_source,
            is_test,
            is_guest,
            is_from_event,
            last_export_date,
            source_updated_at,
            stated_ordered_at,
            case
                when is_from_event then first_ordered_at else coalesce(stated_ordered_at, first_ordered_at)
            end as ordered_at,
            canceled_at
        from merged
    )

select *
from final
