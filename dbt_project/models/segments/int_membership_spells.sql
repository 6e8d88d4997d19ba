-- Grain: one row per customer, segment of a vendor account and unbroken stay, whoever of the person's records claims
-- it.
with
    statements as (select * from {{ ref("int_segment_statements") }}),

    -- Stays of one claimant: from a claim to the next statement that is none.
    turned as (
        select *, lag(is_member) over in_time as was_member
        from statements
        window
            in_time as (
                partition by customer_id, source, source_account, segment_family, segment_id, claimant
                order by observed_at, is_member, entered_at
            )
    ),

    turns as (
        select *, lead(observed_at) over in_time as next_turn_at, lag(observed_at) over in_time as last_turn_at
        from turned
        where is_member is distinct from coalesce(was_member, false)
        window
            in_time as (
                partition by customer_id, source, source_account, segment_family, segment_id, claimant
                order by observed_at, is_member, entered_at
            )
    ),

    claimed_stays as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            case
                when last_turn_at is null
                then least(entered_at, observed_at)
                else greatest(least(entered_at, observed_at), last_turn_at)
            end as entered_at,
            next_turn_at as exited_at
        from turns
        where is_member
    ),

    -- Stays of several claimants that touch are one stay.
    reached as (
        select
            *,
            max(coalesce(exited_at, cast('9999-01-01 00:00:00+00' as timestamptz))) over (
                partition by customer_id, source, source_account, segment_family, segment_id
                order by entered_at, exited_at nulls last
                rows between unbounded preceding and 1 preceding
            ) as reached_at
        from claimed_stays
        where exited_at is null or exited_at > entered_at
    ),

    numbered as (
        select
            *,
            sum(case when reached_at >= entered_at then 0 else 1 end) over (
                partition by customer_id, source, source_account, segment_family, segment_id
                order by entered_at, exited_at nulls last
                rows between unbounded preceding and current row
            ) as stay_number
        from reached
    ),

    final as (
        select
            customer_id,
            source,
            source_account,
            segment_family,
            segment_id,
            stay_number,
            min(entered_at) as entered_at,
            case when bool_or(exited_at is null) then null else max(exited_at) end as exited_at
        from numbered
        group by customer_id, source, source_account, segment_family, segment_id, stay_number
    )

select *
from final
