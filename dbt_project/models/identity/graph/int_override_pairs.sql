-- Grain: one row per override that names two records, by the nodes they stand for.
with
    overrides as (select * from {{ ref("int_override_records") }}),

    belongings as (select * from {{ ref("int_contact_records") }}),

    placed as (
        select
            overrides.rule,
            coalesce(one.record_no, overrides.record_no) as one_node,
            coalesce(other.record_no, overrides.other_record_no) as other_node,
            overrides.decision
        from overrides
        left join belongings as one on overrides.record_no = one.contact_no
        left join belongings as other on overrides.other_record_no = other.contact_no
    ),

    final as (
        select
            rule,
            least(one_node, other_node) as node,
            greatest(one_node, other_node) as other_node,
            min(decision) as decision
        from placed
        where one_node <> other_node
        group by rule, least(one_node, other_node), greatest(one_node, other_node)
    )

select *
from final
