-- Member of a JSON object of which a column holds the name, whatever characters are in it.
{% macro member(object, name) -%} {{ return(adapter.dispatch("member")(object, name)) }} {%- endmacro %}

{% macro default__member(object, name) -%}
    map_extract_value(cast({{ object }} as map(varchar, json)), {{ name }})
{%- endmacro %}
