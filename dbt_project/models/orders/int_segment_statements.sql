-- Grain: one row per customer, segment, claimant and moment at which something is said of the membership.
-- A claimant is one vendor record whose profile lists its segments, or `told` for all that is told without such a list.
-- is_member false is either said outright, or follows from the first full observation that no longer names the segment.
with
    staged as (select * from {{ source("staging", "segment_memberships") }}),

    deliveries as (select * from {{ source("meta", "deliveries") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    owned as (
        select
            owners.customer_id,
            staged.source,
            staged.source_account,
            staged.stream,
            {{ segment_family("staged.kind") }} as segment_family,
            staged.segment_id,
            case when staged.is_full_snapshot then concat(staged.stream, '|', staged.owner_record_id) else 'told' end as claimant,
            staged.state in ('member', 'entered', 'subscribed') as is_member,
            coalesce(staged.is_full_snapshot, false) as is_own_list,
            staged.state in ('entered', 'subscribed') as is_message,
            staged.state in ('left', 'unsubscribed') as is_denial,
            staged.source_file,
            staged.source_row,
            staged.export_date,
            staged.last_export_date,
            cast(staged.export_date as timestamptz) as delivered_at,
            case when staged.valid_from is not null then staged.valid_from when not staged.is_observed_at_inferred then staged.observed_at end as dated_at
        from staged
        inner join owners on {{ is_owner("staged") }}
    ),

    -- Of two lists of a record in one night the newest counts.
    current_of_night as (
        select *
        from owned
        where not is_own_list
        union all
        select *
        from owned
        where is_own_list
        qualify
            dense_rank() over (
                partition by customer_id, source, source_account, segment_family, claimant, export_date order by {{ newest_first(changed_at=none) }}
            )
            = 1
    ),

    claims as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            claimant,
            max(stream) as stream,
            export_date,
            delivered_at,
            -- A list is true of the night that delivered it, a message of the moment it names.
            case when is_message then coalesce(dated_at, delivered_at) else delivered_at end as observed_at,
            min(coalesce(dated_at, delivered_at)) as entered_at
        from current_of_night
        where is_member and segment_id is not null
        group by 1, 2, 3, 4, 5, 6, 8, 9, 10
    ),

    -- Nights on which a claimant was observed in full: by its own list, or, for what is told, by any list of the person.
    own_observations as (
        select distinct customer_id, source, source_account, segment_family, claimant, export_date
        from current_of_night
        where is_own_list
        union
        select distinct customer_id, source, source_account, segment_family, 'told' as claimant, export_date
        from current_of_night
        where is_own_list
    ),

    points as (
        select customer_id, source, source_account, segment_family, claimant, export_date, max(is_observation) as is_observation
        from
            (
                select customer_id, source, source_account, segment_family, claimant, export_date, 1 as is_observation
                from own_observations
                union all
                select customer_id, source, source_account, segment_family, claimant, export_date, 0 as is_observation
                from claims
            ) as dates
        group by customer_id, source, source_account, segment_family, claimant, export_date
    ),

    next_own as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            claimant,
            export_date,
            min(case when is_observation = 1 then export_date end) over (
                partition by customer_id, source, source_account, segment_family, claimant order by export_date rows between 1 following and unbounded following
            ) as next_date
        from points
    ),

    delivery_nights as (
        select
            source,
            source_account,
            stream,
            export_date,
            min(case when is_full then export_date end) over (
                partition by source, source_account, stream order by export_date rows between 1 following and unbounded following
            ) as next_full_date
        from deliveries
    ),

    -- The first full observation after a claim, unless it makes the claim again.
    silences as (
        select
            claims.customer_id,
            claims.source,
            claims.source_account,
            claims.segment_family,
            claims.segment_id,
            claims.claimant,
            least(coalesce(next_own.next_date, delivery_nights.next_full_date), coalesce(delivery_nights.next_full_date, next_own.next_date)) as silent_date
        from claims
        inner join
            next_own
            on claims.customer_id = next_own.customer_id
            and claims.source = next_own.source
            and claims.source_account = next_own.source_account
            and claims.segment_family = next_own.segment_family
            and claims.claimant = next_own.claimant
            and claims.export_date = next_own.export_date
        left join
            delivery_nights
            on claims.source = delivery_nights.source
            and claims.source_account = delivery_nights.source_account
            and claims.stream = delivery_nights.stream
            and claims.export_date = delivery_nights.export_date
    ),

    kept_silences as (
        select silences.*
        from silences
        left join
            claims
            on silences.customer_id = claims.customer_id
            and silences.source = claims.source
            and silences.source_account = claims.source_account
            and silences.segment_family = claims.segment_family
            and silences.segment_id = claims.segment_id
            and (silences.claimant = claims.claimant or silences.claimant = 'told')
            and silences.silent_date = claims.export_date
        where silences.silent_date is not null and claims.customer_id is null
    ),

    -- Who says that somebody has left says it of all records of the person.
    denials as (
        select
            claimants.customer_id,
            claimants.source,
            claimants.source_account,
            claimants.segment_family,
            claimants.segment_id,
            claimants.claimant,
            coalesce(owned.dated_at, owned.delivered_at) as denied_at
        from owned
        inner join
            (select distinct customer_id, source, source_account, segment_family, segment_id, claimant from claims) as claimants
            on owned.customer_id = claimants.customer_id
            and owned.source = claimants.source
            and owned.source_account = claimants.source_account
            and owned.segment_family = claimants.segment_family
            and owned.segment_id = claimants.segment_id
        where owned.is_denial
    ),

    final as (
        select customer_id, source, source_account, segment_family, segment_id, claimant, true as is_member, observed_at, entered_at
        from claims
        union all
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            claimant,
            false as is_member,
            cast(silent_date as timestamptz) as observed_at,
            null as entered_at
        from kept_silences
        union all
        select customer_id, source, source_account, segment_family, segment_id, claimant, false as is_member, denied_at as observed_at, null as entered_at
        from denials
    )

select *
from final
