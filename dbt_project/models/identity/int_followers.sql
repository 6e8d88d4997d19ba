-- Grain: one row per node that never joins two persons but may join one: deleted records, leads, and records that carry
-- nothing but weak identifiers. It follows the newest holder of an identifier it shares, strong identifiers first.
with
    nodes as (select * from {{ ref("int_nodes") }}),

    holdings as (select * from {{ ref("int_holdings") }}),

    persons as (select * from {{ ref("int_core_persons") }}),

    contested as (select distinct identifier_key from {{ ref("int_contested_holdings") }} where is_shared),

    never_pairs as (
        select node, other_node
        from {{ ref("int_override_pairs") }}
        where rule = 'never'

        union all

        select other_node, node
        from {{ ref("int_override_pairs") }}
        where rule = 'never'
    ),

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
                from never_pairs
                inner join persons as kept_apart on never_pairs.other_node = kept_apart.node
                where never_pairs.node = followers.node and kept_apart.person = persons.person
            )
    ),

    final as (
        select followers.node, candidates.person, candidates.identifier_key
        from followers
        left join candidates on followers.node = candidates.node and candidates.choice = 1
    )

select *
from final
