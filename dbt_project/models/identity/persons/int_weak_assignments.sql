-- Grain: one row per node that never joins two persons but may join one: deleted records, leads, and records that carry
-- nothing but weak identifiers. It follows the newest holder, as of its own first export date, of an identifier it
-- shares, strong identifiers first; where nobody held it yet, the first who did. So nobody who comes later takes a
-- follower, or the id that it gave.
with
    nodes as (select * from {{ ref("int_nodes") }}),

    holdings as (select * from {{ ref("int_node_identifiers") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    contested as (select distinct identifier_key from {{ ref("int_conflicting_identifiers") }} where is_shared),

    kept_apart as (select * from {{ ref("int_cannot_link") }}),

    followers as (
        select nodes.node, nodes.first_name_key, nodes.naming, nodes.document, nodes.birth_date, nodes.first_export_date
        from nodes
        where not exists (select 1 from persons where persons.node = nodes.node)
    ),

    followed_keys as (
        select holdings.node, holdings.identifier_key, holdings.type_rank, holdings.is_weak
        from holdings
        inner join followers on holdings.node = followers.node
        where not exists (select 1 from contested where contested.identifier_key = holdings.identifier_key)
    ),

    one_person_keys as (
        select holdings.identifier_key, min(persons.person) = max(persons.person) as is_one_person
        from holdings
        inner join persons on holdings.node = persons.node
        where holdings.identifier_key in (select identifier_key from followed_keys)
        group by holdings.identifier_key
    ),

    -- One holder of a key speaks for all who came on one export date and say the same of themselves.
    owners as (
        select
            holdings.identifier_key,
            nodes.first_export_date,
            nodes.first_name_key,
            nodes.naming,
            nodes.document,
            nodes.birth_date,
            min(holdings.node) as node
        from holdings
        inner join persons on holdings.node = persons.node
        inner join nodes on holdings.node = nodes.node
        where holdings.identifier_key in (select identifier_key from followed_keys)
        group by
            holdings.identifier_key,
            nodes.first_export_date,
            nodes.first_name_key,
            nodes.naming,
            nodes.document,
            nodes.birth_date
    ),

    owned_keys as (
        select followed_keys.*, owners.node as owner_node, owners.first_export_date
        from followed_keys
        inner join followers on followed_keys.node = followers.node
        inner join owners on followed_keys.identifier_key = owners.identifier_key
        where {{ evidence_agrees("followers", "owners") }}
        qualify
            row_number() over (
                partition by followed_keys.node, followed_keys.identifier_key
                order by
                    owners.first_export_date > followers.first_export_date,
                    case
                        when owners.first_export_date <= followers.first_export_date then owners.first_export_date
                    end desc nulls last,
                    owners.first_export_date,
                    owners.node
            )
            = 1
    ),

    candidates as (
        select
            followers.node,
            persons.person,
            owned_keys.identifier_key,
            owned_keys.type_rank,
            row_number() over (
                partition by followers.node
                order by
                    owned_keys.type_rank,
                    owned_keys.first_export_date > followers.first_export_date,
                    case
                        when owned_keys.first_export_date <= followers.first_export_date
                        then owned_keys.first_export_date
                    end desc nulls last,
                    owned_keys.first_export_date,
                    persons.person,
                    owned_keys.identifier_key
            ) as choice
        from followers
        inner join owned_keys on followers.node = owned_keys.node
        inner join one_person_keys on owned_keys.identifier_key = one_person_keys.identifier_key
        inner join persons on owned_keys.owner_node = persons.node
        where
            (owned_keys.is_weak or one_person_keys.is_one_person)
            and not exists (
                select 1
                from kept_apart
                inner join persons as others on kept_apart.other_node = others.node
                where kept_apart.node = followers.node and others.person = persons.person
            )
    ),

    chosen as (select node, person, identifier_key, type_rank from candidates where choice = 1),

    -- Of two that are kept apart and would follow one person, only the first does.
    superseded as (
        select chosen.node
        from chosen
        inner join kept_apart on chosen.node = kept_apart.node
        inner join chosen as others on kept_apart.other_node = others.node and chosen.person = others.person
        where others.type_rank < chosen.type_rank or (others.type_rank = chosen.type_rank and others.node < chosen.node)
        group by chosen.node
    ),

    final as (
        select followers.node, chosen.person, chosen.identifier_key
        from followers
        left join
            chosen
            on followers.node = chosen.node
            and not exists (select 1 from superseded where superseded.node = chosen.node)
    )

select *
from final
