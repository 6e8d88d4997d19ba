-- Grain: one row per refund, return or cancellation; order_id is null where no known order is named. Of an order only
-- the vendor account that states most is listed, running totals as what they add: refunds and returns sum to the
-- order's refunded_amount. What other sources say differently stands in meta.order_conflicts.
with
    ranked_claims as (select * from {{ ref("int_ranked_refunds") }}),

    reported as (select * from {{ ref("int_counted_refunds") }}),

    turns as (select * from {{ ref("int_refunded_since") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    states as (select * from {{ ref("int_order_states") }}),

    -- Reported in another currency than the order's, or without an amount, and by nobody as an amount of the order.
    reported_otherwise as (
        select ranked_claims.*
        from ranked_claims
        left join states on ranked_claims.order_id = states.order_id
        where
            ranked_claims.order_id is not null
            and (not ranked_claims.is_counted or ranked_claims.amount is null)
            and not ranked_claims.is_whole_cancellation
            and coalesce(ranked_claims.amount, 1) > 0
            and states.refunded_amount = 0
        qualify
            dense_rank() over (
                partition by ranked_claims.order_id
                order by ranked_claims.priority, ranked_claims.source, ranked_claims.source_account
            )
            = 1
    ),

    reported_by_order as (select order_id, sum(amount) as amount from reported group by order_id),

    canceled_since as (select order_id, min(canceled_at) as canceled_at from turns group by order_id),

    -- What an order states as refunded without reporting the refunds.
    unreported as (
        select
            {{ stable_key(["states.order_id", "'stated'"]) }} as claim_id,
            states.order_id,
            coalesce(states.refund_source, figures.source) as source,
            coalesce(refunds.source_account, figures.source_account) as source_account,
            cast(null as varchar) as adjustment_id,
            'refund' as action,
            figures.currency,
            states.refunded_amount - coalesce(reported_by_order.amount, 0) as amount,
            cast(null as varchar) as told_currency,
            cast(null as decimal(18, 4)) as told_amount,
            coalesce(turns.refunded_at, turns.first_at, figures.ordered_at) as occurred_at,
            true as is_occurred_at_inferred
        from states
        inner join figures on states.order_id = figures.order_id
        left join refunds on states.order_id = refunds.order_id
        left join reported_by_order on states.order_id = reported_by_order.order_id
        left join
            turns
            on states.order_id = turns.order_id
            and turns.source = coalesce(states.refund_source, figures.source)
            and turns.source_account = coalesce(refunds.source_account, figures.source_account)
        where states.refunded_amount > coalesce(reported_by_order.amount, 0)
    ),

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

    -- What two vendors or accounts report of one number is one; what names no number is nothing but itself.
    orphans as (
        select
            *,
            coalesce(order_match_key, concat('of no number: ', claim_id)) as reported_number,
            row_number() over (
                partition by order_namespace, order_match_key, source, source_account, amount, cast(occurred_at as date)
                order by claim_id
            ) as occurrence
        from ranked_claims
        where order_id is null
    ),

    distinct_orphans as (
        select *
        from orphans
        qualify
            row_number() over (
                partition by order_namespace, reported_number, amount, cast(occurred_at as date), occurrence
                order by priority, source, claim_id
            )
            = 1
    ),

    adjustments as (
        {% for step in [
            "reported",
            "unreported",
            "reported_otherwise",
            "cancellations",
            "canceled_by_status",
            "distinct_orphans",
        ] -%}
            select *
            from {{ step }}
            {%- if not loop.last %}
                union all by name
            {% endif -%}
        {% endfor %}
    ),

    final as (
        select
            claim_id as adjustment_key,
            order_id,
            source,
            source_account,
            adjustment_id as source_adjustment_id,
            action as adjustment_type,
            currency,
            cast(amount as decimal(18, 4)) as amount,
            told_currency,
            cast(told_amount as decimal(18, 4)) as told_amount,
            occurred_at,
            is_occurred_at_inferred
        from adjustments
    )

select *
from final
