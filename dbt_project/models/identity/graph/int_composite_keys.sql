-- Grain: one row per record and rule of composite keys of which the record knows every part; records that agree share
-- the key. What a rule says may differ (any_first_name, any_birth_date) is no evidence against the records that it
-- joins.
{% set parts = [
    "first_name",
    "first_initial",
    "last_name",
    "last_initial",
    "full_name",
    "name_words",
    "birth_date",
    "birth_year",
    "birth_month",
    "birth_day",
    "postal_code",
    "city",
    "address",
    "document",
    "email",
    "phone",
    "customer_id",
    "external_id",
] %}
with
    known as (select * from {{ ref("int_composite_key_parts") }}),

    rules as (
        select
            rule,
            {% for part in parts %} bool_or(part = '{{ part }}') as uses_{{ part }}, {% endfor %}
            bool_or(part = 'any_first_name') as ignores_first_name,
            bool_or(part = 'any_birth_date') as ignores_birth_date
        from {{ ref("identity_rules") }}
        where is_active
        group by rule
    ),

    final as (
        select
            known.record_no,
            rules.rule,
            {% set values = ["'composite'", "rules.rule"] %}
            {% for part in parts %}
                {% do values.append("case when rules.uses_" ~ part ~ " then known." ~ part ~ " end") %}
            {% endfor %}
            {{ run_hash(values) }} as identifier_key,
            rules.ignores_first_name,
            rules.ignores_birth_date
        from known
        cross join rules
        where
            {% for part in parts %}
                (known.{{ part }} is not null or not rules.uses_{{ part }}) {% if not loop.last %} and {% endif %}
            {% endfor %}
    )

select *
from final
