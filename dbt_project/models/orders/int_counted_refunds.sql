-- Grain: one row per refund or return that the vendor account that counts for its order reports with an amount;
-- running totals as what they add.
with
    ranked_claims as (select * from {{ ref("int_ranked_refunds") }}),

    deltas as (
        select *
        from ranked_claims
        where
            order_id is not null
            and is_counted
            and not is_whole_cancellation
            and is_of_refund_source
            and is_sum_of_deltas
            and amount_kind = 'delta'
            and amount > 0
    ),

    running_totals as (
        select
            * replace (
                amount - coalesce(
                    max(amount) over (
                        partition by order_id
                        order by occurred_at nulls first, amount, claim_id
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as amount
            )
        from ranked_claims
        where
            order_id is not null
            and is_counted
            and not is_whole_cancellation
            and is_of_refund_source
            and not is_sum_of_deltas
            and amount_kind = 'running_total'
            and amount > 0
    ),

    final as (
        select *
        from deltas
        union all
        select *
        from running_totals
        where amount > 0
    )

select *
from final
