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
{% set reachable_parts = ["email", "phone", "customer_id", "external_id"] %}
with
    records as (select * from {{ ref("int_records") }}),

    evidence as (select * from {{ ref("int_record_evidence") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

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

    reachable as (
        select
            record_no,
            {% for part in reachable_parts %}
                min({{ same_content(["id_namespace", "id_link_value"]) }}) filter (
                    where id_type = '{{ part }}'
                ) as {{ part }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from identifiers
        where
            unusable_reason is null
            and is_current
            and id_type in ('{{ reachable_parts | join("', '") }}')
            and exists (
                select 1
                from rules
                where
                    {% for part in reachable_parts %} uses_{{ part }} {% if not loop.last %} or {% endif %} {% endfor %}
            )
        group by record_no
    ),

    known as (
        select
            records.record_no,
            records.first_name_key as first_name,
            regexp_extract(records.first_name_key, '^(?:[a-z]+:)?.') as first_initial,
            records.last_name_key as last_name,
            left(records.last_name_key, 1) as last_initial,
            records.full_name_key as full_name,
            {{ sorted_words("records.full_name_key") }} as name_words,
            cast(records.birth_date as varchar) as birth_date,
            extract(year from records.birth_date) as birth_year,
            extract(month from records.birth_date) as birth_month,
            extract(day from records.birth_date) as birth_day,
            replace(records.postal_code_key, ' ', '') as postal_code,
            records.city_key as city,
            records.address_key as address,
            evidence.document,
            reachable.email,
            reachable.phone,
            reachable.customer_id,
            reachable.external_id
        from records
        inner join evidence on records.record_no = evidence.record_no
        left join reachable on records.record_no = reachable.record_no
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
