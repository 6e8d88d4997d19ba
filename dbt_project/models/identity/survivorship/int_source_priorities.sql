-- Grain: one row per source: how early it is believed in each attribute.
{% set attributes = surviving_attributes() %}
with
    records as (select distinct source from {{ ref("int_records") }}),

    priorities as (select * from {{ ref("attribute_source_priority") }}),

    final as (
        select
            records.source,
            {% for attribute in attributes %}
                coalesce(
                    min(priorities.priority) filter (where priorities.attribute = '{{ attribute }}'),
                    min(priorities.priority) filter (where priorities.attribute = 'all'),
                    100
                ) as {{ attribute }}_priority
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from records
        left join priorities on records.source = priorities.source
        group by records.source
    )

select *
from final
