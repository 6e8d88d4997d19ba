-- Grain: one row per record and export date from which it says something else, or is gone. What a version leaves out an
-- earlier one still says. A gone record says nothing. Times of being seen are carried along and make no version of
-- their own.
{% set attributes = reported_attributes() %}
{% set parts = attribute_parts() %}
{% set reported_by_customers %}
    select
        alias_id,
        export_date,
        coalesce(source_updated_at, extracted_at) as changed_at,
        source_updated_at,
        source_file,
        source_row,
        record_hash as content,
        coalesce(is_deleted, false) as is_deleted,
        {{ person_attributes() }},
        least(first_seen_at, created_at, acquired_at) as first_seen_at,
        greatest(last_seen_at, source_updated_at) as last_seen_at
    from {{ with_nameless("customers") }}
{% endset %}
{% set reported_by_contacts %}
    select
        alias_id,
        export_date,
        coalesce(seen_at, extracted_at) as changed_at,
        null as source_updated_at,
        source_file,
        source_row,
        {{ same_content(attribute_columns()) }} as content,
        false as is_deleted,
        {{ person_attributes() }},
        coalesce(first_seen_at, seen_at) as first_seen_at,
        seen_at as last_seen_at
    from {{ with_nameless("contacts") }}
{% endset %}
{% set deletions_of %}
    left join
        gaps
        on not records.is_contact
        and records.source = gaps.source
        and records.source_account = gaps.source_account
        and records.stream = gaps.stream
        and observations.export_date = gaps.export_date
    left join
        reported_gone
        on observations.alias_id = reported_gone.alias_id
        and observations.export_date = reported_gone.export_date
{% endset %}
with
    records as (select * from {{ ref("int_records") }} where not is_lead_only),

    customers as not materialized(select * from {{ source("staging", "customers") }}),

    contacts as not materialized(
        select * from {{ source("staging", "contacts") }} where not coalesce(is_lead_only, false)
    ),

    placeholders as (select * from {{ ref("name_placeholders") }}),

    {{ nameless(["customers", "contacts"]) }},

    gaps as (select * from {{ ref("int_delivery_gaps") }}),

    deletions as (select * from {{ ref("int_reported_deletions") }}),

    -- Most records are reported once: only the observations of the others are put in order and compared.
    repeated_customers as (select alias_id from customers group by alias_id having count(*) > 1),

    repeated_contacts as (select alias_id from contacts group by alias_id having count(*) > 1),

    observations as (
        {{ reported_by_customers }}
        where alias_id in (select alias_id from repeated_customers)
        qualify row_number() over (partition by alias_id, export_date order by {{ newest_first() }}) = 1

        union all

        {{ reported_by_contacts }}
        where alias_id in (select alias_id from repeated_contacts)
        qualify
            row_number() over (partition by alias_id, export_date order by {{ newest_first(changed_at="seen_at") }}) = 1
    ),

    reported_once as (
        {{ reported_by_customers }}
        where alias_id not in (select alias_id from repeated_customers)

        union all

        {{ reported_by_contacts }}
        where alias_id not in (select alias_id from repeated_contacts)
    ),

    observed as (
        select alias_id, export_date, source_updated_at
        from observations

        union all

        select alias_id, export_date, source_updated_at
        from customers
        where alias_id not in (select alias_id from repeated_customers)
    ),

    -- Deletions that an event reports on the export date of an observation, if the observation is not newer, or later.
    reported_gone as (
        select
            observed.alias_id,
            observed.export_date,
            bool_or(observed.export_date = deletions.export_date) as is_gone_that_day,
            min(deletions.export_date) filter (where observed.export_date < deletions.export_date) as gone_date
        from observed
        inner join records on observed.alias_id = records.alias_id and not records.is_contact
        inner join
            deletions
            on records.source = deletions.source
            and records.source_account = deletions.source_account
            and records.source_record_id = deletions.source_record_id
            and (
                observed.export_date < deletions.export_date
                or (
                    observed.export_date = deletions.export_date
                    and coalesce(observed.source_updated_at <= deletions.deleted_at, true)
                )
            )
        group by observed.alias_id, observed.export_date
    ),

    sequenced as (
        select
            records.record_no,
            observations.* replace (
                observations.is_deleted or coalesce(reported_gone.is_gone_that_day, false) as is_deleted
            ),
            least(gaps.next_full_date, reported_gone.gone_date) as next_gone_date,
            lag(observations.content) over record as previous_content,
            lag(observations.is_deleted or coalesce(reported_gone.is_gone_that_day, false)) over record as was_deleted,
            lag(least(gaps.next_full_date, reported_gone.gone_date)) over record as previous_gone_date,
            lead(observations.export_date) over record as next_export_date
        from observations
        inner join records on observations.alias_id = records.alias_id {{ deletions_of }}
        window record as (partition by records.record_no order by observations.export_date)
    ),

    -- A record that was gone and is back begins anew: what it said before is not carried over.
    lives as (
        select
            *,
            sum(cast(coalesce(was_deleted or previous_gone_date < export_date, false) as integer)) over (
                partition by record_no order by export_date rows unbounded preceding
            ) as life
        from sequenced
    ),

    {{ carried_forward("lives") }},

    versions as (
        select
            record_no,
            export_date as valid_from,
            changed_at,
            source_file,
            source_row,
            {% for attribute in attributes %}
                case when not is_deleted then {{ attribute }} end as {{ attribute }},
            {% endfor %}
            is_deleted,
            life,
            {% for part in parts %} says_{{ part }}, {% endfor %}
            first_seen_at,
            last_seen_at
        from carried
        where
            previous_content is distinct from content
            or was_deleted is distinct from is_deleted
            or previous_gone_date < export_date

        union all

        select
            record_no,
            next_gone_date as valid_from,
            changed_at,
            null as source_file,
            null as source_row,
            {% for attribute in attributes %} null as {{ attribute }}, {% endfor %}
            true as is_deleted,
            life,
            {% for part in parts %} false as says_{{ part }}, {% endfor %}
            first_seen_at,
            last_seen_at
        from carried
        where next_gone_date < next_export_date or (next_gone_date is not null and next_export_date is null)
    ),

    lone as (
        select
            records.record_no,
            observations.* replace (
                observations.is_deleted or coalesce(reported_gone.is_gone_that_day, false) as is_deleted
            ),
            least(gaps.next_full_date, reported_gone.gone_date) as next_gone_date
        from reported_once as observations
        inner join records on observations.alias_id = records.alias_id {{ deletions_of }}
    ),

    lone_versions as (
        select
            record_no,
            export_date as valid_from,
            changed_at,
            source_file,
            source_row,
            {% for attribute in attributes %}
                case when not is_deleted then {{ attribute }} end as {{ attribute }},
            {% endfor %}
            is_deleted,
            0 as life,
            full_name is not null as says_name,
            coalesce(city, state, postal_code) is not null as says_place,
            {% for attribute in ["country"] + plain_attributes() -%}
                {{ attribute }} is not null as says_{{ attribute }},
            {% endfor %}
            first_seen_at,
            last_seen_at,
            next_gone_date as valid_to
        from lone

        union all by name

        select
            record_no,
            next_gone_date as valid_from,
            changed_at,
            true as is_deleted,
            0 as life,
            {% for part in parts %} false as says_{{ part }}, {% endfor %}
            first_seen_at,
            last_seen_at
        from lone
        where next_gone_date is not null
    ),

    final as (
        select
            versions.*,
            lead(versions.valid_from) over (partition by versions.record_no order by versions.valid_from) as valid_to
        from versions

        union all by name

        select *
        from lone_versions
    )

select *
from final
