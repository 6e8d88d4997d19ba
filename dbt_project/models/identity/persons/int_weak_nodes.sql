-- Grain: one row per node that never joins two persons but may join one: deleted records, leads, and records that carry
-- nothing but weak identifiers.
with
    nodes as (select * from {{ ref("int_nodes") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    final as (select nodes.* from nodes where not exists (select 1 from persons where persons.node = nodes.node))

select *
from final
