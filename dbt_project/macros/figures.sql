-- What differs between engines when figures are made: exact conversion, business days, ages, sorted sets, stable keys.
-- Amount at one rate over another, exact, half up to two decimals; null if a rate is missing.
{% macro convert_amount(amount, from_units, to_units) -%}
    {{ return(adapter.dispatch("convert_amount")(amount, from_units, to_units)) }}
{%- endmacro %}

{% macro default__convert_amount(amount, from_units, to_units) -%}
    {{
        hundredths(
            "2 * "
            ~ scaled_integer(amount, 4)
            ~ " * "
            ~ scaled_integer(to_units, 8)
            ~ " + 100 * "
            ~ scaled_integer(from_units, 8),
            "200 * " ~ scaled_integer(from_units, 8),
        )
    }}
{%- endmacro %}

-- Quotient of two whole numbers as hundredths of an amount; beyond what the type holds it stands at the limit, as in
-- `capped`.
{% macro hundredths(dividend, divisor) -%}
    {%- set quotient = whole_quotient(dividend, divisor) -%}
    cast(
        cast(
            case
                when {{ quotient }} > 999999999999999999
                then 999999999999999999
                when {{ quotient }} < -999999999999999999
                then -999999999999999999
                else {{ quotient }}
            end as decimal(18, 0)
        )
        * 0.01 as decimal(18, 2)
    )
{%- endmacro %}

-- Quotient of two whole numbers without its fraction. (A formatter takes DuckDB's operator for it for a comment.)
{% macro whole_quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch("whole_quotient")(dividend, divisor)) }}
{%- endmacro %}

{% macro default__whole_quotient(dividend, divisor) -%} divide({{ dividend }}, {{ divisor }}) {%- endmacro %}

-- A decimal as a whole number of its smallest unit.
{% macro scaled_integer(value, decimals) -%}
    cast(cast({{ value }} as decimal(28, {{ decimals }})) * {{ 10**decimals }} as hugeint)
{%- endmacro %}

-- A sum or product as an amount; beyond what the type holds it stands at the limit, so that one absurd record never
-- stops a run.
{% macro capped(amount, decimals=4) -%}
    {%- set limit = "9" * (18 - decimals) ~ "." ~ "9" * decimals -%}
    cast(
        case
            when {{ amount }} > {{ limit }}
            then {{ limit }}
            when {{ amount }} < -{{ limit }}
            then -{{ limit }}
            else {{ amount }}
        end as decimal(18, {{ decimals }})
    )
{%- endmacro %}

-- As much of `whole` as an amount is of `part`, half up to four decimals and never beyond what the type holds; `part`
-- is above zero.
{% macro share_of(amount, part, whole) -%}
    {{ return(adapter.dispatch("share_of")(amount, part, whole)) }}
{%- endmacro %}

{% macro default__share_of(amount, part, whole) -%}
    {%- set dividend = (
        "2 * "
        ~ scaled_integer(amount, 4)
        ~ " * "
        ~ scaled_integer(whole, 4)
        ~ " + "
        ~ scaled_integer(part, 4)
    ) -%}
    cast(
        cast(
            least({{ whole_quotient(dividend, "2 * " ~ scaled_integer(part, 4)) }}, 999999999999999999) as decimal(
                18, 0
            )
        )
        * 0.0001 as decimal(18, 4)
    )
{%- endmacro %}

-- Half-up quotient of two exact numbers with two decimals; null instead of a division by zero.
{% macro exact_ratio(amount, divisor) -%} {{ return(adapter.dispatch("exact_ratio")(amount, divisor)) }} {%- endmacro %}

{% macro default__exact_ratio(amount, divisor) -%}
    {{
        hundredths(
            "2 * " ~ scaled_integer(amount, 4) ~ " + 100 * cast(" ~ divisor ~ " as hugeint)",
            "nullif(200 * cast(" ~ divisor ~ " as hugeint), 0)",
        )
    }}
{%- endmacro %}

-- Average order value: revenue over the valid orders it is of, which are those with a rate; null where there is none.
{% macro average_order_value(revenue, rated_order_count) -%}
    {{ exact_ratio(revenue, rated_order_count) }}
{%- endmacro %}

-- Business day of a moment in a time zone.
{% macro local_date(moment, time_zone) -%}
    {{ return(adapter.dispatch("local_date")(moment, time_zone)) }}
{%- endmacro %}

{% macro default__local_date(moment, time_zone) -%}
    cast(timezone({{ time_zone }}, {{ moment }}) as date)
{%- endmacro %}

