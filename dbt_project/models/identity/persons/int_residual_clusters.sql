-- Grain: one row per node that no person of standing can be found for: the person it is of. Those that share an
-- identifier are one; a whole cluster follows a node that follows, where they share an identifier.
with
    members as (select * from {{ ref("int_residual_members") }}),

    weak_assignments as (select * from {{ ref("int_weak_assignments") }}),

    nodes as (select * from {{ ref("int_nodes") }}),

    node_identifiers as (select * from {{ ref("int_node_identifiers") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    cannot_links as (select * from {{ ref("int_cannot_link") }}),

    -- Persons that a cluster must not go to, since one of its nodes is kept apart from one of theirs.
    excluded as (
        select members.cluster, coalesce(persons.person, weak_assignments.person) as person
        from members
        inner join cannot_links on members.node = cannot_links.node
        left join persons on cannot_links.other_node = persons.node
        left join weak_assignments on cannot_links.other_node = weak_assignments.node
        group by members.cluster, coalesce(persons.person, weak_assignments.person)
    ),

    followed as (
        select
            members.cluster,
            min_by(weak_assignments.person, row(nodes.first_export_date, weak_assignments.node)) as person
        from members
        inner join node_identifiers as own on members.node = own.node
        inner join node_identifiers as theirs on own.identifier_key = theirs.identifier_key
        inner join weak_assignments on theirs.node = weak_assignments.node
        inner join nodes on weak_assignments.node = nodes.node
        inner join nodes as own_node on members.node = own_node.node
        where
            weak_assignments.person is not null
            and not nodes.is_lead_only
            and {{ evidence_agrees("nodes", "own_node") }}
            and not members.is_kept_apart
            and not exists (
                select 1
                from excluded
                where excluded.cluster = members.cluster and excluded.person = weak_assignments.person
            )
        group by members.cluster
    ),

    final as (
        select members.node, coalesce(followed.person, members.cluster) as person
        from members
        left join followed on members.cluster = followed.cluster
    )

select *
from final
