-- Grain: one row per staged order row that still speaks: all events, and of each order record its newest version.
-- A record delivered as one row per item is one version of several rows, which agree on what `statement` holds.
with
    staged as (select * from {{ source("staging", "orders") }}),

    overrides as (select * from {{ ref("order_status_overrides") }}),

    -- A negative order is a refund that came dressed as an order (int_order_refund_claims takes it).
    reported as (
        select
            staged.source,
            staged.source_account,
            staged.stream,
            staged.source_order_id,
            staged.source_record_id,
            staged.source_file,
            staged.owner_record_id,
            staged.order_number,
            staged.order_namespace,
            staged.order_match_key,
            staged.store_id,
            staged.channel,
            staged.currency,
            case when not coalesce(staged.is_currency_inferred, false) then staged.currency end as stated_currency,
            coalesce(overrides.status, staged.status) as status,
            staged.source_row,
            staged.subtotal,
            staged.discount_total,
            staged.shipping_total,
            staged.fees_total,
            staged.tax_total,
            staged.total,
            abs(staged.refunded_total) as refunded_total,
            staged.is_valid_source,
            coalesce(staged.is_test, false) as is_test,
            coalesce(staged.is_guest, staged.customer_id_value is null) as is_guest,
            coalesce(staged.is_from_event, false) as is_from_event,
            coalesce(staged.is_ordered_at_inferred, false) as is_ordered_at_inferred,
            staged.last_export_date,
            staged.source_updated_at,
            staged.ordered_at,
            staged.canceled_at
        from staged
        left join overrides on staged.source = overrides.source and staged.status_raw = overrides.status_raw
        where staged.total is null or staged.total >= 0
    ),

    -- Of the rows of one order in a file only the first may state the totals.
    stated as (
        select
            *,
            concat_ws(
                '|',
                source_file,
                coalesce(status, '-'),
                coalesce(cast(coalesce(total, max(total) over in_file) as varchar), '-'),
                coalesce(cast(coalesce(refunded_total, max(refunded_total) over in_file) as varchar), '-'),
                coalesce(cast(source_updated_at as varchar), '-'),
                coalesce(cast(ordered_at as varchar), '-')
            ) as statement
        from reported
        where not is_from_event
        window in_file as (partition by source, source_account, stream, source_order_id, source_file)
    ),

    ranked as (
        select
            *,
            first_value(statement) over newest_first as newest_statement,
            -- A version may say nothing of the status: what an older one said still holds.
            first_value(status ignore nulls) over newest_first as newest_status,
            row_number() over newest_first as recency_rank
        from stated
        window
            newest_first as (
                partition by source, source_account, stream, source_order_id
                order by last_export_date desc, source_updated_at desc nulls last, source_file desc, total is null, source_row desc
                rows between unbounded preceding and unbounded following
            )
    ),

    final as (
        {% for step, rank, status, kept in [
            ("ranked", "recency_rank", "coalesce(status, newest_status)", "statement = newest_statement"),
            ("reported", "cast(null as bigint)", "status", "is_from_event"),
        ] -%}
            select
                source,
                source_account,
                stream,
                source_order_id,
                source_record_id,
                source_file,
                owner_record_id,
                order_number,
                order_namespace,
                order_match_key,
                store_id,
                channel,
                currency,
                stated_currency,
                status,
                source_row,
                subtotal,
                discount_total,
                shipping_total,
                fees_total,
                tax_total,
                total,
                refunded_total,
                {{ rank }} as recency_rank,
                is_valid_source,
                is_test,
                is_guest,
                is_from_event,
                is_ordered_at_inferred,
                last_export_date,
                source_updated_at,
                ordered_at,
                canceled_at
            from {{ step }}
            where {{ kept }}
            {%- if not loop.last %}

                union all

            {% endif -%}
        {% endfor %}
    )

select *
from final
