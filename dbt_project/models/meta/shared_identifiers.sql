-- Grain: one row per identifier that too many different people carry, with what it would have joined.
with
    conflicting as (select * from {{ ref("int_conflicting_identifiers") }} where is_shared),

    standings as (select * from {{ ref("int_identifier_standing") }}),

    keys as (
        select identifier_key, max(holder_count) as holder_count, max(group_count) as group_count
        from conflicting
        group by identifier_key
    ),

    final as (
        select
            standings.id_type as identifier_type,
            standings.id_namespace as identifier_namespace,
            min(standings.id_value) as identifier_value,
            {{ sorted_set("standings.source") }} as sources,
            max(keys.group_count) as people_count,
            count(distinct standings.customer_id) as would_have_merged_customers,
            max(keys.holder_count) as would_have_merged_records,
            min(standings.first_seen_at) as first_seen_at,
            max(standings.last_seen_at) as last_seen_at
        from keys
        inner join standings on keys.identifier_key = standings.identifier_key
        group by keys.identifier_key, standings.id_type, standings.id_namespace
    )

select *
from final
