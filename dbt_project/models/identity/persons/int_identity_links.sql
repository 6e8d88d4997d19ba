-- Grain: one row per record and link that it hangs on, by numbers; `identity_links` says who the records are, and
-- leaves
-- out those that are nobody's.
with
    links as (select * from {{ ref("int_links") }}),

    repairs as (select node, link_key from {{ ref("int_cluster_splits") }} where is_refused group by node, link_key),

    identifiers as not materialized(
        select * from {{ ref("int_record_identifiers") }} where unusable_reason is null and is_current
    ),

    composite_keys as (select * from {{ ref("int_composite_keys") }}),

    confirmed_keys as (select * from {{ ref("int_confirmed_keys") }}),

    belongings as (select * from {{ ref("int_contact_records") }}),

    decisions as (select * from {{ ref("int_override_pairs") }} where rule = 'always'),

    contested as (select identifier_key from {{ ref("int_conflicting_identifiers") }} group by identifier_key),

    followers as (select node, identifier_key from {{ ref("int_weak_assignments") }} where person is not null),

    persons as not materialized(
        select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only
    ),

    node_links as (
        select links.node, links.identifier_key, links.link_key, repairs.node is not null as is_refused
        from links
        left join repairs on links.node = repairs.node and links.link_key = repairs.link_key
        where links.type_rank > 0
    ),

    linking_keys as (select identifier_key from node_links group by identifier_key),

    carried as (
        select
            record_no,
            identifier_key,
            'identifier' as rule,
            cast(null as varchar) as rule_detail,
            id_type,
            id_namespace,
            min(id_value) as id_value
        from identifiers
        where not is_weak and identifier_key in (select identifier_key from linking_keys)
        group by record_no, identifier_key, id_type, id_namespace

        union all

        select record_no, identifier_key, 'composite_key', rule, null, null, null
        from composite_keys
        where identifier_key in (select identifier_key from linking_keys)

        union all

        select
            record_no,
            identifier_key,
            'superseded_identifier',
            concat('full_name, ', proof_type),
            id_type,
            id_namespace,
            id_value
        from confirmed_keys
        where identifier_key in (select identifier_key from linking_keys)
    ),

    linked as (
        select
            carried.record_no,
            carried.rule,
            carried.rule_detail,
            carried.id_type,
            carried.id_namespace,
            carried.id_value,
            node_links.link_key,
            node_links.is_refused
        from carried
        left join belongings on carried.record_no = belongings.contact_no
        inner join
            node_links
            on coalesce(belongings.record_no, carried.record_no) = node_links.node
            and carried.identifier_key = node_links.identifier_key
    ),

    belonging_keys as (
        select
            belongings.contact_no,
            belongings.record_no,
            belongings.belongs_by,
            min_by(own.identifier_key, row(own.id_type, own.id_namespace, own.id_value)) as identifier_key
        from belongings
        inner join identifiers as own on belongings.contact_no = own.record_no
        inner join
            identifiers as theirs
            on belongings.record_no = theirs.record_no
            and own.identifier_key = theirs.identifier_key
        where
            belongings.belongs_by = 'only_record'
            or own.id_type in ('profile_id', 'contact_id', 'customer_id', 'external_id')
        group by belongings.contact_no, belongings.record_no, belongings.belongs_by
    ),

    belonging_ends as (
        select record_no, record_no as end_no, identifier_key, belongs_by
        from belonging_keys
        group by record_no, identifier_key, belongs_by

        union all

        select record_no, contact_no as end_no, identifier_key, belongs_by
        from belonging_keys
    ),

    belonging as (
        select
            belonging_ends.end_no as record_no,
            'belongs' as rule,
            belonging_ends.belongs_by as rule_detail,
            identifiers.id_type,
            identifiers.id_namespace,
            min(identifiers.id_value) as id_value,
            {{ run_hash(["'belongs'", "belonging_ends.record_no", "belonging_ends.identifier_key"]) }} as link_key,
            false as is_refused
        from belonging_ends
        inner join
            identifiers
            on belonging_ends.end_no = identifiers.record_no
            and belonging_ends.identifier_key = identifiers.identifier_key
        group by
            belonging_ends.end_no,
            belonging_ends.record_no,
            belonging_ends.identifier_key,
            belonging_ends.belongs_by,
            identifiers.id_type,
            identifiers.id_namespace
    ),

    -- A contested key joins nobody by itself, but one may follow by it once its holders are one person.
    followed_keys as (
        select persons.customer_id, identifiers.identifier_key
        from persons
        inner join identifiers on persons.record_no = identifiers.record_no
        where
            persons.joined_by = 'following'
            and (
                identifiers.identifier_key not in (select identifier_key from contested)
                or (persons.record_no, identifiers.identifier_key) in (select (node, identifier_key) from followers)
            )
        group by persons.customer_id, identifiers.identifier_key
    ),

    following as (
        select
            identifiers.record_no,
            'follows' as rule,
            cast(null as varchar) as rule_detail,
            identifiers.id_type,
            identifiers.id_namespace,
            min(identifiers.id_value) as id_value,
            {{ run_hash(["'follows'", "persons.customer_id", "identifiers.identifier_key"]) }} as link_key,
            false as is_refused
        from followed_keys
        inner join identifiers on followed_keys.identifier_key = identifiers.identifier_key
        inner join
            persons on identifiers.record_no = persons.record_no and followed_keys.customer_id = persons.customer_id
        group by
            identifiers.record_no,
            persons.customer_id,
            identifiers.identifier_key,
            identifiers.id_type,
            identifiers.id_namespace
        qualify count(*) over (partition by persons.customer_id, identifiers.identifier_key) > 1
    ),

    decided as (
        select
            node as record_no,
            'always' as rule,
            decision as rule_detail,
            cast(null as varchar) as id_type,
            cast(null as varchar) as id_namespace,
            cast(null as varchar) as id_value,
            {{ run_hash(["'always'", "node", "other_node"]) }} as link_key,
            false as is_refused
        from decisions

        union all

        select
            other_node, 'always', decision, null, null, null, {{ run_hash(["'always'", "node", "other_node"]) }}, false
        from decisions
    ),

    proofs as (
        select *
        from linked

        union all

        select *
        from belonging

        union all

        select *
        from following

        union all

        select *
        from decided
    ),

    -- What a link is called follows from its first record and its value, so that it is the same in every run. Named
    -- before its records are looked up, or every record's link would be hashed.
    link_names as materialized(
        select
            proofs.link_key,
            {{
                stable_key(
                    [
                        "min(proofs.rule)",
                        "min(proofs.rule_detail)",
                        "min(proofs.id_type)",
                        "min(proofs.id_namespace)",
                        "max(coalesce(proofs.id_value, persons.alias_id))",
                        "min(persons.alias_id)",
                    ]
                )
            }} as link_id
        from proofs
        inner join persons on proofs.record_no = persons.record_no
        group by proofs.link_key
        having min(proofs.record_no) < max(proofs.record_no)
    ),

    final as (
        select
            proofs.record_no,
            link_names.link_id,
            proofs.rule,
            proofs.rule_detail,
            proofs.id_type,
            proofs.id_namespace,
            proofs.id_value,
            proofs.is_refused
        from proofs
        inner join link_names on proofs.link_key = link_names.link_key
    )

select *
from final
