-- Grain: one row per link of a component that holds two documents or two records kept apart: the part it falls into.
-- Links are taken in order (kind, first seen, record, identifier) and refused where they would join
-- what must stay apart.
-- Done in rounds: who has nothing to lose follows its first link; two who have do so once it is the first link of both.
with recursive
    links as (select * from {{ ref("int_links") }}),

    document_marks as (select * from {{ ref("int_document_marks") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    composite_keys as (select * from {{ ref("int_composite_keys") }}),

    confirmed_keys as (select * from {{ ref("int_confirmed_keys") }}),

    members as (
        select components.component, components.node, document_marks.mark
        from {{ ref("int_components") }} as components
        left join document_marks on components.node = document_marks.node
    ),

    forbidden as (
        select one.component, overrides.node, overrides.other_node
        from {{ ref("int_override_pairs") }} as overrides
        inner join members as one on overrides.node = one.node
        inner join members as other on overrides.other_node = other.node and one.component = other.component
        where overrides.rule = 'never'
    ),

    broken as (
        select component
        from members
        group by component
        having min(mark) <> max(mark)

        union

        select component
        from forbidden
    ),

    broken_links as (
        select
            members.component,
            links.node,
            links.link_key,
            links.identifier_key,
            links.type_rank,
            links.first_seen_at,
            links.decision_order
        from links
        inner join members on links.node = members.node
        where members.component in (select component from broken)
    ),

    -- What a key says, in words, and of which kind or of whom it is: keys are hashes, and another engine or version
    -- of it
    -- would put them in another order.
    link_values as (
        select
            identifier_key, min(id_link_value) as said, min({{ same_content(["id_type", "id_namespace"]) }}) as said_of
        from identifiers
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key

        union all

        select identifier_key, min(rule) as said, cast(min(record_no) as varchar) as said_of
        from composite_keys
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key

        union all

        select
            identifier_key,
            min({{ same_content(["id_type", "id_namespace", "id_value", "proof"]) }}) as said,
            cast(min(record_no) as varchar) as said_of
        from confirmed_keys
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key
    ),

    numbered as (
        select
            broken_links.component,
            broken_links.node,
            broken_links.link_key,
            broken_links.identifier_key,
            - dense_rank() over (order by broken_links.link_key) as link_vertex,
            row_number() over (
                order by
                    broken_links.type_rank,
                    broken_links.first_seen_at nulls last,
                    broken_links.node,
                    coalesce(broken_links.decision_order, link_values.said),
                    link_values.said_of,
                    broken_links.identifier_key
            ) as link_order
        from broken_links
        left join link_values on broken_links.identifier_key = link_values.identifier_key
    ),

    -- An edge has two vertices and its order; a mark is a vertex and the document it stands for; a ban is two vertices.
    contraction as (
        select
            0 as round,
            'edge' as kind,
            cast(node as hugeint) as vertex,
            cast(link_vertex as hugeint) as target,
            cast(link_order as bigint) as link_order
        from numbered

        union all

        select 0, 'mark', members.node, dense_rank() over (order by members.mark), null
        from members
        where members.mark is not null and members.component in (select component from broken)

        union all

        select 0, 'ban', node, other_node, null
        from forbidden

        union all

        (
            with
                marks as (select vertex, target from contraction where kind = 'mark'),

                bans as (
                    select vertex, target
                    from contraction
                    where kind = 'ban'

                    union all

                    select target, vertex
                    from contraction
                    where kind = 'ban'
                ),

                bound as (
                    select vertex
                    from marks

                    union

                    select vertex
                    from bans
                ),

                allowed as (
                    select contraction.round, contraction.vertex, contraction.target, contraction.link_order
                    from contraction
                    left join marks as one on contraction.vertex = one.vertex
                    left join marks as other on contraction.target = other.vertex
                    left join bans on contraction.vertex = bans.vertex and contraction.target = bans.target
                    where
                        contraction.kind = 'edge' and coalesce(one.target = other.target, true) and bans.vertex is null
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

                -- A free vertex moves unless its target comes to it; of two bound ones, the greater moves to the
                -- smaller.
                parents as (
                    select firsts.round, firsts.vertex, firsts.target as parent
                    from firsts
                    inner join firsts as others on firsts.target = others.vertex
                    left join bound on firsts.vertex = bound.vertex
                    left join bound as bound_target on firsts.target = bound_target.vertex
                    where
                        case
                            when bound.vertex is null
                            then
                                bound_target.vertex is not null
                                or firsts.link_order <> others.link_order
                                or firsts.vertex > firsts.target
                            else
                                bound_target.vertex is not null
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
                )

            select max(round), 'edge', least(vertex, target), greatest(vertex, target), min(link_order)
            from moved
            where vertex <> target
            group by least(vertex, target), greatest(vertex, target)

            union all

            select distinct
                parents_round.round, 'mark', coalesce(parents.parent, marks.vertex), marks.target, cast(null as bigint)
            from marks
            cross join (select max(round) as round from parents) as parents_round
            left join parents on marks.vertex = parents.vertex
            where parents_round.round is not null

            union all

            select distinct
                parents_round.round,
                'ban',
                coalesce(one.parent, bans.vertex),
                coalesce(other.parent, bans.target),
                cast(null as bigint)
            from bans
            cross join (select max(round) as round from parents) as parents_round
            left join parents as one on bans.vertex = one.vertex
            left join parents as other on bans.target = other.vertex
            where parents_round.round is not null and bans.vertex < bans.target

            union all

            select round, 'step', vertex, parent, null
            from parents
        )
    ),

    {{ composed_steps("contraction", "kind = 'step'") }},

    placed as (
        select
            numbered.component,
            numbered.node,
            numbered.link_key,
            numbered.identifier_key,
            coalesce(node_parts.component, numbered.node) as node_part,
            coalesce(link_parts.component, numbered.link_vertex) as link_part
        from numbered
        left join components as node_parts on numbered.node = node_parts.vertex
        left join components as link_parts on numbered.link_vertex = link_parts.vertex
    ),

    final as (
        select
            component,
            node,
            min(node) over (partition by node_part) as person,
            link_key,
            identifier_key,
            node_part <> link_part as is_refused
        from placed
    )

select *
from final
