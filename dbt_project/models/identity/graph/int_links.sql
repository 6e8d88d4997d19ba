-- Grain: one row per node and link it hangs on: a key, the group of a contested key, or an override that says always.
with
    holdings as (select * from {{ ref("int_shared_evidence") }}),

    contested as (select * from {{ ref("int_conflicting_identifiers") }}),

    overrides as (select * from {{ ref("int_override_pairs") }} where rule = 'always'),

    final as (
        select
            holdings.node,
            case
                when contested.node is null
                then holdings.identifier_key
                else {{ run_hash(["holdings.identifier_key", "contested.group_no"]) }}
            end as link_key,
            holdings.identifier_key,
            holdings.type_rank,
            holdings.first_seen_at,
            cast(null as varchar) as decision_order
        from holdings
        left join contested on holdings.node = contested.node and holdings.identifier_key = contested.identifier_key
        where contested.node is null or (not contested.is_shared and contested.group_no is not null)

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
