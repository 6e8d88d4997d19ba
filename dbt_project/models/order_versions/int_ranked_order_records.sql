-- Grain: one row per row of an order record, with its place among all of that record, the newest first, and what its
-- version is the newest to speak of. A record delivered as one row per item is one version of several rows, in whatever
-- files of its export date they stand: they agree on what `statement` holds.
with
    speaking as (select * from {{ ref("int_speaking_order_rows") }}),

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

    final as (
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
    )

select *
from final
