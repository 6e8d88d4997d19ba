-- Grain: one row per customer, source and figure about redemptions, points and referrals, counted from our facts.
with
    redemptions as (select * from {{ ref('fct_redemptions') }}),

    balances as (select * from {{ ref('fct_loyalty_balances') }}),

    referrals as (select * from {{ ref('fct_referrals') }}),

    counted as (
        select
            customer_id,
            source,
            count(*) filter (where kind = 'redemption') as redemptions_total,
            count(*) filter (where kind = 'redemption' and result = 'success') as redemptions_succeeded,
            count(*) filter (where kind = 'redemption' and result = 'failure') as redemptions_failed,
            count(*) filter (where is_rolled_back) as redemptions_rolled_back,
            count(*) filter (where kind = 'rollback' and result = 'success') as rollbacks_succeeded,
            count(*) filter (where kind = 'rollback' and result = 'failure') as rollbacks_failed
        from redemptions
        where customer_id is not null
        group by customer_id, source
    ),

    points as (
        select customer_id, source, cast(sum(balance) as decimal(18, 4)) as points
        from balances
        where customer_id is not null and balance_type = 'points'
        group by customer_id, source
    ),

    referred as (
        select referrer_customer_id as customer_id, source, count(*) as referred_customers
        from referrals
        where referrer_customer_id is not null
        group by referrer_customer_id, source
    ),

    final as (
        {% for metric in ['redemptions_total', 'redemptions_succeeded', 'redemptions_failed', 'redemptions_rolled_back', 'rollbacks_succeeded', 'rollbacks_failed'] -%}
        select customer_id, source, '{{ metric }}' as metric, cast({{ metric }} as decimal(38, 6)) as value
        from counted
        union all
        {% endfor -%}
        {% for metric in ['loyalty_points', 'points_to_go'] -%}
        select customer_id, source, '{{ metric }}' as metric, cast(points as decimal(38, 6)) as value
        from points
        union all
        {% endfor -%}
        select customer_id, source, 'referred_customers' as metric, cast(referred_customers as decimal(38, 6)) as value
        from referred
    )

select *
from final
