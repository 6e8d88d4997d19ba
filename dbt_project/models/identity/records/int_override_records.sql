-- Grain: one row per override that names two records that have landed.
with
    overrides as (select * from {{ ref("identity_overrides") }} where rule in ('always', 'never')),

    records as (select * from {{ ref("int_records") }}),

    final as (
        select
            overrides.rule,
            least(one.record_no, other.record_no) as record_no,
            greatest(one.record_no, other.record_no) as other_record_no,
            min(concat_ws(': ', overrides.author, overrides.reason)) as decision
        from overrides
        inner join
            records as one
            on overrides.source = one.source
            and overrides.source_account = one.source_account
            and overrides.stream = one.stream_key
            and overrides.source_record_id = one.source_record_id
        inner join
            records as other
            on overrides.other_source = other.source
            and overrides.other_source_account = other.source_account
            and overrides.other_stream = other.stream_key
            and overrides.other_source_record_id = other.source_record_id
        group by overrides.rule, least(one.record_no, other.record_no), greatest(one.record_no, other.record_no)
    )

select *
from final
