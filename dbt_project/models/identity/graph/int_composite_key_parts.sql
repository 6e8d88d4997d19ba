-- Grain: one row per record: the parts that composite keys are made of, as far as the record knows them.
{% set identifier_parts = ["email", "phone", "customer_id", "external_id"] %}
with
    records as (select * from {{ ref("int_records") }}),

    evidence as (select * from {{ ref("int_record_evidence") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    rules as (select * from {{ ref("identity_rules") }} where is_active),

    identified as (
        select
            record_no,
            {% for part in identifier_parts -%}
                min({{ same_content(["id_namespace", "id_link_value"]) }}) filter (
                    where id_type = '{{ part }}'
                ) as {{ part }} {{- "," if not loop.last }}
            {% endfor %}
        from identifiers
        where
            unusable_reason is null
            and is_current
            and id_type in ('{{ identifier_parts | join("', '") }}')
            and exists (select 1 from rules where part in ('{{ identifier_parts | join("', '") }}'))
        group by record_no
    ),

    final as (
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
            {% for part in identifier_parts -%} identified.{{ part }} {{- "," if not loop.last }} {% endfor %}
        from records
        inner join evidence on records.record_no = evidence.record_no
        left join identified on records.record_no = identified.record_no
    )

select *
from final
