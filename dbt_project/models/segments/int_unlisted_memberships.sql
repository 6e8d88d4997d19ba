-- Grain: one row per claim of a membership that its claimant, observed in full for the first time after it, does not
-- make again.
with
    claims as (select * from {{ ref("int_segment_claims") }}),

    next_observations as (select * from {{ ref("int_claimant_observations") }}),

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
