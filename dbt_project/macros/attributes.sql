-- Member of a JSON object of which a column holds the name, whatever characters are in it; the first of several of one
-- name.
{% macro member(object, name) -%} {{ return(adapter.dispatch("member")(object, name)) }} {%- endmacro %}

{% macro default__member(object, name) -%}
    json_extract({{ object }}, '/' || replace(replace({{ name }}, '~', '~0'), '/', '~1'))
{%- endmacro %}
