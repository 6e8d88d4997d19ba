-- Tables and views of the build file, each replaced by one statement. Nobody reads the build file while it is made, and
-- nothing in it has indexes, grants or dependents, so that the adapter's own way, with a second table, two renames and
-- a drop, would protect nothing.
{% materialization table, adapter = "duckdb", supported_languages = ["sql", "python"] %}

    {%- set target = this.incorporate(type="table") -%}
    {{ drop_another_kind(target) }}
    {{ run_hooks(pre_hooks) }}

    {% if model["language"] == "python" %}
        -- The model writes over a connection of its own, which must not wait for this one.
        {% call statement("dropped", auto_begin=False) %} drop table if exists {{ target }}
        {% endcall %}
        {% call statement("main", language="python") %} {{ py_write_table(false, target, compiled_code) }} {% endcall %}
    {% else %}
        {% call statement("main") %} create or replace table {{ target }} as {{ declared(united(compiled_code)) }}
        {% endcall %}
    {% endif %}

    {{ finished(target) }}
    {{ return({"relations": [target]}) }}

{% endmaterialization %}

{% materialization view, adapter = "duckdb", supported_languages = ["sql"] %}

    {%- set target = this.incorporate(type="view") -%}
    {{ drop_another_kind(target) }}
    {{ run_hooks(pre_hooks) }}

    {% call statement("main") %} create or replace view {{ target }} as {{ declared(compiled_code) }}
    {% endcall %}

    {{ finished(target) }}
    {{ return({"relations": [target]}) }}

{% endmaterialization %}

-- A table where a view is wanted, or the other way round, is of an older version and cannot be replaced.
{% macro drop_another_kind(target) %}
    {%- set existing = load_cached_relation(target) -%}
    {% if existing is not none and existing.type != target.type %} {{ drop_relation_if_exists(existing) }} {% endif %}
{% endmacro %}

-- A model's query, or, where shards of the data have been built, the union of what was made of them; not of a model
-- that is made of everybody.
{% macro united(query) -%}
    {%- set shards = env_var("C360_SHARDS", "0") | int -%}
    {%- if shards and config.get("meta", {}).get("made_of") != "everybody" -%}
        {%- for number in range(shards) %}
            select *
            from shard_{{ number }}.{{ this.schema }}.{{ this.identifier }}
            {{ "union all by name" if not loop.last }}
        {%- endfor -%}
    {%- else -%} {{ query }}
    {%- endif -%}
{%- endmacro %}

-- A model's query, with the columns of its contract in their order if it has one.
{% macro declared(query) -%}
    {%- if config.get("contract").enforced %} select {{ model["columns"] | join(", ") }} from ({{ query }}) as declared {%- else %}
        {{ query }}
    {%- endif %}
{%- endmacro %}

-- Compares what was made with its contract, and describes it as the contract does: in one go, for each statement costs
-- dbt more than DuckDB. Names are those of the contract already (`declared`).
{% macro finished(target) %}
    {%- set is_declared = config.get("contract").enforced -%}
    {% if is_declared or config.persist_relation_docs() %}
        {% call statement("finished") %}
            {% if is_declared %}
                {{ types_hold(target) }}
                ;
            {% endif %}
            {% if config.persist_relation_docs() %}
                comment on {{ target.type }} {{ target }} is {{ duckdb_escape_comment((model["description"] | trim ~ " " ~ grain()) | trim) }};
                {% for column in model["columns"].values() %}
                    comment on column {{ target }}.{{ column["name"] }} is {{ duckdb_escape_comment(column["description"]) }};
                {% endfor %}
            {% endif %}
        {% endcall %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
{% endmacro %}

-- The first sentence of the comment that a model begins with, if it does: what a row of it is; comments of
-- staging end so too.
{% macro grain() -%}
    {%- set head = modules.re.match("(?:-- [^\n]*\n)*", model["compiled_code"] | trim)[0] -%}
    {%- set said = (head.replace("-- ", "").replace("\n", " ")).partition(". ")[0] -%}
    {{- return(said ~ "." if said else "") -}}
{%- endmacro %}

-- A query that fails where a column has another type than its contract says.
{% macro types_hold(target) -%}
    select error(concat('not of the type in the contract: ', string_agg(column_name, ', ')))
    from (describe {{ target }})
    where
        column_type is distinct from case
            column_name
            {%- for column in model["columns"].values() %}
                when '{{ column["name"] }}' then typeof(cast(null as {{ column["data_type"] }}))
            {%- endfor %}
        end
    having count(*) > 0
{%- endmacro %}
