-- What differs between engines when people are compared: hashes of a run, plain text, likeness of names. Number that
-- stands for the values inside one build file; never an id, since engines and their versions differ: another version
-- builds in full.
{% macro run_hash(values) -%} {{ return(adapter.dispatch("run_hash")(values)) }} {%- endmacro %}

{% macro default__run_hash(values) -%} hash({{ values | join(", ") }}) {%- endmacro %}

-- Number that a record goes by, in the order of the alias ids: their first 31 hexadecimal digits, so that it is the
-- same whatever else has landed. Of ten billion records two have one with odds of 1 to 4e17 (of 60 bits they surely
-- would). In two halves, for DuckDB 1.5 reads no number of more than 64 bits in hexadecimal.
{% macro record_number(alias_id) -%} {{ return(adapter.dispatch("record_number")(alias_id)) }} {%- endmacro %}

{% macro default__record_number(alias_id) -%}
    (
        cast(cast(concat('0x', left({{ alias_id }}, 15)) as bigint) as hugeint) * 18446744073709551616
        + cast(concat('0x', substr({{ alias_id }}, 16, 16)) as ubigint)
    )
{%- endmacro %}

-- Text for comparing: lower case, no accents, one blank for whatever is no letter or digit; null if nothing is left.
{% macro plain_text(value) -%} {{ return(adapter.dispatch("plain_text")(value)) }} {%- endmacro %}

{% macro default__plain_text(value) -%}
    nullif(trim(regexp_replace(lower(strip_accents({{ value }})), '[^\p{L}\p{N}]+', ' ', 'g')), '')
{%- endmacro %}

-- Two first names that differ may be one name mistyped: five letters at least, one slip, and the last letter kept,
-- because Paulo and Paula, Daniel and Daniela are couples and no slips. Signs are not mistyped letter by letter.
{% macro is_mistyped_name(one, other) -%} {{ return(adapter.dispatch("is_mistyped_name")(one, other)) }} {%- endmacro %}

{% macro default__is_mistyped_name(one, other) -%}
    (
        least(length({{ one }}), length({{ other }})) >= 5
        and right({{ one }}, 1) = right({{ other }}, 1)
        and damerau_levenshtein({{ one }}, {{ other }}) = 1
        and not contains({{ one }}, ':')
    )
{%- endmacro %}

-- CTE `nameless`: names as these relations have them that stand for nobody, wholly or in part; `placeholders` is the
-- seed of that name. Of some words that is so of first names only, and a name in one piece may be made of two such:
-- Guest Guest, Unknown Customer. Names are looked up once each, because every look-up is a join of its own.
{% macro nameless(relations) -%}
    nameless as materialized(
        select
            first_name_key,
            last_name_key,
            full_name_key,
            is_first or is_both as hides_first,
            is_any_last or is_both or (is_last and (first_name_key is null or is_first)) as hides_last,
            is_whole as hides_full
        from
            (
                select
                    *,
                    {{ is_placeholder_name("first_name_key") }} as is_first,
                    {{ is_placeholder_name("last_name_key") }} as is_last,
                    {{ is_placeholder_name("last_name_key", "any") }} as is_any_last,
                    {{ is_placeholder_name("concat_ws(' ', first_name_key, last_name_key)") }} as is_both,
                    {{ is_placeholder_name("full_name_key") }}
                    or coalesce(
                        full_name_key in (
                            select concat_ws(' ', placeholders.name, others.name)
                            from placeholders
                            cross join placeholders as others
                        ),
                        false
                    ) as is_whole
                from
                    (
                        {% for relation in relations -%}
                            select first_name_key, last_name_key, full_name_key
                            from {{ relation }} {{ "union" if not loop.last }}
                        {% endfor %}
                    ) as named
            ) as looked_up
        where is_first or is_any_last or is_both or is_last or is_whole
    )
{%- endmacro %}

{% macro is_placeholder_name(name_key, part=none) -%}
    coalesce({{ name_key }} in (select name from placeholders{% if part %} where part = '{{ part }}'{% endif %}), false)
{%- endmacro %}

-- What of the names of a relation's rows stands for nobody.
{% macro with_nameless(relation) -%}
    {{ relation }}
    left join
        nameless
        on {{ relation }}.first_name_key is not distinct from nameless.first_name_key
        and {{ relation }}.last_name_key is not distinct from nameless.last_name_key
        and {{ relation }}.full_name_key is not distinct from nameless.full_name_key
{%- endmacro %}

