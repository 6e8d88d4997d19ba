-- Grain: one row per customer, segment, claimant and moment at which something is said of the membership. A claimant is
-- one vendor record with a profile that lists its segments, or all that is reported of one profile without such a list.
-- is_member false is either said outright, follows from the first full observation that no longer names the segment, or
-- from the deletion of the record. A list is true of the day that delivered it, a message of the moment it names.
with
    staged as (select * from {{ source("staging", "segment_memberships") }}),

    deliveries as (select * from {{ source("meta", "deliveries") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    deletions as (select * from {{ ref("int_owner_deletions") }}),

    -- Of a person with several profiles at a vendor, which one a record is of.
    record_profiles as (
        select
            source,
            source_account,
            owner_stream_key,
            owner_record_id,
            min({{ stable_key(["stream", "source_record_id"]) }}) as profile
        from {{ ref("int_profile_records") }}
        group by source, source_account, owner_stream_key, owner_record_id
    ),

    owned as (
        select
            owners.customer_id,
            staged.source,
            staged.source_account,
            staged.stream,
            {{ segment_family("staged.kind") }} as segment_family,
            staged.segment_id,
            owners.stream_key,
            owners.owner_record_id,
            record_profiles.profile,
            staged.state in ('member', 'entered', 'subscribed') as is_member,
            coalesce(staged.is_full_snapshot, false) as is_own_list,
            staged.state in ('entered', 'subscribed') as is_message,
            staged.state in ('left', 'unsubscribed') as is_denial,
            staged.source_file,
            staged.source_row,
            staged.source_updated_at,
            staged.export_date,
            staged.last_export_date,
            cast(staged.export_date as timestamptz) as delivered_at,
            case
                when staged.valid_from is not null
                then staged.valid_from
                when not staged.is_observed_at_inferred
                then staged.observed_at
            end as dated_at
        from staged
        inner join owners on {{ is_owner("staged") }}
        left join
            record_profiles
            on staged.source = record_profiles.source
            and staged.source_account = record_profiles.source_account
            and owners.stream_key = record_profiles.owner_stream_key
            and owners.owner_record_id = record_profiles.owner_record_id
    ),

    -- Of a person with one profile all is of that; of one with several, what is of none of them is of itself alone.
    of_profiles as (
        select
            * exclude (profile),
            case
                when profile is not null
                then profile
                when bool_or(profile is not null) over (partition by customer_id, source, source_account)
                then {{ stable_key(["stream_key", "owner_record_id"]) }}
                else ''
            end as profile
        from owned
    ),

    reported as (
        select
            *,
            case
                when is_own_list
                then {{ stable_key(["'list'", "stream", "owner_record_id"]) }}
                else {{ stable_key(["'told'", "profile"]) }}
            end as claimant
        from of_profiles
    ),

    -- Of two lists of a record on one export date the newest counts.
    newest_lists as (
        select *
        from reported
        where not is_own_list
        union all
        select *
        from reported
        where is_own_list
        qualify
            dense_rank() over (
                partition by customer_id, source, source_account, segment_family, claimant, export_date
                order by {{ newest_first() }}
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
            profile,
            stream,
            export_date,
            case when is_message then coalesce(dated_at, delivered_at) else delivered_at end as observed_at,
            min(coalesce(dated_at, delivered_at)) as entered_at
        from newest_lists
        where is_member and segment_id is not null
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ),

    lists as (
        select distinct customer_id, source, source_account, segment_family, claimant, profile, delivered_at
        from newest_lists
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
            {{ stable_key(["'told'", "profile"]) }} as claimant,
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

    -- The first full observation after a claim, unless it makes the claim again.
    unlisted as (
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
            and (claims.claimant = others.claimant or claims.claimant = {{ stable_key(["'told'", "others.profile"]) }})
        where next_observations.next_at is not null and others.customer_id is null
    ),

    full_deliveries as (
        select
            source,
            source_account,
            stream,
            export_date,
            min(case when is_full then export_date end) over (
                partition by source, source_account, stream
                order by export_date
                rows between 1 following and unbounded following
            ) as next_full_date
        from deliveries
    ),

    -- The first full delivery of the stream after a claim, unless it makes the claim again.
    undelivered as (
        select
            claims.customer_id,
            claims.source,
            claims.source_account,
            claims.segment_family,
            claims.segment_id,
            claims.claimant,
            greatest(cast(full_deliveries.next_full_date as timestamptz), claims.observed_at) as ended_at
        from claims
        inner join
            full_deliveries
            on claims.source = full_deliveries.source
            and claims.source_account = full_deliveries.source_account
            and claims.stream = full_deliveries.stream
            and claims.export_date = full_deliveries.export_date
        left join
            claims as others
            on claims.customer_id = others.customer_id
            and claims.source = others.source
            and claims.source_account = others.source_account
            and claims.segment_family = others.segment_family
            and claims.segment_id = others.segment_id
            and claims.claimant = others.claimant
            and claims.stream = others.stream
            and full_deliveries.next_full_date = others.export_date
        where full_deliveries.next_full_date is not null and others.customer_id is null
    ),

    -- Whoever the vendor has deleted is a member no more, of whatever the record had said up to that day.
    deleted as (
        select
            reported.customer_id,
            reported.source,
            reported.source_account,
            reported.segment_family,
            reported.segment_id,
            reported.claimant,
            greatest(
                cast(deletions.deleted_on as timestamptz),
                max(
                    case
                        when reported.is_message
                        then coalesce(reported.dated_at, reported.delivered_at)
                        else reported.delivered_at
                    end
                )
                + interval 1 microsecond
            ) as deleted_at
        from reported
        inner join
            deletions
            on reported.source = deletions.source
            and reported.source_account = deletions.source_account
            and reported.stream_key = deletions.stream_key
            and reported.owner_record_id = deletions.owner_record_id
            and reported.export_date < deletions.rows_end_before
        where reported.is_member and reported.segment_id is not null
        group by 1, 2, 3, 4, 5, 6, deletions.deleted_on
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
            coalesce(reported.dated_at, reported.delivered_at) as denied_at
        from reported
        inner join
            (
                select distinct customer_id, source, source_account, segment_family, segment_id, claimant from claims
            ) as claimants
            on reported.customer_id = claimants.customer_id
            and reported.source = claimants.source
            and reported.source_account = claimants.source_account
            and reported.segment_family = claimants.segment_family
            and reported.segment_id = claimants.segment_id
        where reported.is_denial
    ),

    final as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            claimant,
            true as is_member,
            observed_at,
            entered_at
        from claims
        {% for ended, moment in [
                ("unlisted", "next_at"),
                ("undelivered", "ended_at"),
                ("deleted", "deleted_at"),
                ("denials", "denied_at"),
            ] -%}
            union all
            select
                customer_id,
                source,
                source_account,
                segment_family,
                segment_id,
                claimant,
                false as is_member,
                {{ moment }} as observed_at,
                null as entered_at
            from {{ ended }}
        {% endfor %}
    )

select *
from final
