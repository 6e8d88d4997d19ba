-- Grain: one row per staged order row that still speaks: all versions of an order record or event, since a newer one
-- may leave out what an older one said. Events add up, so of one that came again an older version holds only what no
-- newer one says anew. A record delivered as one row per item is one version of several rows, in whatever files of its
-- export date they stand: they agree on what `statement` holds.
{% set restated = [
    "owner_record_id",
    "order_number",
    "store_id",
    "channel",
    "subtotal",
    "discount_total",
    "shipping_total",
    "fees_total",
    "tax_total",
    "total",
    "refunded_total",
    "is_valid_source",
    "coupon_codes",
    "payment_methods",
    "tags",
    "line_count",
] %}
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
    reported as (
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
    ),

    -- All versions of an event are of one time. Amounts are in the currency of an older version where theirs states
    -- none. Of its status the newest that is stated counts, and what was said of payment or fulfilment before.
    repeated as (
        select
            * replace (
                {% for column in restated -%}
                    case when count({{ column }}) over newer = 0 then {{ column }} end as {{ column }},
                {% endfor -%}
                case when is_of_newest_action and count(canceled_at) over newer = 0 then canceled_at end as canceled_at,
                case
                    when is_status_inferred
                    then
                        case
                            when bool_and(is_status_inferred) over versions and count(status) over newer = 0 then status
                        end
                    when
                        (is_of_newest_action and count(*) filter (where not is_status_inferred) over newer = 0)
                        or (
                            states_payment
                            and count(*) filter (where not is_status_inferred and states_payment) over newer = 0
                        )
                        or (
                            states_fulfillment
                            and count(*) filter (where not is_status_inferred and states_fulfillment) over newer = 0
                        )
                    then status
                end as status,
                coalesce(stated_currency, first_value(stated_currency ignore nulls) over older) as stated_currency,
                bool_or(has_lines) over versions as has_lines,
                first_value(source_updated_at ignore nulls) over versions as source_updated_at,
                coalesce(
                    first_value(case when not is_ordered_at_inferred then ordered_at end ignore nulls) over versions,
                    first_value(case when source_updated_at is not null then ordered_at end ignore nulls) over versions,
                    min(ordered_at) over versions
                ) as ordered_at,
                bool_and(is_ordered_at_inferred) over versions as is_ordered_at_inferred
            )
        from reported
        where event_id is not null
        window
            versions as (
                partition by source, source_account, event_id
                order by version_rank
                rows between unbounded preceding and unbounded following
            ),
            newer as (
                partition by source, source_account, event_id
                order by version_rank
                rows between unbounded preceding and 1 preceding
            ),
            older as (
                partition by source, source_account, event_id
                order by version_rank
                rows between 1 following and unbounded following
            )
    ),

    speaking as (
        select *
        from reported
        where event_id is null
        union all
        select *
        from repeated
    ),

    -- Of the rows of one order only the first may state the totals.
    completed as (
        select
            *,
            coalesce(total, max(total) over in_delivery) as stated_total,
            coalesce(refunded_total, max(refunded_total) over in_delivery) as stated_refunds
        from speaking
        where not is_from_event
        window
            in_delivery as (
                partition by
                    source,
                    source_account,
                    stream,
                    source_order_id,
                    last_export_date,
                    source_updated_at,
                    status,
                    ordered_at
            )
    ),

    stated as (
        select
            *,
            {{
                same_content(
                    [
                        "last_export_date",
                        "source_updated_at",
                        "status",
                        "ordered_at",
                        "stated_total",
                        "stated_refunds",
                    ]
                )
            }} as statement
        from completed
    ),

    ranked_records as (
        select
            *,
            first_value(statement) over versions as newest_statement,
            first_value(case when total is not null then statement end ignore nulls) over versions
            as statement_of_money,
            first_value(case when line_count > 0 then statement end ignore nulls) over versions as statement_of_lines,
            first_value(case when not is_status_inferred then statement end ignore nulls) over versions
            as statement_of_state,
            first_value(case when states_payment then statement end ignore nulls) over versions as statement_of_payment,
            row_number() over versions as recency_rank
        from stated
        window
            versions as (
                partition by source, source_account, stream, source_order_id
                order by {{ newest_first() }}
                rows between unbounded preceding and unbounded following
            )
    ),

    -- An event is a statement of its own: the first that says something of the money, or of the state, speaks of it.
    ranked_events as (
        select
            *,
            row_number() over versions as recency_rank,
            count(total) over versions as rank_of_money,
            count(*) filter (where not is_status_inferred) over versions as rank_of_state,
            count(*) filter (where states_payment) over versions as rank_of_payment
        from speaking
        where is_from_event
        window
            versions as (
                partition by source, source_account, stream, source_order_id
                order by {{ newest_first() }}
                rows unbounded preceding
            )
    ),

    ranked as (
        select
            * exclude (
                stated_total,
                stated_refunds,
                statement,
                newest_statement,
                statement_of_money,
                statement_of_lines,
                statement_of_state,
                statement_of_payment
            ),
            statement = newest_statement as is_newest,
            coalesce(statement = statement_of_money, false) as speaks_of_money,
            coalesce(statement = statement_of_lines, false) as speaks_of_lines,
            coalesce(statement = statement_of_state, false) as speaks_of_state,
            coalesce(states_payment and statement = statement_of_payment, false) as speaks_of_payment
        from ranked_records

        union all by name

        select
            * exclude (rank_of_money, rank_of_state, rank_of_payment),
            recency_rank = 1 as is_newest,
            total is not null and rank_of_money = 1 as speaks_of_money,
            true as speaks_of_lines,
            not is_status_inferred and rank_of_state = 1 as speaks_of_state,
            states_payment and rank_of_payment = 1 as speaks_of_payment
        from ranked_events
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
