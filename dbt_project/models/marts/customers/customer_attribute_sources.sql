-- Grain: one row per customer and attribute it has today: the value and the record it is taken from.
{% set attributes = surviving_attributes() %}
with
    versions as (select * from {{ ref("int_customer_versions") }} where valid_to is null),

    records as (select * from {{ ref("int_records") }}),

    chosen as (
        {% for attribute in attributes %}
            select
                customer_id,
                '{{ attribute }}' as attribute,
                cast({{ attribute }} as varchar) as value,
                {{ attribute }}_record_no as record_no
            from versions
            where {{ attribute }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    final as (
        select
            chosen.customer_id,
            chosen.attribute,
            chosen.value,
            records.source,
            records.source_account,
            records.stream,
            records.source_record_id,
            records.last_export_date as export_date
        from chosen
        inner join records on chosen.record_no = records.record_no
    )

select *
from final
