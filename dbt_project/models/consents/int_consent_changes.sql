-- Grain: one row per statement on consent that changes what the record said before. The same again from the same record
-- is no change, unless the vendor dates it anew or forces it, or the record had been deleted.
with
    statements as (select * from {{ ref("int_consent_statements") }}),

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

    final as (
        select *
        from ordered
        where
            status is distinct from previous_status
            or (is_forced and not was_forced)
            or (was_of_deleted and not is_of_deleted)
            or not is_effective_at_inferred
            or (customer_id, source, source_account, reported_by, channel, purpose, effective_at)
            in (select customer_id, source, source_account, reported_by, channel, purpose, effective_at from renewed)
    )

select *
from final
