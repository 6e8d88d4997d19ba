-- Grain: one row per record and rule of composite keys whose every part the record knows; records that agree share the key.
with
    records as (select * from {{ ref('int_records') }}),

    evidence as (select * from {{ ref('int_record_evidence') }}),

    identifiers as (
        select *
        from {{ ref('int_record_identifiers') }}
        where unusable_reason is null and is_current and id_type in ('email', 'phone')
    ),

    rules as (
        select rule, part, count(*) over (partition by rule) as part_count
        from {{ ref('identity_rules') }}
        where is_active
    ),

    named_parts as (select distinct part from rules),

    parts as (
        select record_no, 'first_name' as part, first_name_key as value
        from records

        union all

        select record_no, 'last_name', last_name_key
        from records

        union all

        select record_no, 'full_name', full_name_key
        from records

        union all

        select record_no, 'name_words', {{ sorted_words('full_name_key') }}
        from records

        union all

        select record_no, 'birth_date', cast(birth_date as varchar)
        from records

        union all

        select record_no, 'postal_code', replace(postal_code_key, ' ', '')
        from records

        union all

        select record_no, 'city', city_key
        from records

        union all

        select record_no, 'address', address_key
        from records

        union all

        select record_no, 'document', document
        from evidence

        union all

        select record_no, id_type, min(id_link_value)
        from identifiers
        group by record_no, id_type
    ),

    final as (
        select
            parts.record_no,
            rules.rule,
            {{ run_hash(["'composite'", 'rules.rule', "string_agg(concat(parts.part, '=', parts.value), chr(31) order by parts.part)"]) }} as identifier_key
        from parts
        inner join rules on parts.part = rules.part
        where parts.value is not null and parts.part in (select part from named_parts)
        group by parts.record_no, rules.rule
        having count(*) = max(rules.part_count)
    )

select *
from final
