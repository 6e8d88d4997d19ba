-- Grain: one row per vendor's order record, and per vendor's order that events report; what it states of the order. The
-- currency is that of the total, and no other amount is taken in another.
{% set amounts = ["subtotal", "discount_total", "shipping_total", "fees_total", "tax_total"] %}
with
    merged as (select * from {{ ref("int_merged_order_rows") }}),

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
            -- stated of the same sum.
            case
                when not is_total_inferred or subtotal is null
                then total
                when coalesce(total_before.subtotal, subtotal) = subtotal and total_before.total is not null
                then total_before.total
                else
                    cast(
                        greatest(
                            subtotal
                            + coalesce(shipping_total, 0)
                            + coalesce(fees_total, 0)
                            - coalesce(discount_total, 0),
                            0
                        ) as decimal(18, 4)
                    )
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
