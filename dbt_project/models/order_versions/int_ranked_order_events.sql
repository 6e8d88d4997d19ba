-- Grain: one row per version of an event that reports an order, with its place among all that report that order, the
-- newest first. An event is a statement of its own: the first that says something of the money, or of the state, speaks
-- of it.
with
    speaking as (select * from {{ ref("int_speaking_order_rows") }}),

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

    final as (
        select
            * exclude (rank_of_money, rank_of_state, rank_of_payment),
            recency_rank = 1 as is_newest,
            total is not null and rank_of_money = 1 as speaks_of_money,
            true as speaks_of_lines,
            not is_status_inferred and rank_of_state = 1 as speaks_of_state,
            states_payment and rank_of_payment = 1 as speaks_of_payment
        from ranked_events
    )

select *
from final
