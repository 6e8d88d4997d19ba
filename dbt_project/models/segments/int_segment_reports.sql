-- Grain: one row per reported membership of a known customer, with the claimant that says it. A claimant is one
-- vendor record with a profile that lists its segments, or all that is reported of one profile without such a list.
with
    staged as (select * from {{ source("staging", "segment_memberships") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

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

    final as (
        select
            *,
            case
                when is_own_list
                then {{ stable_key(["'list'", "stream", "owner_record_id"]) }}
                else {{ stable_key(["'reported'", "profile"]) }}
            end as claimant
        from of_profiles
    )

select *
from final
