-- Grain: one row per node that no person of standing can be found for: those that share an identifier are one person.
-- Who is kept apart from another of them stands alone, since others could link the two.
with recursive
    followers as (select * from {{ ref("int_weak_assignments") }}),

    nodes as (select * from {{ ref("int_nodes") }}),

    holdings as (select * from {{ ref("int_node_identifiers") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    kept_apart as (select * from {{ ref("int_cannot_link") }}),

    leftovers as (
        select followers.node, nodes.first_name_key, nodes.document, nodes.birth_date
        from followers
        inner join nodes on followers.node = nodes.node
        where followers.person is null and not nodes.is_lead_only
    ),

    loners as (
        select leftovers.node
        from leftovers
        inner join kept_apart on leftovers.node = kept_apart.node
        inner join leftovers as others on kept_apart.other_node = others.node
        group by leftovers.node
    ),

    held as (
        select
            leftovers.node, holdings.identifier_key, leftovers.first_name_key, leftovers.document, leftovers.birth_date
        from leftovers
        inner join holdings on leftovers.node = holdings.node
        where not exists (select 1 from loners where loners.node = leftovers.node)
    ),

    agreed as (
        select identifier_key, min(node) as lesser
        from held
        group by identifier_key
        having
            count(*) > 1
            and coalesce(min(first_name_key) = max(first_name_key), true)
            and coalesce(min(document) = max(document), true)
            and coalesce(min(birth_date) = max(birth_date), true)
    ),

    edges as (
        select distinct held.node as greater, agreed.lesser
        from held
        inner join agreed on held.identifier_key = agreed.identifier_key
        where held.node <> agreed.lesser
    ),

    {{ connected_components("edges") }},

    clusters as (
        select leftovers.node, coalesce(components.component, leftovers.node) as person
        from leftovers
        left join components on leftovers.node = components.vertex
    ),

    -- Persons that a cluster must not go to, since one of its nodes is kept apart from one of theirs.
    excluded as (
        select clusters.person, coalesce(persons.person, followers.person) as barred_person
        from clusters
        inner join kept_apart on clusters.node = kept_apart.node
        left join persons on kept_apart.other_node = persons.node
        left join followers on kept_apart.other_node = followers.node
        group by clusters.person, coalesce(persons.person, followers.person)
    ),

    -- A whole cluster follows a node that follows, where they share an identifier.
    followed as (
        select
            clusters.person, min_by(followers.person, row(nodes.first_export_date, followers.node)) as followed_person
        from clusters
        inner join holdings as own on clusters.node = own.node
        inner join holdings as theirs on own.identifier_key = theirs.identifier_key
        inner join followers on theirs.node = followers.node
        inner join nodes on followers.node = nodes.node
        inner join nodes as own_node on clusters.node = own_node.node
        where
            followers.person is not null
            and not nodes.is_lead_only
            and {{ evidence_agrees("nodes", "own_node") }}
            and not exists (select 1 from loners where loners.node = clusters.node)
            and not exists (
                select 1
                from excluded
                where excluded.person = clusters.person and excluded.barred_person = followers.person
            )
        group by clusters.person
    ),

    final as (
        select clusters.node, coalesce(followed.followed_person, clusters.person) as person
        from clusters
        left join followed on clusters.person = followed.person
    )

select *
from final
