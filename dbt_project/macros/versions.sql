-- Which of several versions of one thing is the newest, and which say the same: the only place that decides either.
-- Order of versions, the newest first. Newest is by data, never by arrival: greatest export date, then the vendor's own time of the
-- change where the table has one, then path, then row. Where a record makes several rows, the caller says after this what orders them.
{% macro newest_first(relation="", changed_at="source_updated_at") -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    {{ prefix }}last_export_date desc, {% if changed_at %}{{ prefix }}{{ changed_at }} desc nulls last, {% endif -%}
    {{ prefix }}source_file desc, {{ prefix }}source_row desc
{%- endmacro %}

-- The same order as one value, the greater the newer: for max_by.
{% macro newest(relation="", changed_at="source_updated_at") -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    row(
        {{- prefix }}last_export_date, {% if changed_at %}coalesce({{ prefix }}{{ changed_at }}, timestamptz '-infinity'), {% endif -%}
        {{ prefix }}source_file, {{ prefix }}source_row
    )
{%- endmacro %}

-- Text that two rows share exactly where they say the same in all these columns: null is a word of its own, and a value that
-- moved to the next column says something else.
{% macro same_content(columns) -%}
    concat(
        {%- for column in columns -%}
            coalesce(cast(length(cast({{ column }} as varchar)) as varchar) || ':' || cast({{ column }} as varchar), '-') {%- if not loop.last %}, {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}
