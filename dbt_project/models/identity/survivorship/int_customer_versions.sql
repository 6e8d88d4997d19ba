-- Grain: one row per customer and export date from which its attributes differ: who said each, and until when it held.
-- Per attribute: source priority, then addresses that may link, then vendor records before contacts, then the latest
-- statement: one number, since sorting whole rows per customer and day costs more than anything else here. Names
-- survive together, and so do city, state and postal code: from the most preferred record that has a last or full name,
-- or a city or postal code. What it lacks is filled from a record that agrees with it; the country goes with the
-- address where that record names one.
{% set attributes = surviving_attributes() %}
{% set names = name_attributes() %}
{% set places = place_attributes() %}
{% set name_preference %}
    (
        2 * cast(coalesce(regexp_matches(reported.full_name, '\x{FFFD}|\p{L}\?\p{L}'), false) as bigint)
        + cast(
            reported.last_name is null
            and (reported.full_name is null or reported.full_name is not distinct from reported.first_name) as bigint
        )
    )
    * 1000000000000000000
    + {{ preference_of("priorities.last_name_priority", "false", "reported.name_lateness") }}
{% endset %}
{% set place_preference %}
    cast(reported.city is null and reported.postal_code is null as bigint)
    * 1000000000000000000
    + {{ preference_of("priorities.city_priority", "false", "reported.place_lateness") }}
{% endset %}
{% set name_told %}
    struct_pack(
        first_name := reported.first_name,
        last_name := reported.last_name,
        full_name := reported.full_name,
        record_no := reported.record_no
    )
{% endset %}
{% set place_told %}
    struct_pack(
        city := reported.city,
        state := reported.state,
        postal_code := reported.postal_code,
        country := reported.country,
        record_no := reported.record_no
    )
{% endset %}
{# What of the chosen record somebody else may fill, and which of the others agrees with it. #}
{% set fillings = {
    "first_name": (
        "named",
        "reported.full_name is not null and (lower(reported.last_name) = lower(lacking.named.last_name) or"
        " lower(reported.full_name) = lower(lacking.named.full_name))",
    ),
    "last_name": ("named", "lower(reported.full_name) = lower(lacking.named.full_name)"),
    "city": (
        "placed",
        "reported.postal_code = lacking.placed.postal_code and coalesce(reported.country= lacking.placed.country,"
        " true)",
    ),
    "state": (
        "placed",
        "coalesce(lower(reported.city) = lower(lacking.placed.city), reported.postal_code ="
        " lacking.placed.postal_code, false) and coalesce(reported.country= lacking.placed.country, true)",
    ),
    "postal_code": (
        "placed",
        "lower(reported.city) = lower(lacking.placed.city) and coalesce(reported.state = lacking.placed.state, true) and"
        " coalesce(reported.country= lacking.placed.country, true)",
    ),
} %}
with
    members as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    versions as not materialized(select * from {{ ref("int_record_versions") }}),

    version_contacts as (select * from {{ ref("int_version_contacts") }}),

    priorities as (select * from {{ ref("int_source_priorities") }}),

    latenesses as (
        select
            versions.record_no,
            versions.valid_from,
            row_number() over (
                order by members.is_contact, versions.changed_at desc, versions.record_no, versions.valid_from
            ) as lateness
        from versions
        inner join members on versions.record_no = members.record_no
    ),

    repeated as (select record_no from versions group by record_no having count(*) > 1),

    -- What a record's earlier versions said is looked for only where there are any.
    reported as (
        {% for is_repeated in [true, false] -%}
            {%- set before, after = ("last_value(", " ignore nulls) over record") if is_repeated else ("", "") %}
            select
                members.person_no,
                members.source,
                members.is_belonging,
                coalesce(versions.first_seen_at, cast(members.first_export_date as timestamptz)) as known_from,
                coalesce(versions.last_seen_at, cast(versions.valid_from as timestamptz)) as known_until,
                versions.*,
                {% for contact in ["email", "phone"] -%}
                    case
                        when not versions.is_deleted then {{ before }} version_contacts.{{ contact }} {{ after }}
                    end as {{ contact }},
                    not coalesce(
                        {{ before }}
                        case
                            when version_contacts.{{ contact }} is not null
                            then version_contacts.is_{{ contact }}_usable
                        end
                        {{ after }},
                        false
                    ) as is_{{ contact }}_second,
                    {{ before }}
                    case when version_contacts.{{ contact }} is not null then latenesses.lateness end
                    {{ after }} as {{ contact }}_lateness,
                {% endfor -%}
                {% for part in attribute_parts() -%}
                    {{ before }} case
                        when versions.says_{{ part }} then latenesses.lateness
                    end {{ after }} as {{ part }}_lateness {{- "," if not loop.last }}
                {% endfor %}
            from versions
            inner join
                latenesses on versions.record_no = latenesses.record_no and versions.valid_from = latenesses.valid_from
            inner join members on versions.record_no = members.record_no
            left join
                version_contacts
                on versions.record_no = version_contacts.record_no
                and versions.valid_from = version_contacts.valid_from
            where versions.record_no {{ "not" if not is_repeated }} in (select record_no from repeated)
            {% if is_repeated %}
                window
                    record as (
                        partition by versions.record_no, versions.life
                        order by versions.valid_from
                        rows unbounded preceding
                    )
                union all
            {% endif %}
        {% endfor %}
    ),

    changes as (select person_no, valid_from as change_date from reported group by person_no, valid_from),

    survived as (
        select
            changes.person_no,
            changes.change_date,
            {% for attribute in attributes if attribute not in names + places %}
                {% set second = (
                    "reported.is_" ~ attribute ~ "_second" if attribute in ("email", "phone") else "false"
                ) %}
                {% set preference = preference_of(
                    "priorities." ~ attribute ~ "_priority", second, "reported." ~ attribute ~ "_lateness"
                ) %}
                min_by(reported.{{ attribute }}, {{ preference }}) filter (
                    where reported.{{ attribute }} is not null
                ) as {{ attribute }},
                min_by(reported.record_no, {{ preference }}) filter (
                    where reported.{{ attribute }} is not null
                ) as {{ attribute }}_record_no,
            {% endfor %}
            min_by({{ name_told }}, {{ name_preference }}) filter (where reported.full_name is not null) as named,
            min_by({{ place_told }}, {{ place_preference }}) filter (
                where coalesce(reported.city, reported.postal_code, reported.state) is not null
            ) as placed,
            {% for part in fillings -%} bool_or(reported.{{ part }} is not null) as has_{{ part }}, {% endfor %}
            {{ sorted_set("reported.source") }} as sources,
            count(*) filter (where not reported.is_belonging) as record_count,
            coalesce(bool_and(reported.is_deleted) filter (where not reported.is_belonging), false) as is_deleted,
            min(reported.known_from) as first_seen_at,
            max(reported.known_until) as last_seen_at
        from changes
        inner join
            reported
            on changes.person_no = reported.person_no
            and changes.change_date >= reported.valid_from
            and (changes.change_date < reported.valid_to or reported.valid_to is null)
        inner join priorities on reported.source = priorities.source
        group by changes.person_no, changes.change_date
    ),

    -- For what the chosen record lacks, the first one that agrees with it: same last or whole name; same city, or same
    -- postal code. Looked for only where somebody reports it, for most lack nothing.
    lacking as (
        select person_no, change_date, named, placed
        from survived
        where
            {% for part, (chosen, _) in fillings.items() -%}
                has_{{ part }} and {{ chosen }}.{{ part }} is null {{- " or" if not loop.last }}
            {% endfor %}
    ),

    filled as (
        select
            lacking.person_no,
            lacking.change_date,
            {% for part, (chosen, agrees) in fillings.items() -%}
                min_by(
                    {{ name_told if chosen == "named" else place_told }},
                    {{ name_preference if chosen == "named" else place_preference }}
                ) filter (where reported.{{ part }} is not null and ({{ agrees }})) as {{ part }}_filled
                {{- "," if not loop.last }}
            {% endfor %}
        from lacking
        inner join
            reported
            on lacking.person_no = reported.person_no
            and lacking.change_date >= reported.valid_from
            and (lacking.change_date < reported.valid_to or reported.valid_to is null)
        inner join priorities on reported.source = priorities.source
        group by lacking.person_no, lacking.change_date
    ),

    agreeing as (
        select
            survived.* exclude (country, country_record_no, has_{{ fillings | join(", has_") }}),
            filled.* exclude (person_no, change_date),
            survived.country as own_country,
            survived.country_record_no as own_country_record_no
        from survived
        left join filled on survived.person_no = filled.person_no and survived.change_date = filled.change_date
    ),

    grouped as (
        select
            agreeing.*,
            coalesce(named.first_name, first_name_filled.first_name) as first_name,
            case
                when named.first_name is not null then named.record_no else first_name_filled.record_no
            end as first_name_record_no,
            coalesce(named.last_name, last_name_filled.last_name) as last_name,
            case
                when named.last_name is not null then named.record_no else last_name_filled.record_no
            end as last_name_record_no,
            case
                when
                    named.first_name is null
                    and first_name_filled.first_name is not null
                    and named.full_name = named.last_name
                then concat(first_name_filled.first_name, ' ', named.last_name)
                else named.full_name
            end as full_name,
            named.record_no as full_name_record_no,
            {% for place in places %}
                {% set filled = place ~ "_filled" %}
                coalesce(placed.{{ place }}, {{ filled }}.{{ place }}) as {{ place }},
                case
                    when placed.{{ place }} is not null
                    then placed.record_no
                    when {{ filled }}.{{ place }} is not null
                    then {{ filled }}.record_no
                end as {{ place }}_record_no,
            {% endfor %}
            coalesce(placed.country, own_country) as country,
            case
                when placed.country is not null then placed.record_no else own_country_record_no
            end as country_record_no
        from agreeing
    ),

    -- With its records gone, what orders and events carried for them says nothing either.
    suppressed as (
        select
            grouped.* replace (
                {% for attribute in attributes %}
                    case when not is_deleted then {{ attribute }} end as {{ attribute }},
                    case
                        when not is_deleted then {{ attribute }}_record_no
                    end as {{ attribute }}_record_no{{ "," if not loop.last }}
                {% endfor %}
            )
        from grouped
    ),

    hashed as (
        select suppressed.*, {{ run_hash(attributes + ["sources", "record_count", "is_deleted"]) }} as content
        from suppressed
    ),

    -- By narrow rows, which cost less to put in order.
    changed as (
        select
            person_no,
            change_date as valid_from,
            lead(change_date) over (partition by person_no order by change_date) as valid_to
        from
            (
                select person_no, change_date
                from hashed
                qualify lag(content) over (partition by person_no order by change_date) is distinct from content
            ) as differing
    ),

    final as (
        select
            members.customer_id,
            {% for attribute in attributes %} hashed.{{ attribute }}, hashed.{{ attribute }}_record_no, {% endfor %}
            hashed.sources,
            hashed.record_count,
            hashed.is_deleted,
            changed.valid_from,
            changed.valid_to,
            hashed.first_seen_at,
            hashed.last_seen_at
        from hashed
        inner join changed on hashed.person_no = changed.person_no and hashed.change_date = changed.valid_from
        inner join members on hashed.person_no = members.record_no
    )

select *
from final
