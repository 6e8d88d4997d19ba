-- Grain: one row per staged order row that still speaks: all versions of an order record or event, since a newer one
-- may leave out what an older one said.
with
    ranked as (
        select *
        from {{ ref("int_ranked_order_records") }}

        union all by name

        select *
        from {{ ref("int_ranked_order_events") }}
    ),

    final as (
        select
            source,
            source_account,
            stream,
            source_order_id,
            source_record_id,
            source_file,
            event_id,
            owner_record_id,
            order_number,
            order_namespace,
            order_match_key,
            store_id,
            channel,
            currency,
            stated_currency,
            status,
            is_status_inferred,
            is_status_assumed,
            states_payment,
            states_fulfillment,
            source_row,
            subtotal,
            discount_total,
            shipping_total,
            fees_total,
            tax_total,
            total,
            is_total_inferred,
            -- What follows from a status alone goes with it.
            case
                when not is_refunded_total_inferred or speaks_of_state or speaks_of_payment then refunded_total
            end as refunded_total,
            recency_rank,
            is_newest,
            speaks_of_money,
            speaks_of_lines,
            speaks_of_state,
            line_count,
            has_lines,
            coupon_codes,
            payment_methods,
            tags,
            is_valid_source,
            is_test,
            is_guest,
            is_from_event,
            is_ordered_at_inferred,
            export_date,
            last_export_date,
            source_updated_at,
            ordered_at,
            canceled_at
        from ranked
    )

select *
from final
