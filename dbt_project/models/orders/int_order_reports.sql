-- Grain: one row per vendor's order record, and per vendor's order that events report, with the real order it is of;
-- the best first.
with
    statements as (select * from {{ ref("int_order_statements") }}),

    order_keys as (select * from {{ ref("int_order_keys") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    final as (
        select
            order_keys.order_id,
            order_keys.order_namespace,
            order_keys.order_match_key,
            order_keys.is_number_reused,
            statements.*,
            row_number() over (
                partition by order_keys.order_id
                order by
                    coalesce(priorities.priority, 1000000),
                    statements.is_from_event,
                    statements.source,
                    statements.source_account,
                    statements.last_export_date desc,
                    statements.source_updated_at desc nulls last,
                    statements.stream,
                    statements.source_order_id
            ) as report_rank
        from statements
        inner join
            order_keys
            on statements.source = order_keys.source
            and statements.source_account = order_keys.source_account
            and statements.source_order_id = order_keys.source_order_id
        left join priorities on statements.source = priorities.source
    )

select *
from final
