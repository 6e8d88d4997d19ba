-- Grain: one row per statement of a record on its customer's consent to a channel and a purpose, with its status and
-- since when it holds. Profiles repeat the same statement in every export.
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
        -- A channel that cannot be read is in meta.field_issues. A no to it is one to all; any other word about it is a
        -- word about no channel we know.
        where staged.channel is not null
    ),

    final as (
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
    )

select *
from final
