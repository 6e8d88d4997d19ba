-- Grain: one row per customer and export date from which its attributes differ: who said each, and until when it held.
-- Per attribute: source priority, then addresses that may link, then vendor records before contacts, then the latest
-- change: one number, since sorting whole rows per customer and day costs more than anything else here.
{% set attributes = surviving_attributes() %}
with
    members as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    versions as (select * from {{ ref("int_record_versions") }}),

    version_contacts as (select * from {{ ref("int_version_contacts") }}),

    priorities as (select * from {{ ref("int_source_priorities") }}),

    latenesses as (
        select
            versions.record_no,
            versions.valid_from,
            row_number() over (order by members.is_contact, versions.changed_at desc, versions.record_no, versions.valid_from) as lateness
        from versions
        inner join members on versions.record_no = members.record_no
    ),

    told as (
        select
            members.person_no,
            members.source,
            members.is_belonging,
            coalesce(versions.first_seen_at, cast(members.first_export_date as timestamptz)) as known_from,
            coalesce(versions.last_seen_at, cast(versions.valid_from as timestamptz)) as known_until,
            versions.*,
            version_contacts.email,
            version_contacts.phone,
            not coalesce(version_contacts.is_email_usable, false) as is_email_second,
            not coalesce(version_contacts.is_phone_usable, false) as is_phone_second,
            latenesses.lateness
        from versions
        inner join latenesses on versions.record_no = latenesses.record_no and versions.valid_from = latenesses.valid_from
        inner join members on versions.record_no = members.record_no
        left join version_contacts on versions.record_no = version_contacts.record_no and versions.valid_from = version_contacts.valid_from
    ),

    changes as (select person_no, valid_from as change_date from told group by person_no, valid_from),

    survived as (
        select
            changes.person_no,
            changes.change_date,
            {% for attribute in attributes %}
                {% set second = "told.is_" ~ attribute ~ "_second" if attribute in ("email", "phone") else "false" %}
                {% set preference = preference_of("priorities." ~ attribute ~ "_priority", second, "told.lateness") %}
                min_by(told.{{ attribute }}, {{ preference }}) filter (where told.{{ attribute }} is not null) as {{ attribute }},
                min_by(told.record_no, {{ preference }}) filter (where told.{{ attribute }} is not null) as {{ attribute }}_record_no,
            {% endfor %}
            {{ sorted_set("told.source") }} as sources,
            count(*) filter (where not told.is_belonging) as record_count,
            coalesce(bool_and(told.is_deleted) filter (where not told.is_belonging), false) as is_deleted,
            min(told.known_from) as first_seen_at,
            max(told.known_until) as last_seen_at
        from changes
        inner join
            told
            on changes.person_no = told.person_no
            and changes.change_date >= told.valid_from
            and (changes.change_date < told.valid_to or told.valid_to is null)
        inner join priorities on told.source = priorities.source
        group by changes.person_no, changes.change_date
    ),

    -- With its records gone, what orders and events carried for them says nothing either.
    silenced as (
        select
            survived.* replace (
                {% for attribute in attributes %}
                    case when not is_deleted then {{ attribute }} end as {{ attribute }},
                    case when not is_deleted then {{ attribute }}_record_no end as {{ attribute }}_record_no{{ "," if not loop.last }}
                {% endfor %}
            )
        from survived
    ),

    hashed as (select silenced.*, {{ run_hash(attributes + ["sources", "record_count", "is_deleted"]) }} as content from silenced),

    compared as (select hashed.*, lag(content) over (partition by person_no order by change_date) as previous_content from hashed),

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
