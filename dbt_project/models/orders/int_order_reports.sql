-- Grain: one row per vendor's order record, and per vendor's order that events tell of; what it states of the order.
-- Events are partial: of each figure the newest event that has it counts, of the status the furthest. A record whose newest
-- version leaves out the money has what that does not say from the newest version with money.
{% set figures = [
    "order_number",
    "store_id",
    "channel",
    "currency",
    "stated_currency",
    "subtotal",
    "discount_total",
    "shipping_total",
    "fees_total",
    "tax_total",
    "total",
    "refunded_total",
    "is_valid_source",
    "source_updated_at",
    "canceled_at",
] %}
with
    order_rows as (select * from {{ ref("int_order_rows") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    files as (select source_file, row_number() over (order by source_file) as file_no from order_rows group by source_file),

    owned as (
        select
            order_rows.*,
            owners.customer_id,
            statuses.progress,
            case when not is_ordered_at_inferred then ordered_at end as stated_ordered_at,
            -- Night, time of the change, file and row in one number: as text they take twice as long to compare.
            (
                (datediff('day', date '1970-01-01', last_export_date)::hugeint * {{ 2**52 }} + coalesce(epoch_us(source_updated_at), 0)) * {{ 2**24 }}
                + files.file_no
            )
            * {{ 2**32 }}
            + source_row as recency
        from order_rows
        inner join files on order_rows.source_file = files.source_file
        left join statuses on order_rows.status = statuses.status
        left join owners on {{ is_owner("order_rows") }}
    ),

    -- Money and its currency are of one version.
    older_money as (
        select *
        from owned
        where speaks_of_money and not is_newest
        qualify row_number() over (partition by source, source_account, stream, source_order_id order by recency_rank) = 1
    ),

    records as (
        select
            owned.source,
            owned.source_account,
            owned.stream,
            owned.source_order_id,
            owned.source_record_id,
            case
                when owned.customer_id is null then coalesce(older_money.owner_record_id, owned.owner_record_id) else owned.owner_record_id
            end as owner_record_id,
            coalesce(owned.customer_id, older_money.customer_id) as customer_id,
            {% for figure in figures -%}
                {% if figure in ["currency", "stated_currency"] -%}
                    case when owned.total is null and older_money.total is not null then older_money.{{ figure }} else owned.{{ figure }} end
                {%- else -%} coalesce(owned.{{ figure }}, older_money.{{ figure }})
                {%- endif %} as {{ figure }},
            {% endfor -%}
            coalesce(owned.stated_ordered_at, older_money.stated_ordered_at) as stated_ordered_at,
            coalesce(older_money.ordered_at, owned.ordered_at) as ordered_at,
            owned.progress,
            owned.is_test or coalesce(older_money.is_test, false) as is_test,
            owned.is_guest and coalesce(older_money.is_guest, true) as is_guest,
            owned.is_from_event,
            owned.last_export_date
        from owned
        left join
            older_money
            on owned.total is null
            and owned.source = older_money.source
            and owned.source_account = older_money.source_account
            and owned.stream = older_money.stream
            and owned.source_order_id = older_money.source_order_id
        where owned.recency_rank = 1
    ),

    told_by_events as (
        select
            source,
            source_account,
            stream,
            source_order_id,
            max_by(source_record_id, recency) as source_record_id,
            max_by(owner_record_id, recency) filter (where customer_id is not null) as owner_record_id,
            max_by(customer_id, recency) filter (where customer_id is not null) as customer_id,
            {% for figure in figures -%} max_by({{ figure }}, recency) filter (where {{ figure }} is not null) as {{ figure }}, {% endfor -%}
            max_by(stated_ordered_at, recency) filter (where stated_ordered_at is not null) as stated_ordered_at,
            min(ordered_at) as ordered_at,
            max(progress) as progress,
            bool_or(is_test) as is_test,
            bool_and(is_guest) as is_guest,
            bool_and(is_from_event) as is_from_event,
            max(last_export_date) as last_export_date
        from owned
        where is_from_event
        group by source, source_account, stream, source_order_id
    ),

    reports as (
        select *
        from records
        union all
        select *
        from told_by_events
    ),

    final as (
        select
            order_keys.order_id,
            order_keys.order_namespace,
            order_keys.order_match_key,
            reports.source,
            reports.source_account,
            reports.stream,
            reports.source_order_id,
            reports.source_record_id,
            reports.owner_record_id,
            reports.customer_id,
            reports.order_number,
            reports.store_id,
            reports.channel,
            reports.currency,
            reports.stated_currency,
            reports.subtotal,
            reports.discount_total,
            reports.shipping_total,
            reports.fees_total,
            reports.tax_total,
            reports.total,
            reports.refunded_total,
            reports.progress,
            row_number() over (
                partition by order_keys.order_id
                order by
                    coalesce(priorities.priority, 1000000),
                    reports.is_from_event,
                    reports.source,
                    reports.source_account,
                    reports.last_export_date desc,
                    reports.source_updated_at desc nulls last,
                    reports.stream,
                    reports.source_order_id
            ) as report_rank,
            reports.is_valid_source,
            reports.is_test,
            reports.is_guest,
            reports.is_from_event,
            reports.last_export_date,
            reports.stated_ordered_at,
            reports.ordered_at,
            reports.canceled_at
        from reports
        inner join
            order_keys
            on reports.source = order_keys.source
            and reports.source_account = order_keys.source_account
            and reports.source_order_id = order_keys.source_order_id
        left join priorities on reports.source = priorities.source
    )

select *
from final
