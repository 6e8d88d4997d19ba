-- Grain: one row per staged order row, with its lines counted, its payment methods and its status as decided; one of an
-- event that came again also with the place of its version. What an event said of another order before is left out.
with
    staged as (select * from {{ source("staging", "orders") }}),

    line_counts as (
        select source, source_account, source_file, source_row, source_order_id, count(*) as line_count
        from {{ source("staging", "order_lines") }}
        where parent_line_no is null
        group by source, source_account, source_file, source_row, source_order_id
    ),

    payments as (
        select source, source_account, source_file, source_row, source_order_id, list(method) as methods
        from {{ source("staging", "order_payments") }}
        where method is not null
        group by source, source_account, source_file, source_row, source_order_id
    ),

    overrides as (select * from {{ ref("order_status_overrides") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    -- A negative order is a refund that came dressed as an order (int_reported_refunds takes it).
    final as (
        select
            staged.source,
            staged.source_account,
            staged.stream,
            staged.source_order_id,
            staged.source_record_id,
            staged.source_file,
            event_versions.event_id,
            event_versions.version_rank,
            event_versions.is_of_newest_action,
            staged.owner_record_id,
            staged.order_number,
            staged.order_namespace,
            staged.order_match_key,
            staged.store_id,
            staged.channel,
            staged.currency,
            case when not coalesce(staged.is_currency_inferred, false) then staged.currency end as stated_currency,
            coalesce(overrides.status, staged.status) as status,
            coalesce(overrides.status, staged.status) is null
            or coalesce(staged.status_raw, staged.payment_status_raw, staged.fulfillment_status_raw) is null
            or coalesce(staged.is_status_inferred, false) as is_status_inferred,
            coalesce(staged.is_status_inferred, false) as is_status_assumed,
            staged.payment_status_raw is not null as states_payment,
            staged.fulfillment_status_raw is not null as states_fulfillment,
            staged.source_row,
            staged.subtotal,
            staged.discount_total,
            staged.shipping_total,
            staged.fees_total,
            staged.tax_total,
            staged.total,
            coalesce(staged.is_total_inferred, false) as is_total_inferred,
            abs(staged.refunded_total) as refunded_total,
            coalesce(staged.is_refunded_total_inferred, false) as is_refunded_total_inferred,
            staged.is_valid_source,
            coalesce(staged.is_test, false) as is_test,
            coalesce(staged.is_guest, staged.customer_id_value is null) as is_guest,
            coalesce(staged.is_from_event, false) as is_from_event,
            coalesce(staged.is_ordered_at_inferred, false) as is_ordered_at_inferred,
            staged.export_date,
            staged.last_export_date,
            staged.source_updated_at,
            staged.ordered_at,
            staged.canceled_at,
            {{ words_of("staged.coupon_codes") }} as coupon_codes,
            {{ words_of("list_concat([staged.payment_method], payments.methods)") }} as payment_methods,
            {{ words_of("staged.tags") }} as tags,
            line_counts.line_count,
            line_counts.line_count is not null as has_lines
        from staged
        left join
            line_counts
            on staged.source_file = line_counts.source_file
            and staged.source_row = line_counts.source_row
            and staged.source_order_id = line_counts.source_order_id
            and staged.source = line_counts.source
            and staged.source_account = line_counts.source_account
        left join
            payments
            on staged.source_file = payments.source_file
            and staged.source_row = payments.source_row
            and staged.source_order_id = payments.source_order_id
            and staged.source = payments.source
            and staged.source_account = payments.source_account
        left join overrides on staged.source = overrides.source and staged.status_raw = overrides.status_raw
        left join
            event_versions
            on staged.is_from_event
            and staged.source_file = event_versions.source_file
            and staged.source_row = event_versions.source_row
        where (staged.total is null or staged.total >= 0) and coalesce(event_versions.is_of_newest_order, true)
    )

select *
from final
