-- Grain: one row per customer, vendor account, profile and figure about redemptions, points and referrals, counted from
-- our facts. Profile '' is all that the vendor reports of the person; another, one of several profiles, has what is its
-- own.
{% set counts = [
    "redemptions_total",
    "redemptions_succeeded",
    "redemptions_failed",
    "redemptions_rolled_back",
    "rollbacks_succeeded",
    "rollbacks_failed",
] %}
with
    redemptions as (select * from {{ ref("fct_redemptions") }}),

    balances as (select * from {{ ref("fct_loyalty_balances") }}),

    referrals as (select * from {{ ref("fct_referrals") }}),

    fact_profiles as (select * from {{ ref("int_fact_profiles") }}),

    -- Each fact once for the person, and once for every profile of the vendor that it is of.
    {% for facts, kind, key in [
        ("redemptions", "redemption", "redemption_id"),
        ("balances", "account", "account_id"),
        ("referrals", "referrer", "referrer_profile_id"),
    ] -%}
        owned_{{ facts }} as (
            select {{ facts }}.*, '' as profile
            from {{ facts }}
            union all
            select {{ facts }}.*, fact_profiles.profile
            from {{ facts }}
            inner join
                fact_profiles
                on fact_profiles.kind = '{{ kind }}'
                and {{ facts }}.source = fact_profiles.source
                and {{ facts }}.source_account = fact_profiles.source_account
                and {{ facts }}.{{ key }} = fact_profiles.fact_id
        ),

    {% endfor -%}
    counted as (
        select
            customer_id,
            source,
            source_account,
            profile,
            count(*) filter (where kind = 'redemption') as redemptions_total,
            count(*) filter (where kind = 'redemption' and result = 'success') as redemptions_succeeded,
            count(*) filter (where kind = 'redemption' and result = 'failure') as redemptions_failed,
            count(*) filter (where is_rolled_back) as redemptions_rolled_back,
            count(*) filter (where kind = 'rollback' and result = 'success') as rollbacks_succeeded,
            count(*) filter (where kind = 'rollback' and result = 'failure') as rollbacks_failed
        from owned_redemptions
        where customer_id is not null
        group by customer_id, source, source_account, profile
    ),

    points as (
        select customer_id, source, source_account, profile, {{ capped("sum(balance)") }} as points
        from owned_balances
        where customer_id is not null and balance_type = 'points'
        group by customer_id, source, source_account, profile
    ),

    referred as (
        select referrer_customer_id as customer_id, source, source_account, profile, count(*) as referred_customers
        from owned_referrals
        where referrer_customer_id is not null
        group by referrer_customer_id, source, source_account, profile
    ),

    final as (
        {% for metric in counts -%}
            select
                customer_id,
                source,
                source_account,
                profile,
                '{{ metric }}' as metric,
                cast({{ metric }} as decimal(38, 6)) as value
            from counted
            union all
        {% endfor -%}
        {% for metric in ["loyalty_points", "points_to_go"] -%}
            select
                customer_id,
                source,
                source_account,
                profile,
                '{{ metric }}' as metric,
                cast(points as decimal(38, 6)) as value
            from points
            union all
        {% endfor -%}
        select
            customer_id,
            source,
            source_account,
            profile,
            'referred_customers' as metric,
            cast(referred_customers as decimal(38, 6)) as value
        from referred
    )

select *
from final
