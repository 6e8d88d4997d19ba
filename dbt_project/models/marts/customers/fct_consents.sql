-- Grain: one row per change of consent that a vendor reports of a customer, channel and purpose. is_current marks the
-- statement that decides today among those of the very same channel and purpose, one for each: a yes only if it is
-- later than every no, and of no record that its vendor has deleted since. What wider statements (`all`) make of it
-- stands in customer_consents and customer_contactability.
with
    staged as (select * from {{ source("staging", "customer_consents") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    deletions as (select * from {{ ref("int_owner_deletions") }}),

    reported as (
        select
            owners.customer_id,
            staged.source,
            staged.source_account,
            owners.stream_key,
            owners.owner_record_id,
            staged.channel,
            coalesce(staged.purpose, 'marketing') as purpose,
            staged.status,
            staged.status_raw,
            staged.consent_source,
            staged.reason,
            coalesce(staged.is_forced, false) as is_forced,
            coalesce(staged.is_effective_at_inferred, false) as is_effective_at_inferred,
            staged.effective_at,
            deletions.deleted_on is not null as is_of_deleted,
            {{ newest("staged") }} as recency
        from staged
        inner join owners on {{ is_owner("staged") }}
        left join
            deletions
            on owners.source = deletions.source
            and owners.source_account = deletions.source_account
            and owners.stream_key = deletions.stream_key
            and owners.owner_record_id = deletions.owner_record_id
            and staged.export_date < deletions.rows_end_before
        -- A channel that cannot be read is in meta.field_issues; a word about it is a word about no channel we know.
        where staged.channel is not null
    ),

    -- Profiles repeat the same statement in every export.
    statements as (
        select
            customer_id,
            source,
            source_account,
            stream_key,
            owner_record_id,
            channel,
            purpose,
            status,
            effective_at,
            max_by(status_raw, row(recency, status_raw)) as status_raw,
            max_by(consent_source, row(recency, consent_source)) as consent_source,
            max_by(reason, row(recency, reason)) as reason,
            bool_or(is_forced) as is_forced,
            bool_and(is_effective_at_inferred) as is_effective_at_inferred,
            bool_and(is_of_deleted) as is_of_deleted,
            max(recency) as recency
        from reported
        group by
            customer_id, source, source_account, stream_key, owner_record_id, channel, purpose, status, effective_at
    ),

    ordered as (
        select
            *,
            concat(stream_key, '/', owner_record_id) as reported_by,
            lag(status) over in_time as previous_status,
            lag(is_forced) over in_time as was_forced,
            lag(is_of_deleted) over in_time as was_of_deleted,
            lag(effective_at) over in_time as previous_at
        from statements
        window
            in_time as (
                partition by customer_id, source, source_account, stream_key, owner_record_id, channel, purpose
                order by effective_at, status = 'opt_out', status = 'opt_in', status
            )
    ),

    -- A no that the record repeats after it said yes to more than that is said anew.
    renewed as (
        select distinct
            repeated.customer_id,
            repeated.source,
            repeated.source_account,
            repeated.reported_by,
            repeated.channel,
            repeated.purpose,
            repeated.effective_at
        from ordered as repeated
        inner join
            ordered as wider
            on repeated.customer_id = wider.customer_id
            and repeated.source = wider.source
            and repeated.source_account = wider.source_account
            and repeated.reported_by = wider.reported_by
            and {{ consent_covers("wider", "repeated") }}
            and wider.effective_at > repeated.previous_at
            and wider.effective_at <= repeated.effective_at
        where repeated.status = 'opt_out' and repeated.previous_status = 'opt_out' and wider.status = 'opt_in'
    ),

    -- The same again from the same record is no change, unless the vendor dates it anew or forces it, or the record had
    -- been deleted.
    changes as (
        select *
        from ordered
        where
            status is distinct from previous_status
            or (is_forced and not was_forced)
            or (was_of_deleted and not is_of_deleted)
            or not is_effective_at_inferred
            or (customer_id, source, source_account, reported_by, channel, purpose, effective_at)
            in (select customer_id, source, source_account, reported_by, channel, purpose, effective_at from renewed)
    ),

    ranked as ({{ consents_ranked("changes", "customer_id, channel, purpose", record="reported_by") }}),

    -- Several records of a person may say the same.
    merged as (
        select
            customer_id,
            source,
            source_account,
            channel,
            purpose,
            status,
            effective_at,
            max_by(status_raw, row(recency, status_raw)) as status_raw,
            max_by(consent_source, row(recency, consent_source)) as consent_source,
            max_by(reason, row(recency, reason)) as reason,
            coalesce(
                list(distinct reported_by order by reported_by) filter (where not is_of_deleted),
                list(distinct reported_by order by reported_by)
            ) as reported_by,
            bool_or(is_forced) as is_forced,
            bool_and(is_effective_at_inferred) as is_effective_at_inferred,
            bool_and(is_of_deleted) as is_of_deleted,
            min(decision_rank) = 1 as is_current
        from ranked
        group by customer_id, source, source_account, channel, purpose, status, effective_at
    ),

    final as (
        select
            customer_id,
            source,
            source_account,
            channel,
            purpose,
            status,
            status_raw,
            consent_source,
            reason,
            reported_by,
            is_forced,
            is_effective_at_inferred,
            is_of_deleted,
            is_current,
            effective_at
        from merged
    )

select *
from final