-- A phone number that somebody typed to fill a field: its last seven digits are one digit, or follow each other up or
-- down.
{% macro is_filler_number(number) -%} {{ return(adapter.dispatch("is_filler_number")(number)) }} {%- endmacro %}

{% macro default__is_filler_number(number) -%}
    (
        right({{ number }}, 7) = repeat(right({{ number }}, 1), 7)
        or contains('01234567890', right({{ number }}, 7))
        or contains('09876543210', right({{ number }}, 7))
    )
{%- endmacro %}

-- Umlauts written out and not are one spelling: Joerg and Jörg, Aase and Åse.
{% macro umlauts_folded(value) -%} {{ return(adapter.dispatch("umlauts_folded")(value)) }} {%- endmacro %}

{% macro default__umlauts_folded(value) -%}
    regexp_replace(replace({{ value }}, 'aa', 'a'), '([aou])e', '\1', 'g')
{%- endmacro %}

-- Script a name is written in: names of other scripts are compared with Latin ones by how they sound, those without
-- vowels by their consonants. How the signs of the others read in Latin letters is not certain (a Chinese reading of a
-- Japanese name, Kim or Gim, Taro or Tarou).
{% macro script_of(name) -%} {{ return(adapter.dispatch("script_of")(name)) }} {%- endmacro %}

{% macro default__script_of(name) -%}
    case
        {% for script in unread_scripts() -%}
            when regexp_matches({{ name }}, '[{{ script[1] }}]') then '{{ script[0] }}'
        {% endfor -%}
        when regexp_matches({{ name }}, '[\p{Arabic}\p{Hebrew}]')
        then 'consonants'
        when regexp_matches({{ name }}, '[\p{Cyrillic}\p{Greek}\p{Armenian}\p{Georgian}\p{Devanagari}]')
        then 'other'
        else 'latin'
    end
{%- endmacro %}

-- Scripts with signs that read in Latin letters in more than one way, each with its characters.
{% macro unread_scripts() -%}
    {{
        return(
            [
                ("han", "\\p{Han}"),
                ("kana", "\\p{Hiragana}\\p{Katakana}"),
                ("hangul", "\\p{Hangul}"),
                ("thai", "\\p{Thai}"),
            ]
        )
    }}
{%- endmacro %}

-- What stands before the key of a name of such a script, so that it equals none of another; empty before all others.
{% macro script_mark(script) -%}
    case when {{ script }} in ('han', 'kana', 'hangul', 'thai') then concat({{ script }}, ':') else '' end
{%- endmacro %}

-- First names of which one is in signs and the other in another script: neither speaks for or against the other.
{% macro is_unread_between(one, other) -%}
    regexp_extract({{ one }}.first_name_key, '^([a-z]+):', 1)
    <> regexp_extract({{ other }}.first_name_key, '^([a-z]+):', 1)
{%- endmacro %}

-- Names in signs of one script, of which one is the given name alone and the other the whole: the family name stands
-- before.
{% macro is_given_name_of_whole(one, other) -%}
    (
        contains({{ one }}.first_name_key, ':')
        and contains({{ other }}.first_name_key, ':')
        and (
            ends_with({{ one }}.first_name_key, split_part({{ other }}.first_name_key, ':', 2))
            or ends_with({{ other }}.first_name_key, split_part({{ one }}.first_name_key, ':', 2))
        )
    )
{%- endmacro %}

-- How a name of Latin letters sounds, roughly; without vowels where only consonants are known. Few calls, because this
-- stands twice in every comparison of names: single letters are replaced at once, doubled ones six kinds at a time.
{% macro sound_of(name, has_consonants_only) -%}
    {{ return(adapter.dispatch("sound_of")(name, has_consonants_only)) }}
{%- endmacro %}

{% macro default__sound_of(name, has_consonants_only) -%}
    {%- set pairs = [("ph", "f"), ("kh", "h"), ("x", "ks"), ("ck", "k"), ("ou", "u")] -%}
    {%- set doubles = ["(i)i|(n)n|(l)l|(s)s|(t)t|(m)m", "(p)p|(r)r|(k)k|(f)f|(d)d|(b)b"] -%}
    {%- for _ in doubles %}
        regexp_replace(
    {% endfor -%}
        translate(
            translate(
                {%- for _ in pairs %}replace({% endfor -%}{{ name }}
                {%- for written, read in pairs %}, '{{ written }}', '{{ read }}'){% endfor -%},
                'wcyj',
                'vkii'
            ),
            case when {{ has_consonants_only }} then 'aeiou' else '' end,
            ''
        )
    {%- for letters in doubles %}, '{{ letters }}', '\1\2\3\4\5\6', 'g'){% endfor -%}
{%- endmacro %}

