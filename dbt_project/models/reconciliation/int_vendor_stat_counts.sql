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

    profile_records as (select * from {{ ref("int_profile_records") }}),

    staged_redemptions as (select * from {{ source("staging", "redemptions") }}),

    staged_accounts as (select * from {{ source("staging", "loyalty_accounts") }}),

    redemption_profiles as (
        select distinct
            staged_redemptions.source,
            staged_redemptions.source_account,
            staged_redemptions.redemption_id,
            concat(profile_records.stream, '|', profile_records.source_record_id) as profile
        from staged_redemptions
        inner join profile_records on {{ is_of_profile("staged_redemptions") }}
    ),

    account_profiles as (
        select distinct
            staged_accounts.source,
            staged_accounts.source_account,
            staged_accounts.account_id,
            concat(profile_records.stream, '|', profile_records.source_record_id) as profile
        from staged_accounts
        inner join profile_records on {{ is_of_profile("staged_accounts") }}
    ),

    referrer_profiles as (
        select distinct
            source, source_account, source_record_id as profile_id, concat(stream, '|', source_record_id) as profile
        from profile_records
    ),

    -- Each fact once for the person, and once for every profile of the vendor that it is of.
    {% for facts, profiles, key, profile_key in [
        ("redemptions", "redemption_profiles", "redemption_id", "redemption_id"),
        ("balances", "account_profiles", "account_id", "account_id"),
        ("referrals", "referrer_profiles", "referrer_profile_id", "profile_id"),
    ] -%}
        owned_{{ facts }} as (
            select {{ facts }}.*, '' as profile
            from {{ facts }}
            union all
            select {{ facts }}.*, {{ profiles }}.profile
            from {{ facts }}
            inner join
                {{ profiles }}
                on {{ facts }}.source = {{ profiles }}.source
                and {{ facts }}.source_account = {{ profiles }}.source_account
                and {{ facts }}.{{ key }} = {{ profiles }}.{{ profile_key }}
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
