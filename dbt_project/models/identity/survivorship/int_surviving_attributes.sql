-- Grain: one row per customer and date on which one of its records changed: each attribute, and the record it is from.
-- Names survive together, and so do city, state and postal code.
{% set fillable = ["first_name", "last_name"] + place_attributes() %}
with
    versions as (select * from {{ ref("int_ranked_versions") }}),

    changes as (select person_no, valid_from as change_date from versions group by person_no, valid_from),

    final as (
        select
            changes.person_no,
            changes.change_date,
            {% for attribute in single_attributes() -%}
                min_by(versions.{{ attribute }}, versions.{{ attribute }}_rank) filter (
                    where versions.{{ attribute }} is not null
                ) as {{ attribute }},
                min_by(versions.record_no, versions.{{ attribute }}_rank) filter (
                    where versions.{{ attribute }} is not null
                ) as {{ attribute }}_record_no,
            {% endfor -%}
            min_by(versions.name, versions.name_rank) filter (where versions.full_name is not null) as name,
            min_by(versions.place, versions.place_rank) filter (
                where coalesce(versions.city, versions.postal_code, versions.state) is not null
            ) as place,
            {% for attribute in fillable -%}
                bool_or(versions.{{ attribute }} is not null) as has_{{ attribute }},
            {% endfor -%}
            {{ sorted_set("versions.source") }} as sources,
            count(*) filter (where not versions.is_belonging) as record_count,
            coalesce(bool_and(versions.is_deleted) filter (where not versions.is_belonging), false) as is_deleted,
            min(versions.known_from) as first_seen_at,
            max(versions.known_until) as last_seen_at
        from changes
        inner join
            versions
            on changes.person_no = versions.person_no
            and changes.change_date >= versions.valid_from
            and (changes.change_date < versions.valid_to or versions.valid_to is null)
        group by changes.person_no, changes.change_date
    )

select *
from final
