-- Grain: one row per customer and export date from which its attributes differ: who said each, and until when it held.
-- Per attribute: source priority, then addresses that may link, then vendor records before contacts, then the latest
-- statement: one number, since sorting whole rows per customer and day costs more than anything else here. Names
-- survive together, and so do city, state and postal code: from the most preferred record that has a last or full name,
-- or a city or postal code. What it lacks is filled from a record that agrees with it; the country goes with the
-- address where that record names one.
{% set attributes = surviving_attributes() %}
{% set names = name_attributes() %}
{% set places = place_attributes() %}
with
    members as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    versions as (select * from {{ ref("int_record_versions") }}),

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

    reported as (
        select
            members.person_no,
            members.source,
            members.is_belonging,
            coalesce(versions.first_seen_at, cast(members.first_export_date as timestamptz)) as known_from,
            coalesce(versions.last_seen_at, cast(versions.valid_from as timestamptz)) as known_until,
            versions.*,
            {% for contact in ["email", "phone"] -%}
                case
                    when not versions.is_deleted
                    then last_value(version_contacts.{{ contact }} ignore nulls) over record
                end as {{ contact }},
                not coalesce(
                    last_value(
                        case
                            when version_contacts.{{ contact }} is not null
                            then version_contacts.is_{{ contact }}_usable
                        end ignore nulls
                    ) over record,
                    false
                ) as is_{{ contact }}_second,
                last_value(
                    case when version_contacts.{{ contact }} is not null then latenesses.lateness end ignore nulls
                ) over record as {{ contact }}_lateness,
            {% endfor -%}
            {% for part in attribute_parts() -%}
                last_value(case when versions.says_{{ part }} then latenesses.lateness end ignore nulls) over record
                as {{ part }}_lateness {{- "," if not loop.last }}
            {% endfor %}
        from versions
        inner join
            latenesses on versions.record_no = latenesses.record_no and versions.valid_from = latenesses.valid_from
        inner join members on versions.record_no = members.record_no
        left join
            version_contacts
            on versions.record_no = version_contacts.record_no
            and versions.valid_from = version_contacts.valid_from
        window
            record as (
                partition by versions.record_no, versions.life order by versions.valid_from rows unbounded preceding
            )
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
            list(
                struct_pack(
                    first_name := reported.first_name,
                    last_name := reported.last_name,
                    full_name := reported.full_name,
                    record_no := reported.record_no
                )
                order by
                    coalesce(regexp_matches(reported.full_name, '\x{FFFD}|\p{L}\?\p{L}'), false),
                    reported.last_name is null
                    and (reported.full_name is null or reported.full_name is not distinct from reported.first_name),
                    {{ preference_of("priorities.last_name_priority", "false", "reported.name_lateness") }}
            ) filter (where reported.full_name is not null) as name_list,
            list(
                struct_pack(
                    city := reported.city,
                    state := reported.state,
                    postal_code := reported.postal_code,
                    country := reported.country,
                    record_no := reported.record_no
                )
                order by
                    reported.city is null and reported.postal_code is null,
                    {{ preference_of("priorities.city_priority", "false", "reported.place_lateness") }}
            ) filter (where coalesce(reported.city, reported.postal_code, reported.state) is not null) as place_list,
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

    -- The record that is chosen, and for what it lacks the first one that agrees with it: same last or whole name; same
    -- city, or same postal code.
    agreeing as (
        select
            survived.* exclude (name_list, place_list, country, country_record_no),
            name_list[1] as named,
            place_list[1] as placed,
            list_filter(
                name_list,
                lambda other:other.first_name is not null
                and (
                    lower(other.last_name) = lower(name_list[1].last_name)
                    or lower(other.full_name) = lower(name_list[1].full_name)
                )
            )[1] as first_named,
            list_filter(
                name_list,
                lambda other:other.last_name is not null and (lower(other.full_name) = lower(name_list[1].full_name))
            )[1] as last_named,
            list_filter(
                place_list,
                lambda other:other.city is not null
                and other.postal_code = place_list[1].postal_code
                and coalesce(other.country = place_list[1].country, true)
            )[1] as city_placed,
            list_filter(
                place_list,
                lambda other:other.state is not null
                and coalesce(
                    lower(other.city) = lower(place_list[1].city), other.postal_code = place_list[1].postal_code, false
                )
                and coalesce(other.country = place_list[1].country, true)
            )[1] as state_placed,
            list_filter(
                place_list,
                lambda other:other.postal_code is not null
                and lower(other.city) = lower(place_list[1].city)
                and coalesce(other.state = place_list[1].state, true)
                and coalesce(other.country = place_list[1].country, true)
            )[1] as postal_code_placed,
            country as own_country,
            country_record_no as own_country_record_no
        from survived
    ),

    grouped as (
        select
            agreeing.*,
            coalesce(named.first_name, first_named.first_name) as first_name,
            case
                when named.first_name is not null then named.record_no else first_named.record_no
            end as first_name_record_no,
            coalesce(named.last_name, last_named.last_name) as last_name,
            case
                when named.last_name is not null then named.record_no else last_named.record_no
            end as last_name_record_no,
            case
                when
                    named.first_name is null
                    and first_named.first_name is not null
                    and named.full_name = named.last_name
                then concat(first_named.first_name, ' ', named.last_name)
                else named.full_name
            end as full_name,
            named.record_no as full_name_record_no,
            {% for place in places %}
                {% set filled = place ~ "_placed" %}
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

    compared as (
        select hashed.*, lag(content) over (partition by person_no order by change_date) as previous_content from hashed
    ),

    changed as (select * from compared where previous_content is distinct from content),

    final as (
        select
            members.customer_id,
            {% for attribute in attributes %} changed.{{ attribute }}, changed.{{ attribute }}_record_no, {% endfor %}
            changed.sources,
            changed.record_count,
            changed.is_deleted,
            changed.change_date as valid_from,
            lead(changed.change_date) over (partition by changed.person_no order by changed.change_date) as valid_to,
            changed.first_seen_at,
            changed.last_seen_at
        from changed
        inner join members on changed.person_no = members.record_no
    )

select *
from final