-- First names are one: the same word, the same words in one, forms of one name, first and last name swapped, or one
-- name in two scripts.
{% macro is_same_first_name(one, other) -%}
    {%- set has_consonants_only = "'consonants' in (" ~ one ~ ".naming.script, " ~ other ~ ".naming.script)" -%}
    (
        {{ one }}.first_name_key = {{ other }}.first_name_key
        or list_has_any({{ one }}.naming.forms, {{ other }}.naming.forms)
        or coalesce({{ one }}.naming.words = {{ other }}.naming.words, false)
        or (
            {{ one }}.naming.script <> {{ other }}.naming.script
            and {{ sound_of(one ~ ".first_name_key", has_consonants_only) }}
            = {{ sound_of(other ~ ".first_name_key", has_consonants_only) }}
        )
    )
{%- endmacro %}

-- Birth dates that a slip of the pen explains: one component differs, or day and month are swapped; twelve years apart
-- is another person.
{% macro is_mistyped_date(one, other) -%}
    (
        abs(date_diff('day', {{ one }}, {{ other }})) < 4383
        and (
            cast(extract(year from {{ one }}) <> extract(year from {{ other }}) as integer)
            + cast(extract(month from {{ one }}) <> extract(month from {{ other }}) as integer)
            + cast(extract(day from {{ one }}) <> extract(day from {{ other }}) as integer)
            = 1
            or (
                extract(year from {{ one }}) = extract(year from {{ other }})
                and extract(month from {{ one }}) = extract(day from {{ other }})
                and extract(day from {{ one }}) = extract(month from {{ other }})
            )
        )
    )
{%- endmacro %}

-- First names do not contradict: one is not known, they are the same, one is mistyped, or one cannot be read beside the
-- other.
{% macro first_names_agree(one, other) -%}
    (
        {{ one }}.first_name_key = {{ other }}.first_name_key
        or {{ one }}.first_name_key is null
        or {{ other }}.first_name_key is null
        or {{ is_unread_between(one, other) }}
        or {{ is_given_name_of_whole(one, other) }}
        or {{ is_mistyped_name(one ~ ".first_name_key", other ~ ".first_name_key") }}
        or coalesce({{ is_same_first_name(one, other) }}, false)
    )
{%- endmacro %}

-- Documents do not contradict: one is not known, or they have one in common.
{% macro documents_agree(one, other) -%}
    (
        {{ one }}.document = {{ other }}.document
        or {{ one }}.document is null
        or {{ other }}.document is null
        or list_has_any(string_split({{ one }}.document, '|'), string_split({{ other }}.document, '|'))
    )
{%- endmacro %}

-- Both birth dates are known, and are the same or one is mistyped.
{% macro birth_dates_match(one, other) -%}
    coalesce(
        {{ one }}.birth_date = {{ other }}.birth_date
        or {{ is_mistyped_date(one ~ ".birth_date", other ~ ".birth_date") }},
        false
    )
{%- endmacro %}

-- What two rows of evidence say of first name, birth date and document does not contradict; the unknown never does.
-- Who agree in first and last name may differ in the birth date by less than twelve years: more is father and son.
{% macro evidence_agrees(one, other) -%}
    (
        (
            {{ one }}.birth_date is null
            or {{ other }}.birth_date is null
            or {{ birth_dates_match(one, other) }}
            or coalesce(
                abs(date_diff('day', {{ one }}.birth_date, {{ other }}.birth_date)) < 4383
                and {{ is_same_first_name(one, other) }}
                and (
                    {{ one }}.naming.family = {{ other }}.naming.family
                    or {{ one }}.naming.words = {{ other }}.naming.words
                ),
                false
            )
        )
        and {{ documents_agree(one, other) }}
        and {{ first_names_agree(one, other) }}
    )
{%- endmacro %}

