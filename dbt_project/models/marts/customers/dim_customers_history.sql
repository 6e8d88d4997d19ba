-- Grain: one row per customer and period in which its attributes did not change; the customer is today's person
-- throughout.
with
    versions as (select * from {{ ref("int_customer_versions") }}),

    final as (
        select
            customer_id,
            {% for attribute in first_attributes() %} {{ attribute }}, {% endfor %}
            sources,
            record_count,
            is_deleted,
            valid_to is null as is_current,
            {% for attribute in added_attributes() %} {{ attribute }}, {% endfor %}
            valid_from,
            valid_to,
            first_seen_at,
            last_seen_at
        from versions
    )

select *
from final
