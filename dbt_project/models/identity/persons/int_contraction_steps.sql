-- Grain: one row per round and vertex of broken components that moves in it: where to. Vertices are nodes and their
-- links. One that nothing constrains follows its first link; two that a document or a cannot-link constrains do so once
-- it is the first link of both, and never a link that joins what must stay apart.
with recursive
    links as (select * from {{ ref("int_ordered_links") }}),

    broken_components as (select * from {{ ref("int_broken_components") }}),

    violated_cannot_links as (select * from {{ ref("int_violated_cannot_links") }}),

    -- An edge has two vertices and its order; a mark is a vertex and the document it stands for; a cannot-link is two
    -- vertices, both ways.
    contraction as (
        select
            0 as round,
            'edge' as kind,
            cast(node as hugeint) as vertex,
            cast(link_vertex as hugeint) as target,
            cast(link_order as bigint) as link_order
        from links

        union all

        select 0, 'mark', node, dense_rank() over (order by mark), null
        from broken_components
        where mark is not null

        union all

        select 0, 'cannot_link', node, other_node, null
        from violated_cannot_links

        union all

        (
            with
                constraints as (select kind, vertex, target from contraction where kind in ('mark', 'cannot_link')),

                marks as (select vertex, target from constraints where kind = 'mark'),

                cannot_links as (select vertex, target from constraints where kind = 'cannot_link'),

                constrained as (select distinct vertex from constraints),

                allowed as (
                    select contraction.round, contraction.vertex, contraction.target, contraction.link_order
                    from contraction
                    left join marks as one on contraction.vertex = one.vertex
                    left join marks as other on contraction.target = other.vertex
                    left join
                        cannot_links
                        on contraction.vertex = cannot_links.vertex
                        and contraction.target = cannot_links.target
                    where
                        contraction.kind = 'edge'
                        and coalesce(one.target = other.target, true)
                        and cannot_links.vertex is null
                ),

                firsts as (
                    select
                        vertex,
                        min_by(target, link_order) as target,
                        min(link_order) as link_order,
                        max(round) + 1 as round
                    from
                        (
                            select round, vertex, target, link_order
                            from allowed

                            union all

                            select round, target, vertex, link_order
                            from allowed
                        )
                    group by vertex
                ),

                -- One that nothing constrains moves unless its target comes to it; of two constrained ones, the greater
                -- moves to the smaller.
                parents as (
                    select firsts.round, firsts.vertex, firsts.target as parent
                    from firsts
                    inner join firsts as others on firsts.target = others.vertex
                    left join constrained on firsts.vertex = constrained.vertex
                    left join constrained as constrained_target on firsts.target = constrained_target.vertex
                    where
                        case
                            when constrained.vertex is null
                            then
                                constrained_target.vertex is not null
                                or firsts.link_order <> others.link_order
                                or firsts.vertex > firsts.target
                            else
                                constrained_target.vertex is not null
                                and firsts.link_order = others.link_order
                                and firsts.vertex > firsts.target
                        end
                ),

                moved as (
                    select
                        allowed.round + 1 as round,
                        coalesce(one.parent, allowed.vertex) as vertex,
                        coalesce(other.parent, allowed.target) as target,
                        allowed.link_order
                    from allowed
                    left join parents as one on allowed.vertex = one.vertex
                    left join parents as other on allowed.target = other.vertex
                ),

                next_round as (select max(round) as round from parents)

            select max(round), 'edge', least(vertex, target), greatest(vertex, target), min(link_order)
            from moved
            where vertex <> target
            group by least(vertex, target), greatest(vertex, target)

            union all

            select distinct
                next_round.round,
                constraints.kind,
                coalesce(one.parent, constraints.vertex),
                case
                    when constraints.kind = 'mark'
                    then constraints.target
                    else coalesce(other.parent, constraints.target)
                end,
                cast(null as bigint)
            from constraints
            cross join next_round
            left join parents as one on constraints.vertex = one.vertex
            left join parents as other on constraints.target = other.vertex
            where next_round.round is not null

            union all

            select round, 'step', vertex, parent, null
            from parents
        )
    ),

    final as (select round, vertex, target from contraction where kind = 'step')

select *
from final