-- Two rows of evidence that agree are surely of one person: first name and last name, or first name and birth date,
-- speak for it.
{% macro is_surely_one(one, other) -%}
    coalesce(
        {{ one }}.first_name_key = {{ other }}.first_name_key
        and (
            {{ one }}.naming.family = {{ other }}.naming.family
            or {{ is_mistyped_name(one ~ ".naming.family", other ~ ".naming.family") }}
            or {{ birth_dates_match(one, other) }}
        )
        or {{ one }}.first_name_key is not null
        and {{ other }}.first_name_key is not null
        and {{ birth_dates_match(one, other) }},
        false
    )
{%- endmacro %}

-- Two rows of evidence are surely of two people, whoever stands between them: twelve years, documents, or two first
-- names that are known as such.
{% macro is_surely_two(one, other) -%}
    (
        coalesce(abs(date_diff('day', {{ one }}.birth_date, {{ other }}.birth_date)) >= 4383, false)
        or not {{ documents_agree(one, other) }}
        or ({{ one }}.naming.is_known and {{ other }}.naming.is_known and not {{ first_names_agree(one, other) }})
    )
{%- endmacro %}

-- Order of holders of a key for somebody who comes to it: the newest that was there already, else the first who came.
{% macro newest_before(holder, newcomer) -%}
    {{ holder }}.first_export_date > {{ newcomer }}.first_export_date,
    case
        when {{ holder }}.first_export_date <= {{ newcomer }}.first_export_date then {{ holder }}.first_export_date
    end desc nulls last,
    {{ holder }}.first_export_date
{%- endmacro %}

-- Text by which vendor records are put in order where nothing else distinguishes them.
{% macro record_order(relation) -%}
    concat_ws(
        chr(31),
        {{ relation }}.source,
        {{ relation }}.source_account,
        {{ relation }}.stream,
        {{ relation }}.source_record_id
    )
{%- endmacro %}

-- How people may write an identifier that they block: without capitals, a Gmail address without dots and tag, a phone
-- number by the digits dialled from abroad, a document without its kind and punctuation.
{% macro linking_spelling(id_type, value) -%}
    {{ return(adapter.dispatch("linking_spelling")(id_type, value)) }}
{%- endmacro %}

{% macro default__linking_spelling(id_type, value) -%}
    case
        when {{ id_type }} = 'email' and regexp_matches(lower({{ value }}), '@(gmail|googlemail)\.com\s*$')
        then concat(replace(regexp_extract(lower(trim({{ value }})), '^[^+@]*'), '.', ''), '@gmail.com')
        when {{ id_type }} = 'phone'
        then regexp_replace(regexp_replace(replace({{ value }}, '(0)', ''), '[^0-9]', '', 'g'), '^00', '')
        when {{ id_type }} = 'document'
        then regexp_replace(regexp_replace(lower({{ value }}), '^\s*[a-z]+[:\s]+', ''), '[^0-9a-z]', '', 'g')
        else lower(trim({{ value }}))
    end
{%- endmacro %}

-- The words of a text in alphabetical order.
{% macro sorted_words(value) -%} {{ return(adapter.dispatch("sorted_words")(value)) }} {%- endmacro %}

{% macro default__sorted_words(value) -%}
    array_to_string(list_sort(string_split({{ value }}, ' ')), ' ')
{%- endmacro %}

-- What staging says of a person, in the columns of the customer tables, of a relation `with_nameless`. A name that
-- stands for nobody is none; one with a sign that was lost on its way is shown only where no record has a better one.
{% macro person_attributes() -%}
    {%- set shown = {} -%}
    {%- for part in ["first", "last", "full"] -%}
        {%- do shown.update(
            {
                part: "case when not coalesce(hides_"
                ~ part
                ~ ", false) and regexp_matches("
                ~ part
                ~ "_name, '[\\p{L}\\p{N}]') then "
                ~ part
                ~ "_name end"
            }
        ) -%}
    {%- endfor -%}
    {{ shown.first }} as first_name,
    {{ shown.last }} as last_name,
    coalesce({{ shown.full }}, nullif(concat_ws(' ', {{ shown.first }}, {{ shown.last }}), '')) as full_name,
    city,
    coalesce(state_code, state_raw) as state,
    coalesce(country_code, country_raw) as country,
    postal_code,
    {% for attribute in plain_attributes() -%} {{ attribute }} {{- ", " if not loop.last }} {%- endfor %}
{%- endmacro %}

-- Number that is smaller the sooner a value survives: by priority of its source, then the better kind, then recency.
{% macro survivorship_rank(priority, is_second, recency_rank) -%}
    (2 * cast({{ priority }} as bigint) + cast({{ is_second }} as integer)) * 1000000000000 + {{ recency_rank }}
{%- endmacro %}

