-- Grain: one row per customer and date on which the name or place that survives lacks a part that another record has:
-- the first record that has it and agrees with the rest. Same last or whole name; same city, or same postal code.
{# Which of the chosen lacks the part, and which of the others agrees with it. #}
{% set fillings = {
    "first_name": (
        "name",
        "versions.full_name is not null and (lower(versions.last_name) = lower(lacking.name.last_name) or"
        " lower(versions.full_name) = lower(lacking.name.full_name))",
    ),
    "last_name": ("name", "lower(versions.full_name) = lower(lacking.name.full_name)"),
    "city": (
        "place",
        "versions.postal_code = lacking.place.postal_code and coalesce(versions.country= lacking.place.country, true)",
    ),
    "state": (
        "place",
        "coalesce(lower(versions.city) = lower(lacking.place.city), versions.postal_code = lacking.place.postal_code,"
        " false) and coalesce(versions.country= lacking.place.country, true)",
    ),
    "postal_code": (
        "place",
        "lower(versions.city) = lower(lacking.place.city) and coalesce(versions.state = lacking.place.state, true) and"
        " coalesce(versions.country= lacking.place.country, true)",
    ),
} %}
with
    versions as (select * from {{ ref("int_ranked_versions") }}),

    -- Looked for only where somebody reports it, for most lack nothing.
    lacking as (
        select person_no, change_date, name, place
        from {{ ref("int_surviving_attributes") }}
        where
            {% for attribute, (chosen, _) in fillings.items() -%}
                has_{{ attribute }} and {{ chosen }}.{{ attribute }} is null {{- " or" if not loop.last }}
            {% endfor %}
    ),

    final as (
        select
            lacking.person_no,
            lacking.change_date,
            {% for attribute, (chosen, agrees) in fillings.items() -%}
                min_by(versions.{{ chosen }}, versions.{{ chosen }}_rank) filter (
                    where versions.{{ attribute }} is not null and ({{ agrees }})
                ) as {{ attribute }}_filled {{- "," if not loop.last }}
            {% endfor %}
        from lacking
        inner join
            versions
            on lacking.person_no = versions.person_no
            and lacking.change_date >= versions.valid_from
            and (lacking.change_date < versions.valid_to or versions.valid_to is null)
        group by lacking.person_no, lacking.change_date
    )

select *
from final
