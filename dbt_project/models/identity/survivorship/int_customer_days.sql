-- Grain: one row per customer and date on which one of its records changed: all attributes, with what the chosen name
-- and
-- place lack filled, and the country of the place where that names one. With its records gone, what orders and events
-- carried for them says nothing either.
{% set places = place_attributes() %}
with
    surviving as (select * from {{ ref("int_surviving_attributes") }}),

    filled as (select * from {{ ref("int_filled_attributes") }}),

    merged as (
        select
            surviving.person_no,
            surviving.change_date,
            surviving.sources,
            surviving.record_count,
            surviving.is_deleted,
            surviving.first_seen_at,
            surviving.last_seen_at,
            {% for attribute in single_attributes() if attribute != "country" -%}
                surviving.{{ attribute }}, surviving.{{ attribute }}_record_no,
            {% endfor -%}
            {% for attribute in ["first_name", "last_name"] -%}
                coalesce(name.{{ attribute }}, {{ attribute }}_filled.{{ attribute }}) as {{ attribute }},
                case
                    when name.{{ attribute }} is not null then name.record_no else {{ attribute }}_filled.record_no
                end as {{ attribute }}_record_no,
            {% endfor -%}
            case
                when
                    name.first_name is null
                    and first_name_filled.first_name is not null
                    and name.full_name = name.last_name
                then concat(first_name_filled.first_name, ' ', name.last_name)
                else name.full_name
            end as full_name,
            name.record_no as full_name_record_no,
            {% for attribute in places -%}
                coalesce(place.{{ attribute }}, {{ attribute }}_filled.{{ attribute }}) as {{ attribute }},
                case
                    when place.{{ attribute }} is not null
                    then place.record_no
                    when {{ attribute }}_filled.{{ attribute }} is not null
                    then {{ attribute }}_filled.record_no
                end as {{ attribute }}_record_no,
            {% endfor -%}
            coalesce(place.country, surviving.country) as country,
            case
                when place.country is not null then place.record_no else surviving.country_record_no
            end as country_record_no
        from surviving
        left join filled on surviving.person_no = filled.person_no and surviving.change_date = filled.change_date
    ),

    final as (
        select
            merged.* replace (
                {% for attribute in surviving_attributes() -%}
                    case when not is_deleted then {{ attribute }} end as {{ attribute }},
                    case
                        when not is_deleted then {{ attribute }}_record_no
                    end as {{ attribute }}_record_no {{- "," if not loop.last }}
                {% endfor %}
            )
        from merged
    )

select *
from final
