-- What differs between engines when people are compared: hashes of a run, plain text, likeness of names.
-- Number that stands for the values inside one build file; never an id, since engines and their versions differ: another version builds in full.
{% macro run_hash(values) -%} {{ return(adapter.dispatch("run_hash")(values)) }} {%- endmacro %}

{% macro default__run_hash(values) -%} hash({{ values | join(", ") }}) {%- endmacro %}

{% macro spark__run_hash(values) -%} xxhash64({{ values | join(", ") }}) {%- endmacro %}

-- Number that a record goes by, in the order of the alias ids: their first 15 hexadecimal digits, so that it is the same whatever else has landed.
{% macro record_number(alias_id) -%} {{ return(adapter.dispatch("record_number")(alias_id)) }} {%- endmacro %}

{% macro default__record_number(alias_id) -%} cast(concat('0x', left({{ alias_id }}, 15)) as bigint) {%- endmacro %}

-- Text for comparing: lower case, no accents, one blank for whatever is no letter or digit; null if nothing is left.
{% macro plain_text(value) -%} {{ return(adapter.dispatch("plain_text")(value)) }} {%- endmacro %}

{% macro default__plain_text(value) -%} nullif(trim(regexp_replace(lower(strip_accents({{ value }})), '[^\p{L}\p{N}]+', ' ', 'g')), '') {%- endmacro %}

-- Two first names that differ may be one name mistyped: five letters at least, one slip, and the last letter kept,
-- because Paulo and Paula, Daniel and Daniela are couples and no slips.
{% macro is_mistyped_name(one, other) -%} {{ return(adapter.dispatch("is_mistyped_name")(one, other)) }} {%- endmacro %}

{% macro default__is_mistyped_name(one, other) -%}
    (least(length({{ one }}), length({{ other }})) >= 5 and right({{ one }}, 1) = right({{ other }}, 1) and damerau_levenshtein({{ one }}, {{ other }}) = 1)
{%- endmacro %}

-- What two rows of evidence say of first name, birth date and document does not contradict; the unknown never does.
{% macro evidence_agrees(one, other) -%}
    (
        ({{ one }}.birth_date = {{ other }}.birth_date or {{ one }}.birth_date is null or {{ other }}.birth_date is null)
        and (
            {{ one }}.document = {{ other }}.document
            or {{ one }}.document is null
            or {{ other }}.document is null
            or list_has_any(string_split({{ one }}.document, '|'), string_split({{ other }}.document, '|'))
        )
        and (
            {{ one }}.first_name_key = {{ other }}.first_name_key
            or {{ one }}.first_name_key is null
            or {{ other }}.first_name_key is null
            or {{ is_mistyped_name(one ~ ".first_name_key", other ~ ".first_name_key") }}
        )
    )
{%- endmacro %}

-- Text by which vendor records are put in order where nothing else tells them apart.
{% macro record_order(relation) -%}
    concat_ws(chr(31), {{ relation }}.source, {{ relation }}.source_account, {{ relation }}.stream, {{ relation }}.source_record_id)
{%- endmacro %}

-- How people may write an identifier that they block: without capitals, a Gmail address without dots and tag, a number by its digits.
{% macro linking_spelling(id_type, value) -%} {{ return(adapter.dispatch("linking_spelling")(id_type, value)) }} {%- endmacro %}

{% macro default__linking_spelling(id_type, value) -%}
    case
        when {{ id_type }} = 'email' and regexp_matches(lower({{ value }}), '@(gmail|googlemail)\.com\s*$')
        then concat(replace(regexp_extract(lower(trim({{ value }})), '^[^+@]*'), '.', ''), '@gmail.com')
        when {{ id_type }} = 'phone'
        then regexp_replace({{ value }}, '[^0-9]', '', 'g')
        else lower(trim({{ value }}))
    end
{%- endmacro %}

-- The words of a text in alphabetical order.
{% macro sorted_words(value) -%} {{ return(adapter.dispatch("sorted_words")(value)) }} {%- endmacro %}

{% macro default__sorted_words(value) -%} array_to_string(list_sort(string_split({{ value }}, ' ')), ' ') {%- endmacro %}

-- What staging says of a person, in the columns of the customer tables.
{% macro person_attributes() -%}
    first_name,
    last_name,
    coalesce(full_name, nullif(concat_ws(' ', first_name, last_name), '')) as full_name,
    gender,
    birth_date,
    city,
    coalesce(state_code, state_raw) as state,
    coalesce(country_code, country_raw) as country,
    postal_code,
    language
{%- endmacro %}

-- Attributes of a person that one record is chosen for.
{% macro surviving_attributes() -%}
    {{ return(["first_name", "last_name", "full_name", "email", "phone", "birth_date", "gender", "city", "state", "country", "postal_code", "language"]) }}
{%- endmacro %}

-- Number that is smaller the sooner a value is taken: by priority of its source, then the better kind, then lateness.
{% macro preference_of(priority, is_second, lateness) -%}
    (2 * cast({{ priority }} as bigint) + cast({{ is_second }} as integer)) * 1000000000000 + {{ lateness }}
{%- endmacro %}
