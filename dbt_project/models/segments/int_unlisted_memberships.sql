-- Grain: one row per claim of a membership that its claimant, observed in full for the first time after it, does not
-- make again.
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
        select customer_id, source, source_account, segment_family, claimant, delivered_at
        from lists
        union
        select
            customer_id,
            source,
            source_account,
            segment_family,
            {{ stable_key(["'reported'", "profile"]) }} as claimant,
            delivered_at
        from lists
    ),

    points as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            claimant,
            happened_at,
            max(is_observation) as is_observation
        from
            (
                select
                    customer_id,
                    source,
                    source_account,
                    segment_family,
                    claimant,
                    delivered_at as happened_at,
                    1 as is_observation
                from observations
                union all
                select
                    customer_id,
                    source,
                    source_account,
                    segment_family,
                    claimant,
                    observed_at as happened_at,
                    0 as is_observation
                from claims
            ) as moments
        group by customer_id, source, source_account, segment_family, claimant, happened_at
    ),

    next_observations as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            claimant,
            happened_at,
            min(case when is_observation = 1 then happened_at end) over (
                partition by customer_id, source, source_account, segment_family, claimant
                order by happened_at
                rows between 1 following and unbounded following
            ) as next_at
        from points
    ),

    final as (
        select
            claims.customer_id,
            claims.source,
            claims.source_account,
            claims.segment_family,
            claims.segment_id,
            claims.claimant,
            next_observations.next_at
        from claims
        inner join
            next_observations
            on claims.customer_id = next_observations.customer_id
            and claims.source = next_observations.source
            and claims.source_account = next_observations.source_account
            and claims.segment_family = next_observations.segment_family
            and claims.claimant = next_observations.claimant
            and claims.observed_at = next_observations.happened_at
        left join
            claims as others
            on claims.customer_id = others.customer_id
            and claims.source = others.source
            and claims.source_account = others.source_account
            and claims.segment_family = others.segment_family
            and claims.segment_id = others.segment_id
            and next_observations.next_at = others.observed_at
            and (
                claims.claimant = others.claimant
                or claims.claimant = {{ stable_key(["'reported'", "others.profile"]) }}
            )
        where next_observations.next_at is not null and others.customer_id is null
    )

select *
from final
