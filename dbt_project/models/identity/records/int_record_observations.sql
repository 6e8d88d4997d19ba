-- Grain: one row per record and export date, with what the newest observation of that date says of the person. Most
-- records are observed once (`is_only`): they are not put in order, here and later.
with
    customers as not materialized(select * from {{ source("staging", "customers") }}),

    contacts as not materialized(
        select * from {{ source("staging", "contacts") }} where not coalesce(is_lead_only, false)
    ),

    placeholders as (select * from {{ ref("name_placeholders") }}),

    {{ nameless(["customers", "contacts"]) }},

    {% for relation, changed_at in [("customers", "source_updated_at"), ("contacts", "seen_at")] -%}
        repeated_{{ relation }} as (select alias_id from {{ relation }} group by alias_id having count(*) > 1),

        newest_{{ relation }} as (
            select *, false as is_only
            from {{ relation }}
            where alias_id in (select alias_id from repeated_{{ relation }})
            qualify
                row_number() over (
                    partition by alias_id, export_date order by {{ newest_first(changed_at=changed_at) }}
                )
                = 1

            union all

            select *, true as is_only
            from {{ relation }}
            where alias_id not in (select alias_id from repeated_{{ relation }})
        ),

    {% endfor -%}
    final as (
        select
            alias_id,
            export_date,
            is_only,
            coalesce(source_updated_at, extracted_at) as changed_at,
            source_updated_at,
            source_file,
            source_row,
            record_hash as content,
            coalesce(is_deleted, false) as is_deleted,
            {{ person_attributes() }},
            least(first_seen_at, created_at, acquired_at) as first_seen_at,
            greatest(last_seen_at, source_updated_at) as last_seen_at
        from {{ with_nameless("newest_customers") }}

        union all

        select
            alias_id,
            export_date,
            is_only,
            coalesce(seen_at, extracted_at) as changed_at,
            null as source_updated_at,
            source_file,
            source_row,
            {{ same_content(attribute_columns()) }} as content,
            false as is_deleted,
            {{ person_attributes() }},
            coalesce(first_seen_at, seen_at) as first_seen_at,
            seen_at as last_seen_at
        from {{ with_nameless("newest_contacts") }}
    )

select *
from final
