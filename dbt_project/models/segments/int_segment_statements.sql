-- Grain: one row per customer, segment, claimant and moment at which something is said of the membership. is_member
-- false is either said outright, follows from the first full observation that no longer names the segment, or from
-- the deletion of the record. A list is true of the day that delivered it, a message of the moment it names.
with
    deletions as (select * from {{ ref("int_owner_deletions") }}),

    reported as (select * from {{ ref("int_segment_reports") }}),

    claims as (select * from {{ ref("int_segment_claims") }}),

    unlisted as (select * from {{ ref("int_unlisted_memberships") }}),

    undelivered as (select * from {{ ref("int_undelivered_memberships") }}),

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
