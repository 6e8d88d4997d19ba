-- Grain: one row per node that never joins two persons but may join one: deleted records, leads, and records that carry
-- nothing but weak identifiers. It follows the newest holder of an identifier it shares, strong identifiers first.
with
    nodes as (select * from {{ ref("int_nodes") }}),

    holdings as (select * from {{ ref("int_holdings") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    contested as (select distinct identifier_key from {{ ref("int_contested_holdings") }} where is_shared),

    kept_apart as (select * from {{ ref("int_kept_apart") }}),

    followers as (
        select nodes.node, nodes.first_name_key, nodes.document, nodes.birth_date
        from nodes
        where not exists (select 1 from persons where persons.node = nodes.node)
    ),

    followed_keys as (
        select holdings.node, holdings.identifier_key, holdings.type_rank, holdings.is_weak
        from holdings
        inner join followers on holdings.node = followers.node
        where not exists (select 1 from contested where contested.identifier_key = holdings.identifier_key)
    ),

    owners as (
        select
            holdings.identifier_key,
            max_by(holdings.node, concat(cast(nodes.last_export_date as varchar), lpad(cast(holdings.node as varchar), 20, '0'))) as node,
            max(nodes.last_export_date) as last_export_date,
            min(persons.person) = max(persons.person) as is_one_person
        from holdings
        inner join persons on holdings.node = persons.node
        inner join nodes on holdings.node = nodes.node
        where holdings.identifier_key in (select identifier_key from followed_keys)
        group by holdings.identifier_key
    ),

    candidates as (
        select
            followers.node,
            persons.person,
            followed_keys.identifier_key,
            followed_keys.type_rank,
            row_number() over (
                partition by followers.node order by followed_keys.type_rank, owners.last_export_date desc, persons.person, followed_keys.identifier_key
            ) as choice
        from followers
        inner join followed_keys on followers.node = followed_keys.node
        inner join owners on followed_keys.identifier_key = owners.identifier_key
        inner join persons on owners.node = persons.node
        inner join nodes as owner on owners.node = owner.node
        where
            (followed_keys.is_weak or owners.is_one_person)
            and {{ evidence_agrees("followers", "owner") }}
            and not exists (
                select 1
                from kept_apart
                inner join persons as others on kept_apart.other_node = others.node
                where kept_apart.node = followers.node and others.person = persons.person
            )
    ),

    chosen as (select node, person, identifier_key, type_rank from candidates where choice = 1),

    -- Of two that are kept apart and would follow one person, only the first does.
    outdone as (
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
        left join chosen on followers.node = chosen.node and not exists (select 1 from outdone where outdone.node = chosen.node)
    )

select *
from final
