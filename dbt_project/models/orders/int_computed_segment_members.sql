-- Grain: one row per computed segment and customer that is in it today. The segments stand in computed_segments.yml.
{% set segments = (model.config.meta or {}).get('computed_segments', []) %}
with
    customers as (select * from {{ ref('dim_customers') }}),

    insights as (select * from {{ ref('customer_insights') }}),

    population as (
        select insights.*, customers.* exclude (customer_id)
        from insights
        inner join customers on insights.customer_id = customers.customer_id
    ),

    final as (
        {% for segment in segments -%}
        select
            '{{ segment.segment_id }}' as segment_id,
            '{{ segment.name | replace("'", "''") }}' as segment_name,
            customer_id,
            as_of_date
        from population
        where {{ segment.predicate }}
        union all
        {% endfor -%}
        select cast(null as varchar) as segment_id, cast(null as varchar) as segment_name, customer_id, as_of_date
        from population
        where false
    )

select *
from final
