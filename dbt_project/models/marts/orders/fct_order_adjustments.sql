-- Grain: one row per refund, return or cancellation; order_id is null where no known order is named. Of an order only
-- the vendor account that states most is listed, running totals as what they add: refunds and returns sum to the
-- order's refunded_amount. What other sources say differently stands in meta.order_conflicts.
with
    ranked_claims as (select * from {{ ref("int_ranked_refunds") }}),

    reported as (select * from {{ ref("int_counted_refunds") }}),

    unreported as (select * from {{ ref("int_unreported_refunds") }}),

    cancellations as (select * from {{ ref("int_cancellations") }}),

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
