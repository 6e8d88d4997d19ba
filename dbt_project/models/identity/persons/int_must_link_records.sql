-- Grain: one row per record and decision that it is one person with another.
with
    decisions as (select * from {{ ref("int_override_pairs") }} where rule = 'always'),

    ends as (
        select node as record_no, decision, node, other_node
        from decisions

        union all

        select other_node as record_no, decision, node, other_node
        from decisions
    ),

    final as (
        select
            record_no,
            'always' as rule,
            decision as rule_detail,
            cast(null as varchar) as id_type,
            cast(null as varchar) as id_namespace,
            cast(null as varchar) as id_value,
            {{ run_hash(["'always'", "node", "other_node"]) }} as link_key,
            false as is_refused
        from ends
    )

select *
from final