-- Two versions of a record say the same of something that both say, and nothing contrary: `pairs` are the members
-- compared.
{% macro versions_agree(one, other, pairs) -%}
    (
        {% for mine, theirs in pairs -%}
            coalesce(lower({{ one }}.{{ mine }}) = lower({{ other }}.{{ theirs }}), true) and
        {% endfor -%}
        (
            {%- for mine, theirs in pairs -%}
                coalesce(lower({{ one }}.{{ mine }}) = lower({{ other }}.{{ theirs }}), false)
                {%- if not loop.last %} or {% endif -%}
            {%- endfor -%}
        )
    )
{%- endmacro %}

-- Versions of records with what each says of a person's names, placeholders apart.
{% macro evidence_stated(relation) -%}
    select
        {{ relation }}.*,
        {% for part in ["first", "last", "full"] -%}
            case
                when not coalesce(nameless.hides_{{ part }}, false) then {{ relation }}.{{ part }}_name_key
            end as {{ part }}_name_text {{- "," if not loop.last }}
        {% endfor %}
    from {{ with_nameless(relation) }}
{%- endmacro %}

-- The same as `evidence_last_said` of records of which there is one version: it says what it says, but for names of
-- nobody.
{% macro evidence_said_once(relation) -%}
    {%- set is_named = "coalesce(first_name_text, last_name_text, full_name_text) is not null" -%}
    select
        * replace (
            case when {{ is_named }} then first_name end as first_name,
            case when {{ is_named }} then full_name end as full_name
        )
    from ({{ evidence_stated(relation) }}) as evidence
{%- endmacro %}

-- Versions of records, in all of which what distinguishes a person from another is as the newest that says it says it:
-- what one leaves out, or fills with a placeholder, takes back nothing. The parts of a name, and of a place, are said
-- together: one that is left out is that of the newest version that agrees in the others.
{% macro evidence_last_said(relation, changed_at="source_updated_at") -%}
    {%- set order = (
        "partition by alias_id order by "
        ~ newest_first(changed_at=changed_at)
        ~ " rows between unbounded preceding and unbounded following"
    ) -%}
    {%- set groups = {
        "name_reported": [
            ("first_name_text", "first_name_text"),
            ("last_name_text", "last_name_text"),
            ("full_name_text", "full_name_text"),
        ],
        "place_reported": [
            ("city", "city"),
            ("postal_code", "postal_code"),
            ("address_line_1", "address_line_1"),
        ],
    } -%}
    select
        * exclude (name_reported, place_reported, last_name_reported, last_place_reported) replace (
            {% for group, pairs in groups.items() -%}
                {%- set agrees = versions_agree(group, "last_" ~ group, pairs) -%}
                {%- for member, _ in pairs + (
                    [("first_name", ""), ("full_name", "")] if group == "name_reported" else []
                ) -%}
                    first_value(case when {{ agrees }} then {{ group }}.{{ member }} end ignore nulls) over versions
                    as {{ member }},
                {% endfor -%}
            {%- endfor -%}
            first_value(birth_date ignore nulls) over versions as birth_date
        )
    from
        (
            select
                *
                {%- for group, pairs in groups.items() %}
                    ,
                    first_value(
                        case
                            when
                                coalesce(
                                    {% for member, _ in pairs %}
                                        {{ group }}.{{ member }}{{ ", " if not loop.last }}
                                    {% endfor %}
                                )
                                is not null
                            then {{ group }}
                        end ignore nulls
                    ) over versions as last_{{ group }}
                {%- endfor %}
            from
                (
                    select
                        *,
                        struct_pack(
                            first_name_text := first_name_text,
                            last_name_text := last_name_text,
                            full_name_text := full_name_text,
                            first_name := first_name,
                            full_name := full_name
                        ) as name_reported,
                        struct_pack(
                            city := city, postal_code := postal_code, address_line_1 := address_line_1
                        ) as place_reported
                    from ({{ evidence_stated(relation) }}) as evidence
                ) as grouped
            window versions as ({{ order }})
        ) as reported
    window versions as ({{ order }})
{%- endmacro %}

