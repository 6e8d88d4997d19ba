-- Grain: one row per claimant and moment at which it claims a membership, or is observed in full, with the moment at
-- which it is next observed in full.
with
    reported as (select * from {{ ref("int_segment_latest_reports") }}),

    claims as (select * from {{ ref("int_segment_claims") }}),

    lists as (
        select distinct customer_id, source, source_account, segment_family, claimant, profile, delivered_at
        from reported
        where is_own_list
    ),

    -- Moments at which a claimant was observed in full: by its own list, or, for what is reported, by any list of the
    -- same profile.
    observations as (
        select * exclude (profile)
        from lists
        union
        select * exclude (profile) replace ({{ stable_key(["'reported'", "profile"]) }} as claimant)
        from lists
    ),

    moments as (
        select * rename(delivered_at as happened_at), true as is_observation
        from observations
        union all
        select customer_id, source, source_account, segment_family, claimant, observed_at as happened_at, false
        from claims
    ),

    points as (select * exclude (is_observation), bool_or(is_observation) as is_observation from moments group by all),

    final as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            claimant,
            happened_at,
            min(case when is_observation then happened_at end) over (
                partition by customer_id, source, source_account, segment_family, claimant
                order by happened_at
                rows between 1 following and unbounded following
            ) as next_at
        from points
    )

select *
from final
