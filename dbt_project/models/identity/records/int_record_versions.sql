-- Grain: one row per record and export date from which it says something else, or is gone. A gone record says nothing.
-- Times of being seen are carried along and make no version of their own.
{% set attributes = reported_attributes() %}
{% set parts = attribute_parts() %}
{% set as_observed %}
    record_no,
    export_date as valid_from,
    changed_at,
    source_file,
    source_row,
    {% for attribute in attributes %} case when not is_deleted then {{ attribute }} end as {{ attribute }}, {% endfor %}
    is_deleted,
    life,
    {% for part in parts %} says_{{ part }}, {% endfor %}
    first_seen_at,
    last_seen_at
{% endset %}
{% set when_gone %}
    record_no,
    next_gone_date as valid_from,
    changed_at,
    true as is_deleted,
    life,
    {% for part in parts %} false as says_{{ part }}, {% endfor %}
    first_seen_at,
    last_seen_at
{% endset %}
with
    records as (select * from {{ ref("int_records") }} where not is_lead_only),

    observations as (select * from {{ ref("int_record_observations") }} where is_only),

    gaps as (select * from {{ ref("int_delivery_gaps") }}),

    deletions as (select * from {{ ref("int_observed_deletions") }}),

    observed_several_times as (select * from {{ ref("int_carried_observations") }}),

    observed_once as (
        select *, 0 as life, {{ says_of("observed") }} from ({{ deletions_observed("observations") }}) as observed
    ),

    changes as (
        select {{ as_observed }}
        from observed_several_times
        where
            previous_content is distinct from content
            or was_deleted is distinct from is_deleted
            or previous_gone_date < export_date

        union all by name

        select {{ when_gone }}
        from observed_several_times
        where next_gone_date < next_export_date or (next_gone_date is not null and next_export_date is null)
    ),

    final as (
        select *, lead(valid_from) over (partition by record_no order by valid_from) as valid_to
        from changes

        union all by name

        select {{ as_observed }}, next_gone_date as valid_to
        from observed_once

        union all by name

        select {{ when_gone }}
        from observed_once
        where next_gone_date is not null
    )

select *
from final
