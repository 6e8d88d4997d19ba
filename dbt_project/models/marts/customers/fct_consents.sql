-- Grain: one row per change of consent that a vendor reports of a customer, channel and purpose. is_current marks the
-- statement that decides today among those of the very same channel and purpose, one for each: a yes only if it is
-- later than every no, and of no record that its vendor has deleted since. What wider statements (`all`) make of it
-- stands in customer_consents and customer_contactability.
with
    changes as (select * from {{ ref("int_consent_changes") }}),

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
