-- Schemas are named as the contracts name them: marts is marts, not <target>_marts.
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
