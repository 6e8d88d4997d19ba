-- Grain: one row per node that never joins two persons but may join one: deleted records, leads, and records that carry
-- nothing but weak identifiers. It follows the newest holder, as of its own first export date, of an identifier it
-- shares, strong identifiers first; where nobody held it yet, the first who did. So nobody who comes later takes a
-- follower, or the id that it gave.
with
    weak_nodes as (select * from {{ ref("int_weak_nodes") }}),

    followed_holders as (select * from {{ ref("int_followed_holders") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    cannot_links as (select * from {{ ref("int_cannot_link") }}),

    candidates as (
        select
            weak_nodes.node,
            persons.person,
            followed_holders.identifier_key,
            followed_holders.type_rank,
            row_number() over (
                partition by weak_nodes.node
                order by
                    followed_holders.type_rank,
                    {{ newest_before("followed_holders", "weak_nodes") }},
                    persons.person,
                    followed_holders.identifier_key
            ) as choice
        from weak_nodes
        inner join followed_holders on weak_nodes.node = followed_holders.node
        inner join persons on followed_holders.holder_node = persons.node
        where
            not exists (
                select 1
                from cannot_links
                inner join persons as others on cannot_links.other_node = others.node
                where cannot_links.node = weak_nodes.node and others.person = persons.person
            )
    ),

    chosen as (select node, person, identifier_key, type_rank from candidates where choice = 1),

    -- Of two that are kept apart and would follow one person, only the first does.
    superseded as (
        select chosen.node
        from chosen
        inner join cannot_links on chosen.node = cannot_links.node
        inner join chosen as others on cannot_links.other_node = others.node and chosen.person = others.person
        where others.type_rank < chosen.type_rank or (others.type_rank = chosen.type_rank and others.node < chosen.node)
        group by chosen.node
    ),

    final as (
        select weak_nodes.node, chosen.person, chosen.identifier_key
        from weak_nodes
        left join
            chosen
            on weak_nodes.node = chosen.node
            and not exists (select 1 from superseded where superseded.node = chosen.node)
    )

select *
from final
