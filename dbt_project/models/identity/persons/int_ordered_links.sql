-- Grain: one row per node of a broken component and link that it hangs on: its place in the order in which links are
-- taken (kind, first seen, record, identifier).
with
    links as (select * from {{ ref("int_links") }}),

    broken_components as (select * from {{ ref("int_broken_components") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    composite_keys as (select * from {{ ref("int_composite_keys") }}),

    confirmed_keys as (select * from {{ ref("int_confirmed_keys") }}),

    broken_links as (
        select
            broken_components.component,
            links.node,
            links.link_key,
            links.identifier_key,
            links.type_rank,
            links.first_seen_at,
            links.decision_order
        from links
        inner join broken_components on links.node = broken_components.node
    ),

    -- What a key says, in words, and of which kind or of whom it is: keys are hashes, and another engine or version of
    -- it would put them in another order.
    link_values as (
        select
            identifier_key,
            min(id_link_value) as link_value,
            min({{ same_content(["id_type", "id_namespace"]) }}) as link_scope
        from identifiers
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key

        union all

        select identifier_key, min(rule) as link_value, cast(min(record_no) as varchar) as link_scope
        from composite_keys
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key

        union all

        select
            identifier_key,
            min({{ same_content(["id_type", "id_namespace", "id_value", "proof"]) }}) as link_value,
            cast(min(record_no) as varchar) as link_scope
        from confirmed_keys
        where identifier_key in (select identifier_key from broken_links)
        group by identifier_key
    ),

    final as (
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
                    coalesce(broken_links.decision_order, link_values.link_value),
                    link_values.link_scope,
                    broken_links.identifier_key
            ) as link_order
        from broken_links
        left join link_values on broken_links.identifier_key = link_values.identifier_key
    )

select *
from final
