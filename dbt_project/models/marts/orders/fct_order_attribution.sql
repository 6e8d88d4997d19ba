-- Grain: one row per order and touch before it; orders that no touch came before have none. A touch is what the person
-- did that a channel of ours can claim: it names where the person came from (utm), or its type is in seed
-- attribution_touches. Orders, and what was done to the person, are none.
with
    orders as (
        select order_id, customer_id, ordered_at
        from {{ ref("fct_orders") }}
        where customer_id is not null and ordered_at is not null
    ),

    events as (
        select * from {{ ref("fct_events") }} where customer_id is not null and is_active and event_type <> 'order'
    ),

    channels as (select * from {{ ref("attribution_touches") }}),

    rules as (select * from {{ ref("attribution_rules") }}),

    touches as (
        select
            events.customer_id,
            events.source,
            events.source_account,
            events.event_id,
            events.occurred_at,
            coalesce(lower(events.utm_medium), channels.channel, lower(events.utm_source), 'other') as channel,
            events.campaign
        from events
        left join channels on events.event_type = channels.event_type and events.event_action = channels.event_action
        where coalesce(events.utm_medium, events.utm_source, events.utm_campaign, channels.channel) is not null
    ),

    preceding as (
        select
            orders.order_id,
            touches.*,
            rules.half_life_days,
            {{ seconds_between("touches.occurred_at", "orders.ordered_at") }} / 86400 as days_before,
            row_number() over touches_of_the_order as touch_number,
            count(*) over (partition by orders.order_id) as touch_count
        from orders
        inner join touches on orders.customer_id = touches.customer_id and orders.ordered_at >= touches.occurred_at
        cross join rules
        where {{ seconds_between("touches.occurred_at", "orders.ordered_at") }} <= 86400 * rules.window_days
        window
            touches_of_the_order as (
                partition by orders.order_id
                order by touches.occurred_at, touches.source, touches.source_account, touches.event_id
            )
    ),

    -- Measured from the last touch, which counts in full: however long before the order all were, some weight is left.
    fading as (
        select *, pow(2, - (days_before - min(days_before) over (partition by order_id)) / half_life_days) as worth
        from preceding
    ),

    final as (
        select
            order_id,
            customer_id,
            source,
            source_account,
            event_id,
            touch_number,
            channel,
            campaign,
            occurred_at,
            cast(touch_number = 1 as double) as weight_first,
            cast(touch_number = touch_count as double) as weight_last,
            1.0::double / touch_count as weight_linear,
            worth / sum(worth) over (partition by order_id) as weight_decay
        from fading
    )

select *
from final
