-- Grain: one row per real order that was taken back in whole or in part, by the vendor account that states most of it.
-- What two vendors, or two accounts of one, state is never added (meta.order_conflicts lists what others state). Of two
-- that state the same the one that reports the refunds one by one counts, for it knows when they were.
with
    statements as (select * from {{ ref("int_order_refund_statements") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    greatest_statement as (
        select statements.*
        from statements
        left join priorities on statements.source = priorities.source
        where statements.refunded_amount > 0
        qualify
            row_number() over (
                partition by statements.order_id
                order by
                    statements.refunded_amount desc,
                    not statements.is_kept_apart,
                    coalesce(priorities.priority, 1000000),
                    statements.source,
                    statements.source_account
            )
            = 1
    ),

    final as (
        select
            statements.order_id,
            min(greatest_statement.source) as source,
            min(greatest_statement.source_account) as source_account,
            coalesce(min(greatest_statement.refunded_amount), 0) as refunded_amount,
            min(greatest_statement.subtotal_amount) as subtotal_amount,
            coalesce(bool_and(greatest_statement.is_sum_of_deltas), true) as is_sum_of_deltas,
            coalesce(bool_and(greatest_statement.is_whole), false) as is_whole,
            bool_or(statements.has_unknown_share) as has_unknown_share,
            bool_or(statements.has_missing_amount) as has_missing_amount,
            bool_or(statements.is_canceled) as is_canceled
        from statements
        left join greatest_statement on statements.order_id = greatest_statement.order_id
        group by statements.order_id
    )

select *
from final
