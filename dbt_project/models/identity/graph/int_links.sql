-- Grain: one row per node and link it hangs on: a key, the group of a key with conflicting holders, or an override
-- that says always.
with
    shared_evidence as (select * from {{ ref("int_shared_evidence") }}),

    conflicting as (select * from {{ ref("int_conflicting_identifiers") }}),

    overrides as (select * from {{ ref("int_override_pairs") }} where rule = 'always'),

    final as (
        select
            shared_evidence.node,
            case
                when conflicting.node is null
                then shared_evidence.identifier_key
                else {{ run_hash(["shared_evidence.identifier_key", "conflicting.group_no"]) }}
            end as link_key,
            shared_evidence.identifier_key,
            shared_evidence.type_rank,
            shared_evidence.first_seen_at,
            cast(null as varchar) as decision_order
        from shared_evidence
        left join
            conflicting
            on shared_evidence.node = conflicting.node
            and shared_evidence.identifier_key = conflicting.identifier_key
        where conflicting.node is null or (not conflicting.is_shared and conflicting.group_no is not null)

        union all

        select
            node,
            {{ run_hash(["'always'", "node", "other_node"]) }} as link_key,
            null as identifier_key,
            0 as type_rank,
            null as first_seen_at,
            {{ same_content(["node", "other_node"]) }}
        from overrides

        union all

        select
            other_node,
            {{ run_hash(["'always'", "node", "other_node"]) }} as link_key,
            null as identifier_key,
            0 as type_rank,
            null as first_seen_at,
            {{ same_content(["node", "other_node"]) }}
        from overrides
    )

select *
from final
