-- Grain: one row per record and rule of composite keys whose every part the record knows; records that agree share the key.
{% set parts = ["first_name", "last_name", "full_name", "name_words", "birth_date", "postal_code", "city", "address", "document", "email", "phone"] %}
with
    records as (select * from {{ ref("int_records") }}),

    evidence as (select * from {{ ref("int_record_evidence") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    rules as (
        select rule, {% for part in parts %} bool_or(part = '{{ part }}') as uses_{{ part }}{% if not loop.last %},{% endif %} {% endfor %}
        from {{ ref("identity_rules") }}
        where is_active
        group by rule
    ),

    reachable as (
        select record_no, min(id_link_value) filter (where id_type = 'email') as email, min(id_link_value) filter (where id_type = 'phone') as phone
        from identifiers
        where unusable_reason is null and is_current and id_type in ('email', 'phone') and exists (select 1 from rules where uses_email or uses_phone)
        group by record_no
    ),

    known as (
        select
            records.record_no,
            records.first_name_key as first_name,
            records.last_name_key as last_name,
            records.full_name_key as full_name,
            {{ sorted_words("records.full_name_key") }} as name_words,
            cast(records.birth_date as varchar) as birth_date,
            replace(records.postal_code_key, ' ', '') as postal_code,
            records.city_key as city,
            records.address_key as address,
            evidence.document,
            reachable.email,
            reachable.phone
        from records
        inner join evidence on records.record_no = evidence.record_no
        left join reachable on records.record_no = reachable.record_no
    ),

    final as (
        select
            known.record_no,
            rules.rule,
            {% set values = ["'composite'", "rules.rule"] %}
            {% for part in parts %} {% do values.append("case when rules.uses_" ~ part ~ " then known." ~ part ~ " end") %} {% endfor %}
            {{ run_hash(values) }} as identifier_key
        from known
        cross join rules
        where {% for part in parts %} (known.{{ part }} is not null or not rules.uses_{{ part }}) {% if not loop.last %} and {% endif %} {% endfor %}
    )

select *
from final
