-- Grain: one row per override that names two records, by the nodes they stand for.
with
    overrides as (select * from {{ ref("identity_overrides") }}),

    records as (select * from {{ ref("int_record_evidence") }}),

    belongings as (select * from {{ ref("int_contact_records") }}),

    named as (
        select records.source, records.source_account, records.stream_key, records.source_record_id, coalesce(belongings.record_no, records.record_no) as node
        from records
        left join belongings on records.record_no = belongings.contact_no
    ),

    final as (
        select
            overrides.rule,
            least(one.node, other.node) as node,
            greatest(one.node, other.node) as other_node,
            min(concat_ws(': ', overrides.author, overrides.reason)) as decision
        from overrides
        inner join
            named as one
            on overrides.source = one.source
            and overrides.source_account = one.source_account
            and overrides.stream = one.stream_key
            and overrides.source_record_id = one.source_record_id
        inner join
            named as other
            on overrides.other_source = other.source
            and overrides.other_source_account = other.source_account
            and overrides.other_stream = other.stream_key
            and overrides.other_source_record_id = other.source_record_id
        where overrides.rule in ('always', 'never') and one.node <> other.node
        group by overrides.rule, least(one.node, other.node), greatest(one.node, other.node)
    )

select *
from final
