-- Grain: one row per vendor's order record, and per vendor's order that events report; what its versions, or events,
-- say of each field. What says nothing takes nothing back: of each field the newest version, or event, that has it
-- counts. Of the status of a record the newest that is stated counts, and what an older version said of payment or
-- fulfilment where the newest is silent on that; of a status that is only inferred, and of what events report, the
-- furthest, and what was canceled at a time stays so. An order that events report has its total from the newest event
-- that has lines too, and belongs to whom the first event names.
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
    statuses as (select * from {{ ref("order_statuses") }}),

    owned as (select * from {{ ref("int_owned_order_rows") }}),

    final as (
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
    )

select *
from final
