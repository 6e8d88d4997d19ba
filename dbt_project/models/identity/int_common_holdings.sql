-- Grain: one row per node and strong key that at least two nodes hold, with what the node knows of its person that may speak against it.
with
    holdings as (select * from {{ ref("int_holdings") }} where is_core and not is_weak),

    nodes as (select * from {{ ref("int_nodes") }}),

    common_keys as (select identifier_key from holdings group by identifier_key having count(*) > 1),

    final as (
        select
            holdings.node,
            holdings.identifier_key,
            holdings.type_rank,
            case when not holdings.ignores_first_name then nodes.first_name_key end as first_name_key,
            nodes.document,
            case when not holdings.ignores_birth_date then nodes.birth_date end as birth_date,
            holdings.first_seen_at
        from holdings
        inner join common_keys on holdings.identifier_key = common_keys.identifier_key
        inner join nodes on holdings.node = nodes.node
    )

select *
from final