-- CTEs up to `carried`: observations of records in which what one leaves out is as an earlier one of the same `life`
-- said it. The parts of a name, and of a place, are reported together: one that is left out is taken from a version
-- that agrees in the others. `says_…` marks what an observation says itself.
{% macro carried_forward(relation) -%}
    {%- set pairs = {
        "name_parts": [
            ("first_name", "first_name"),
            ("last_name", "last_name"),
            ("full_name", "whole_name"),
        ],
        "place_parts": [
            ("city", "city"),
            ("state", "state"),
            ("postal_code", "postal_code"),
            ("country", "country"),
        ],
    } -%}
    {%- set window = "window record as (partition by record_no, life order by export_date rows unbounded preceding)" -%}
    grouped as (
        select
            *,
            struct_pack(
                first_name := first_name,
                last_name := last_name,
                full_name := nullif(full_name, concat_ws(' ', first_name, last_name)),
                whole_name := full_name
            ) as name_parts,
            struct_pack(city := city, state := state, postal_code := postal_code, country := country) as place_parts
        from {{ relation }}
    ),

    met as (
        select
            *
            {%- for group, members in pairs.items() %}
                {%- for member, _ in members %}
                    ,
                    last_value(
                        case when {{ group }}.{{ member }} is not null then {{ group }} end ignore nulls
                    ) over record as reported_{{ member }}
                {%- endfor %}
            {%- endfor %}
        from grouped {{ window }}
    ),

    filled as (
        select
            *
            {%- for group, members in pairs.items() %}
                ,
                case
                    when
                        coalesce(
                            {% for member, _ in members %}
                                {{ group }}.{{ member }}{{ ", " if not loop.last }}
                            {% endfor %}
                        )
                        is not null
                    then
                        struct_pack(
                            {%- for member, _ in members %}
                                {{ member }} := coalesce(
                                    {{ group }}.{{ member }},
                                    case
                                        when {{ versions_agree(group, "reported_" ~ member, members) }}
                                        then reported_{{ member }}.{{ member }}
                                    end
                                ) {{- "," if not loop.last }}
                            {%- endfor %}
                        )
                end as filled_{{ group }}
            {%- endfor %}
        from met
    ),

    standing as (
        select
            *
            {%- for group in pairs %}
                , last_value(filled_{{ group }} ignore nulls) over record as standing_{{ group }}
            {% endfor %}
            {%- for attribute in plain_attributes() %}
                , last_value({{ attribute }} ignore nulls) over record as standing_{{ attribute }}
            {% endfor %}
        from filled {{ window }}
    ),

    carried as (
        select
            * replace (
                standing_name_parts.first_name as first_name,
                standing_name_parts.last_name as last_name,
                coalesce(
                    standing_name_parts.full_name,
                    nullif(concat_ws(' ', standing_name_parts.first_name, standing_name_parts.last_name), '')
                ) as full_name,
                {% for member, _ in pairs["place_parts"] -%}
                    standing_place_parts.{{ member }} as {{ member }},
                {% endfor -%}
                {% for attribute in plain_attributes() -%}
                    standing_{{ attribute }} as {{ attribute }} {{- ", " if not loop.last }}
                {%- endfor %}
            ),
            {{ says_of("standing") }}
        from standing
    )
{%- endmacro %}

-- Which parts of a person an observation says itself.
{% macro says_of(relation) -%}
    {{ relation }}.full_name is not null as says_name,
    coalesce({{ relation }}.city, {{ relation }}.state, {{ relation }}.postal_code) is not null as says_place,
    {% for attribute in ["country"] + plain_attributes() -%}
        {{ relation }}.{{ attribute }} is not null as says_{{ attribute }} {{- "," if not loop.last }}
    {% endfor %}
{%- endmacro %}

-- Query of observations of records, each with the number of its record, whether that is gone by then, and when it is
-- next: by the vendor's word, or when a full delivery leaves it out. Needs the CTEs `records`, `gaps` and `deletions`.
{% macro deletions_observed(observations) -%}
    select
        records.record_no,
        {{ observations }}.* replace (
            {{ observations }}.is_deleted or coalesce(deletions.is_gone_that_day, false) as is_deleted
        ),
        least(gaps.next_full_date, deletions.gone_date) as next_gone_date
    from {{ observations }}
    inner join records on {{ observations }}.alias_id = records.alias_id
    left join
        gaps
        on not records.is_contact
        and records.source = gaps.source
        and records.source_account = gaps.source_account
        and records.stream = gaps.stream
        and {{ observations }}.export_date = gaps.export_date
    left join
        deletions
        on {{ observations }}.alias_id = deletions.alias_id
        and {{ observations }}.export_date = deletions.export_date
{%- endmacro %}