-- First moment of a day in a time zone.
{% macro day_start(day, time_zone) -%} {{ return(adapter.dispatch("day_start")(day, time_zone)) }} {%- endmacro %}

{% macro default__day_start(day, time_zone) -%} timezone({{ time_zone }}, cast({{ day }} as timestamp)) {%- endmacro %}

-- Whole days from one date to another.
{% macro days_between(earlier, later) -%} {{ return(adapter.dispatch("days_between")(earlier, later)) }} {%- endmacro %}

{% macro default__days_between(earlier, later) -%} date_diff('day', {{ earlier }}, {{ later }}) {%- endmacro %}

-- Seconds from one moment to another, as a fraction.
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch("seconds_between")(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    (epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1e6
{%- endmacro %}

-- The different values of a group, sorted.
{% macro sorted_set(value) -%} {{ return(adapter.dispatch("sorted_set")(value)) }} {%- endmacro %}

{% macro default__sorted_set(value) -%} list_sort(list_distinct(list({{ value }}))) {%- endmacro %}

-- Stable text key of several values, distinct from each other and from null.
{% macro stable_key(values) -%}
    md5(
        concat(
            {%- for value in values -%}
                coalesce(concat('=', cast({{ value }} as varchar)), '') {%- if not loop.last %}, chr(31), {% endif -%}
            {%- endfor -%}
        )
    )
{%- endmacro %}

-- The real order that a row names: by the vendor's own id, else by the number, which at the time of the row meant that
-- purchase (`number_uses`); without an order of that number it is the id that one would have.
{% macro named_order(relation) -%}
    coalesce(
        order_keys.order_id,
        number_uses.order_id,
        {{ stable_key([relation ~ ".order_namespace", relation ~ ".order_match_key"]) }}
    )
{%- endmacro %}

-- Join condition: the row of `number_uses` (int_number_uses) that says which purchase a number meant at that time; what
-- has no time means the first.
{% macro is_number_use(relation, moment) -%}
    {{ relation }}.order_namespace = number_uses.order_namespace
    and {{ relation }}.order_match_key = number_uses.order_match_key
    and coalesce({{ moment }}, timestamptz '-infinity') >= number_uses.used_from
    and coalesce({{ moment }}, timestamptz '-infinity') < number_uses.used_until
{%- endmacro %}

-- Join condition: the row of `owners` (int_owner_customers) that says who a staging row belongs to. Ids derived from
-- identifiers are the same in every stream.
{% macro is_owner(relation) -%}
    {{ relation }}.source = owners.source
    and {{ relation }}.source_account = owners.source_account
    and {{ relation }}.owner_record_id = owners.owner_record_id
    and case when {{ relation }}.owner_record_id like 'derived:%' then 'derived' else {{ relation }}.stream end
    = owners.stream_key
{%- endmacro %}

-- Join condition: the rows of `profile_records` (int_profile_records) that a staging row is one of.
{% macro is_of_profile(relation) -%}
    {{ relation }}.source = profile_records.source
    and {{ relation }}.source_account = profile_records.source_account
    and {{ relation }}.owner_record_id = profile_records.owner_record_id
    and case when {{ relation }}.owner_record_id like 'derived:%' then 'derived' else {{ relation }}.stream end
    = profile_records.owner_stream_key
{%- endmacro %}

-- Kinds of segments that one list of a profile may mix, and that their ids never distinguish; a list of one family says
-- nothing of another.
{% macro segment_family(kind) -%}
    case
        when
            {{ kind }}
            in ('tag', 'loyalty_campaign', 'loyalty_tier', 'subscription_list', 'realtime_segment', 'classic_segment')
        then {{ kind }}
        else 'segment'
    end
{%- endmacro %}

-- Every day from one date to another, both included, as rows.
{% macro days_from_to(first_date, last_date) -%}
    {{ return(adapter.dispatch("days_from_to")(first_date, last_date)) }}
{%- endmacro %}

{% macro default__days_from_to(first_date, last_date) -%}
    cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
{%- endmacro %}

-- The words of a list, trimmed, each once and sorted; null where there is none.
{% macro words_of(words) -%} {{ return(adapter.dispatch("words_of")(words)) }} {%- endmacro %}

{% macro default__words_of(words) -%}
    nullif(
        list_sort(
            list_distinct(list_filter(list_transform({{ words }}, lambda word:trim(word)), lambda word:word <> ''))
        ),
        []
    )
{%- endmacro %}
