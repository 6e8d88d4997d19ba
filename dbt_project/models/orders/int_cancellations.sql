-- Grain: one row per canceled real order, with its cancellation: the best that is reported, else one of its own
-- where it is canceled by status alone.
with
    ranked_claims as (select * from {{ ref("int_ranked_refunds") }}),

    turns as (select * from {{ ref("int_refunded_since") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    states as (select * from {{ ref("int_order_states") }}),

    canceled_since as (select order_id, min(canceled_at) as canceled_at from turns group by order_id),

    cancellations as (
        select *
        from ranked_claims
        where is_whole_cancellation
        qualify row_number() over (partition by order_id order by amount is null, priority, occurred_at, claim_id) = 1
    ),

    -- Canceled by status, without a cancellation of its own.
    canceled_by_status as (
        select
            {{ stable_key(["states.order_id", "'canceled'"]) }} as claim_id,
            states.order_id,
            figures.source,
            figures.source_account,
            cast(null as varchar) as adjustment_id,
            'cancel' as action,
            figures.currency,
            cast(null as decimal(18, 4)) as amount,
            cast(null as varchar) as told_currency,
            cast(null as decimal(18, 4)) as told_amount,
            coalesce(figures.canceled_at, canceled_since.canceled_at, figures.ordered_at) as occurred_at,
            figures.canceled_at is null as is_occurred_at_inferred
        from states
        inner join figures on states.order_id = figures.order_id
        left join canceled_since on states.order_id = canceled_since.order_id
        left join cancellations on states.order_id = cancellations.order_id
        where states.status = 'canceled' and cancellations.order_id is null
    ),

    final as (
        select *
        from cancellations
        union all by name
        select *
        from canceled_by_status
    )

select *
from final
