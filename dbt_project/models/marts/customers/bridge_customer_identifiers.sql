-- Grain: one row per customer and identifier.
with
    standings as (select * from {{ ref("int_identifier_standing") }}),

    final as (
        select
            customer_id,
            id_type as identifier_type,
            id_namespace as identifier_namespace,
            id_value as identifier_value,
            case when bool_and(not_linking_reason is not null) then min(not_linking_reason) end as not_linking_reason,
            {{ sorted_set("source") }} as sources,
            count(*) as record_count,
            bool_or(not_linking_reason is null) as is_linking,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from standings
        group by customer_id, id_type, id_namespace, id_value
    )

select *
from final
