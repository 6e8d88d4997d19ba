-- Grain: one row per export date of a record that is observed several times, with what it says then, and beside it what
-- it said before. What an observation leaves out an earlier one still says.
with
    records as (select * from {{ ref("int_records") }} where not is_lead_only),

    observations as (select * from {{ ref("int_record_observations") }} where not is_only),

    gaps as (select * from {{ ref("int_delivery_gaps") }}),

    deletions as (select * from {{ ref("int_observed_deletions") }}),

    dated as ({{ deletions_observed("observations") }}),

    sequenced as (
        select
            *,
            lag(content) over record as previous_content,
            lag(is_deleted) over record as was_deleted,
            lag(next_gone_date) over record as previous_gone_date,
            lead(export_date) over record as next_export_date
        from dated
        window record as (partition by record_no order by export_date)
    ),

    -- A record that was gone and is back begins anew: what it said before is not carried over.
    lives as (
        select
            *,
            sum(cast(coalesce(was_deleted or previous_gone_date < export_date, false) as integer)) over (
                partition by record_no order by export_date rows unbounded preceding
            ) as life
        from sequenced
    ),

    {{ carried_forward("lives") }}

select *
from carried
