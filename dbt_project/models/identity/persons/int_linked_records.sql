-- Grain: one row per record and value that it carries of a link of its node: an identifier, a composite key, or a
-- superseded identifier.
with
    links as (select * from {{ ref("int_links") }} where type_rank > 0),

    refused as (select node, link_key from {{ ref("int_cluster_splits") }} where is_refused group by node, link_key),

    identifiers as (
        select * from {{ ref("int_record_identifiers") }} where unusable_reason is null and is_current and not is_weak
    ),

    composite_keys as (select * from {{ ref("int_composite_keys") }}),

    confirmed_keys as (select * from {{ ref("int_confirmed_keys") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    linking_keys as (select identifier_key from links group by identifier_key),

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
        where identifier_key in (select identifier_key from linking_keys)
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

    final as (
        select
            carried.record_no,
            carried.rule,
            carried.rule_detail,
            carried.id_type,
            carried.id_namespace,
            carried.id_value,
            links.link_key,
            refused.node is not null as is_refused
        from carried
        left join contact_records on carried.record_no = contact_records.contact_no
        inner join
            links
            on coalesce(contact_records.record_no, carried.record_no) = links.node
            and carried.identifier_key = links.identifier_key
        left join refused on links.node = refused.node and links.link_key = refused.link_key
    )

select *
from final
