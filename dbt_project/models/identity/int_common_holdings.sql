-- Grain: one row per node and strong key that at least two nodes hold, with what the node knows of its person.
with
    holdings as (select * from {{ ref("int_holdings") }} where is_core and not is_weak),

    nodes as (select * from {{ ref("int_nodes") }}),

    common_keys as (select identifier_key from holdings group by identifier_key having count(*) > 1),

    final as (
        select holdings.node, holdings.identifier_key, holdings.type_rank, nodes.first_name_key, nodes.document, nodes.birth_date, holdings.first_seen_at
        from holdings
        inner join common_keys on holdings.identifier_key = common_keys.identifier_key
        inner join nodes on holdings.node = nodes.node
    )

select *
from final
