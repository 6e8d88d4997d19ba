-- Grain: one row per staged order row that still speaks: of each event and of each order record its newest version.
-- A version may leave out the money, as reports of a state do, or the lines, as some exports do: then the newest one that
-- has them still speaks of these. A record delivered as one row per item is one version of several rows, which agree on
-- what `statement` holds.
with
    staged as (select * from {{ source("staging", "orders") }}),

    line_counts as (
        select source, source_account, source_file, source_row, source_order_id, count(*) as line_count
        from {{ source("staging", "order_lines") }}
        where parent_line_no is null
        group by source, source_account, source_file, source_row, source_order_id
    ),

    overrides as (select * from {{ ref("order_status_overrides") }}),

    outdated_events as (select * from {{ ref("int_outdated_events") }}),

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
            staged.canceled_at,
            line_counts.line_count
        from staged
        left join
            line_counts
            on staged.source_file = line_counts.source_file
            and staged.source_row = line_counts.source_row
            and staged.source_order_id = line_counts.source_order_id
            and staged.source = line_counts.source
            and staged.source_account = line_counts.source_account
        left join overrides on staged.source = overrides.source and staged.status_raw = overrides.status_raw
        left join outdated_events on staged.is_from_event and staged.source_file = outdated_events.source_file and staged.source_row = outdated_events.source_row
        where (staged.total is null or staged.total >= 0) and outdated_events.event_id is null
    ),

    -- Of the rows of one order in a file only the first may state the totals.
    stated as (
        select
            *,
            coalesce(total, max(total) over in_file) as stated_total,
            coalesce(refunded_total, max(refunded_total) over in_file) as stated_refunds
        from reported
        where not is_from_event
        window in_file as (partition by source, source_account, stream, source_order_id, source_file)
    ),

    told as (
        select
            *, {{ same_content(["source_file", "status", "stated_total", "stated_refunds", "source_updated_at", "ordered_at"]) }} as statement
        from stated
    ),

    ranked as (
        select
            *,
            first_value(statement) over newest_first as newest_statement,
            first_value(case when total is not null then statement end ignore nulls) over newest_first as statement_of_money,
            first_value(case when line_count > 0 then statement end ignore nulls) over newest_first as statement_of_lines,
            -- A version may say nothing of the status: what an older one said still holds.
            first_value(status ignore nulls) over newest_first as newest_status,
            row_number() over newest_first as recency_rank
        from told
        window
            newest_first as (
                partition by source, source_account, stream, source_order_id
                order by {{ newest_first() }}
                rows between unbounded preceding and unbounded following
            )
    ),

    final as (
        {% for step, rank, newest, money, lines, status, kept in [
            (
                "ranked",
                "recency_rank",
                "statement = newest_statement",
                "coalesce(statement = statement_of_money, false)",
                "coalesce(statement = statement_of_lines, false)",
                "coalesce(status, newest_status)",
                "statement in (newest_statement, statement_of_money, statement_of_lines)",
            ),
            ("reported", "cast(null as bigint)", "true", "true", "true", "status", "is_from_event"),
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
                {{ newest }} as is_newest,
                {{ money }} as speaks_of_money,
                {{ lines }} as speaks_of_lines,
                line_count,
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
