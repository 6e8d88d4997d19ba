-- Grain: one row per real person.
with
    versions as (select * from {{ ref("int_customer_versions") }} where valid_to is null),

    members as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    records as (select * from {{ ref("int_records") }}),

    seen as (
        select
            members.customer_id,
            min(coalesce(records.first_seen_at, cast(records.first_export_date as timestamptz))) as first_seen_at,
            max(coalesce(records.last_seen_at, cast(records.last_export_date as timestamptz))) as last_seen_at
        from members
        inner join records on members.record_no = records.record_no
        group by members.customer_id
    ),

    final as (
        select
            versions.customer_id,
            {% for attribute in first_attributes() %} versions.{{ attribute }}, {% endfor %}
            versions.sources,
            versions.record_count,
            versions.is_deleted,
            {% for attribute in added_attributes() %} versions.{{ attribute }}, {% endfor %}
            seen.first_seen_at,
            seen.last_seen_at
        from versions
        inner join seen on versions.customer_id = seen.customer_id
    )

select *
from final
