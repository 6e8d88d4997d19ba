-- Which of several versions of one thing is the newest, and which say the same: the only place that decides either.
-- Order of versions, the newest first. Newest is by data, never by arrival: greatest export date, then the vendor's own
-- time of the change where the table has one, then path, then row. Where a record makes several rows, the caller says
-- after this what orders them.
{% macro newest_first(relation="", changed_at="source_updated_at") -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    {{ prefix }}last_export_date desc,
    {% if changed_at %} {{ prefix }}{{ changed_at }} desc nulls last, {% endif -%}
    {{ prefix }}source_file desc,
    {{ prefix }}source_row desc
{%- endmacro %}

-- The same order as one value, the greater the newer: for max_by.
{% macro newest(relation="", changed_at="source_updated_at") -%}
    {%- set prefix = relation ~ "." if relation else "" -%}
    row(
        {{- prefix }}last_export_date,
        {% if changed_at %} coalesce({{ prefix }}{{ changed_at }}, timestamptz '-infinity'), {% endif -%}
        {{ prefix }}source_file,
        {{ prefix }}source_row
    )
{%- endmacro %}

-- Text that two rows share exactly where they say the same in all these columns: null is a word of its own, and a value
-- that moved to the next column says something else.
{% macro same_content(columns) -%}
    concat(
        {%- for column in columns -%}
            coalesce(
                cast(length(cast({{ column }} as varchar)) as varchar) || ':' || cast({{ column }} as varchar), '-'
            )
            {%- if not loop.last %}, {% endif -%}
        {%- endfor -%}
    )
{%- endmacro %}

-- One row per key: the newest version, and in each of the columns the newest version that says something, since what
-- says nothing takes nothing back. A follower is said together with its leader: it is not taken from a version with
-- another leader. Of times that were assumed the earliest stays, of currencies the newest that was stated.
{% macro last_said(
    relation,
    key,
    columns=["owner_record_id"],
    followers={},
    changed_at="source_updated_at",
    then="",
    assumed_times={},
    has_assumed_currency=false
) -%}
    {%- set order = newest_first(changed_at=changed_at) ~ (", " ~ then if then else "") -%}
    {%- set said = [] -%}
    {%- for column in columns -%}
        {%- do said.append("first_value(" ~ column ~ " ignore nulls) over versions as " ~ column) -%}
    {%- endfor -%}
    {%- for follower, leader in followers.items() -%}
        {%- set is_along = leader ~ " is null or " ~ leader ~ " = said_" ~ leader -%}
        {%- do said.append(
            "first_value(case when "
            ~ is_along
            ~ " then "
            ~ follower
            ~ " end ignore nulls) over versions as "
            ~ follower
        ) -%}
    {%- endfor -%}
    {%- for time, flag in assumed_times.items() -%}
        {%- set stated = (
            "first_value(case when not coalesce("
            ~ flag
            ~ ", false) then "
            ~ time
            ~ " end ignore nulls) over versions"
        ) -%}
        {%- do said.append("coalesce(" ~ stated ~ ", min(" ~ time ~ ") over versions) as " ~ time) -%}
        {%- do said.append("bool_and(coalesce(" ~ flag ~ ", false)) over versions as " ~ flag) -%}
    {%- endfor -%}
    {%- if has_assumed_currency -%}
        {%- set stated = "first_value(case when not coalesce(is_currency_inferred, false) then currency end ignore nulls) over versions" -%}
        {%- do said.append("coalesce(" ~ stated ~ ", first_value(currency ignore nulls) over versions) as currency") -%}
    {%- endif -%}
    {%- set leaders = followers.values() | unique | list -%}
    select
        * {% if leaders %} exclude (said_{{ leaders | join(", said_") }}){% endif %} replace ({{ said | join(", ") }})
    from
        (
            select
                *
                {%- for leader in leaders %}
                    , first_value({{ leader }} ignore nulls) over all_versions as said_{{ leader }}
                {% endfor %}
            from {{ relation }}
            {% if leaders %}
                window
                    all_versions as (
                        partition by {{ key }}
                        order by {{ order }}
                        rows between unbounded preceding and unbounded following
                    )
            {% endif %}
        ) as reported
    window
        versions as (
            partition by {{ key }} order by {{ order }} rows between unbounded preceding and unbounded following
        )
    qualify row_number() over versions = 1
{%- endmacro %}
