-- Grain: one row per version of a record of a customer, with its rank in each attribute: the smaller, the sooner what
-- it
-- says survives. By source priority, then addresses that may link, then vendor records before contacts, then the latest
-- statement: one number, since sorting whole rows per customer and day costs more than anything else here. A name and a
-- place survive as a whole: a name first where it is legible and has a last name, a place where it has a city or postal
-- code.
{% set contacts = ["email", "phone"] %}
with
    members as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    versions as not materialized(select * from {{ ref("int_record_versions") }}),

    version_contacts as (select * from {{ ref("int_version_contacts") }}),

    priorities as (select * from {{ ref("int_source_priorities") }}),

    recency as (
        select
            versions.record_no,
            versions.valid_from,
            row_number() over (
                order by members.is_contact, versions.changed_at desc, versions.record_no, versions.valid_from
            ) as recency_rank
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
                {% for contact in contacts -%}
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
                    ) as is_{{ contact }}_unusable,
                    {{ before }}
                    case when version_contacts.{{ contact }} is not null then recency.recency_rank end
                    {{ after }} as {{ contact }}_recency_rank,
                {% endfor -%}
                {% for part in attribute_parts() -%}
                    {{ before }} case
                        when versions.says_{{ part }} then recency.recency_rank
                    end {{ after }} as {{ part }}_recency_rank {{- "," if not loop.last }}
                {% endfor %}
            from versions
            inner join recency on versions.record_no = recency.record_no and versions.valid_from = recency.valid_from
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

    final as (
        select
            reported.*,
            struct_pack(
                first_name := first_name, last_name := last_name, full_name := full_name, record_no := record_no
            ) as name,
            struct_pack(
                city := city, state := state, postal_code := postal_code, country := country, record_no := record_no
            ) as place,
            (
                2 * cast(coalesce(regexp_matches(full_name, '\x{FFFD}|\p{L}\?\p{L}'), false) as bigint)
                + cast(last_name is null and (full_name is null or full_name is not distinct from first_name) as bigint)
            )
            * 1000000000000000000
            + {{ survivorship_rank("priorities.last_name_priority", "false", "name_recency_rank") }} as name_rank,
            cast(city is null and postal_code is null as bigint) * 1000000000000000000
            + {{ survivorship_rank("priorities.city_priority", "false", "place_recency_rank") }} as place_rank,
            {% for attribute in single_attributes() -%}
                {{
                    survivorship_rank(
                        "priorities." ~ attribute ~ "_priority",
                        "is_" ~ attribute ~ "_unusable" if attribute in contacts else "false",
                        attribute ~ "_recency_rank",
                    )
                }} as {{ attribute }}_rank {{- "," if not loop.last }}
            {% endfor %}
        from reported
        inner join priorities on reported.source = priorities.source
    )

select *
from final
