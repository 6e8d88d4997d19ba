-- All that a model promises of its rows, in one test, because a test of its own for each promise costs dbt more than
-- asking it. One row per promise that is broken: what fails, how many rows, and the query that shows them; it holds
-- names and limits, no values.
--
-- key: columns that together identify a row, none of them null
-- unique: columns of which each is unique where it is filled
-- not_null, not_empty: columns that are filled; texts that are null or say something
-- at_least, between, accepted: by column its minimum, its two limits (both included), its values; null passes
-- references: column, to, field: a filled column is found there
-- holds: conditions that are true in every row; unknown counts as true
-- same: columns that say the same in every row
-- one_row: conditions that are true in exactly one row
-- one_current: columns, flag: at most one row per key is current
-- periods: columns, valid_from, valid_to: per key, one begins when or after the one before it has ended, and none ends
-- before it begins
{% test checks(
    model,
    key=[],
    unique=[],
    not_null=[],
    not_empty=[],
    at_least={},
    between={},
    accepted={},
    references=[],
    holds=[],
    same=[],
    one_row=[],
    one_current={},
    periods={}
) %}

    {{ config(fail_calc="coalesce(sum(failing_rows), 0)") }}

    {%- set conditions, queries = [], [] -%}
    {%- for column in not_null -%}
        {%- do conditions.append((column ~ " is null", column ~ " is null")) -%}
    {%- endfor -%}
    {%- for column in not_empty -%}
        {%- do conditions.append((column ~ " is empty", "trim(" ~ column ~ ") = ''")) -%}
    {%- endfor -%}
    {%- for column, least in at_least.items() -%}
        {%- do conditions.append((column ~ " is below " ~ least, column ~ " < " ~ least)) -%}
    {%- endfor -%}
    {%- for column, limits in between.items() -%}
        {%- set range = limits | join(" and ") -%}
        {%- do conditions.append(
            (
                column ~ " is not between " ~ range,
                column ~ " not between " ~ range,
            )
        ) -%}
    {%- endfor -%}
    {%- for column, values in accepted.items() -%}
        {%- do conditions.append(
            (column ~ " is none of its values", column ~ " not in ('" ~ values | join("', '") ~ "')")
        ) -%}
    {%- endfor -%}
    {%- for condition in holds -%}
        {%- do conditions.append(("not (" ~ condition ~ ")", "not (" ~ condition ~ ")")) -%}
    {%- endfor -%}

    {%- if key -%}
        {%- set columns = key | join(", ") -%}
        {%- set is_broken = "count(*) > 1 or " ~ key | join(" is null or ") ~ " is null" -%}
        {%- do queries.append(
            (
                columns ~ " is no key",
                "select " ~ columns ~ " from " ~ model ~ " group by " ~ columns ~ " having " ~ is_broken,
            )
        ) -%}
    {%- endif -%}
    {%- for column in unique -%}
        {%- set filled = column ~ " from " ~ model ~ " where " ~ column ~ " is not null" -%}
        {%- do queries.append((column ~ " is not unique", "select " ~ filled ~ " group by all having count(*) > 1")) -%}
    {%- endfor -%}
    {%- for one in references -%}
        {%- set unknown = " anti join " ~ one.to ~ " as known on reported." ~ one.column ~ " = known." ~ one.field -%}
        {%- set filled = " where reported." ~ one.column ~ " is not null" -%}
        {%- do queries.append(
            (
                one.column ~ " is not in " ~ one.to.identifier,
                "select reported.* from " ~ model ~ " as reported" ~ unknown ~ filled,
            )
        ) -%}
    {%- endfor -%}
    {%- for column in same -%}
        {%- set different = "count(distinct " ~ column ~ ")" -%}
        {%- set values = "select " ~ different ~ " as different_values from " ~ model -%}
        {%- do queries.append((column ~ " is not the same in every row", values ~ " having " ~ different ~ " > 1")) -%}
    {%- endfor -%}
    {%- for condition in one_row -%}
        {%- set rows = "select count(*) as found_rows from " ~ model ~ " where " ~ condition -%}
        {%- do queries.append(("one row of (" ~ condition ~ ")", rows ~ " having count(*) <> 1")) -%}
    {%- endfor -%}
    {%- if one_current -%}
        {%- set columns = one_current["columns"] | join(", ") -%}
        {%- set current = columns ~ " from " ~ model ~ " where " ~ one_current["flag"] -%}
        {%- do queries.append(
            (
                one_current["flag"] ~ " is true more than once",
                "select " ~ current ~ " group by all having count(*) > 1",
            )
        ) -%}
    {%- endif -%}
    {%- if periods -%}
        {%- set columns, begin, end = periods["columns"] | join(", "), periods["valid_from"], periods["valid_to"] -%}
        {%- set next = "lead(" ~ begin ~ ") over (partition by " ~ columns ~ " order by " ~ begin ~ ")" -%}
        {%- set overlaps = "(" ~ next ~ " is not null and (" ~ end ~ " is null or " ~ end ~ " > " ~ next ~ "))" -%}
        {%- do queries.append(
            (
                begin ~ " to " ~ end ~ " overlap",
                "from " ~ model ~ " qualify " ~ end ~ " < " ~ begin ~ " or " ~ overlaps,
            )
        ) -%}
    {%- endif -%}

    with
        asked as (
            {% if conditions %}
                select
                    unnest(
                        [
                            {% for failing, condition in conditions %}
                                struct_pack(
                                    failing := $reported${{ failing }}$reported$,
                                    failing_rows := count(*) filter (where {{ condition }}),
                                    shown_by := $reported$from {{ model }} where {{ condition }}$reported$
                                )
                                {{- "," if not loop.last }}
                            {% endfor %}
                        ],
                        recursive := true
                    )
                from {{ model }}
            {% endif %}
            {% for failing, query in queries %}
                    {{ "union all" if conditions or not loop.first }}
                select
                    $reported${{ failing }}$reported$ as failing,
                    count(*) as failing_rows,
                    $reported${{ query }}$reported$ as shown_by
                from ({{ query }})
            {% endfor %}
        )

    select *
    from asked
    where failing_rows > 0

{% endtest %}
