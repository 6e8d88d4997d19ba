-- Grain: one row per order id of a vendor account that gives a number, with total, buyer and time by the best report
-- of each.
with
    staged as (select * from {{ source("staging", "orders") }}),

    statements as (select * from {{ ref("int_order_statements") }}),

    ranked as (
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            order_number,
            {{ newest() }} as recency
        from staged
        where order_match_key is not null
    ),

    numbered as (
        select
            source,
            source_account,
            source_order_id,
            max(order_namespace) as order_namespace,
            coalesce(
                max_by(order_match_key, recency) filter (where order_number is not null),
                max_by(order_match_key, recency)
            ) as order_match_key,
            upper(trim(regexp_replace(trim(source_order_id), '^#', ''))) as own_key
        from ranked
        group by source, source_account, source_order_id
    ),

    -- One order id may be reported in several streams, and in records and events: of records, and then of the newest,
    -- first.
    ordered_statements as (
        select
            *,
            row_number() over (
                partition by source, source_account, source_order_id
                order by is_from_event, last_export_date desc, source_updated_at desc nulls last, stream
            ) as place
        from statements
    ),

    final as (
        select
            numbered.*,
            min_by(statements.total, statements.place) filter (where statements.total is not null) as total,
            min_by(statements.currency, statements.place) filter (where statements.total is not null) as currency,
            min_by(statements.customer_id, statements.place) filter (
                where statements.customer_id is not null
            ) as customer_id,
            min(statements.stated_ordered_at) as ordered_at
        from numbered
        left join
            ordered_statements as statements
            on numbered.source = statements.source
            and numbered.source_account = statements.source_account
            and numbered.source_order_id = statements.source_order_id
        group by all
    )

select *
from final
