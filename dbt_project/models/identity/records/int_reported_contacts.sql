-- Grain: one row per set of identifiers that orders, events and the like carry (a contact). The newest observation
-- speaks for it, an earlier one where that says nothing of who the person is.
with
    staged as not materialized(select * from {{ source("staging", "contacts") }}),

    nameless as (select * from {{ ref("int_placeholder_names") }}),

    -- Most records are reported in one version: only of the others versions are put in order and compared.
    repeated as (select alias_id from staged group by alias_id having count(*) > 1),

    changed as (select * from staged where alias_id in (select alias_id from repeated)),

    single as (select * from staged where alias_id not in (select alias_id from repeated)),

    last_said as ({{ evidence_last_said("changed", changed_at="seen_at") }}),

    said_once as ({{ evidence_said_once("single") }}),

    newest as (
        select
            * replace (
                min_by(stream, concat(cast(export_date as varchar), stream)) over contact as stream,
                bool_and(coalesce(is_lead_only, false)) over contact as is_lead_only,
                min(coalesce(first_seen_at, seen_at)) over contact as first_seen_at
            ),
            coalesce(
                min(case when is_lead_only then null else export_date end) over contact, min(export_date) over contact
            ) as first_export_date,
            max(seen_at) over contact as last_seen_at
        from last_said
        window contact as (partition by alias_id)
        qualify row_number() over (partition by alias_id order by {{ newest_first(changed_at="seen_at") }}) = 1

        union all by name

        select
            * replace (
                coalesce(is_lead_only, false) as is_lead_only, coalesce(first_seen_at, seen_at) as first_seen_at
            ),
            export_date as first_export_date,
            seen_at as last_seen_at
        from said_once
    ),

    final as (
        select
            alias_id,
            source,
            source_account,
            stream,
            'derived' as stream_key,
            source_record_id,
            source_file,
            source_row,
            true as is_contact,
            is_lead_only,
            false as is_deleted,
            first_export_date,
            last_export_date,
            null as source_updated_at,
            first_seen_at,
            last_seen_at,
            first_name_text,
            last_name_text,
            full_name_text,
            full_name,
            first_name,
            birth_date,
            postal_code,
            city,
            address_line_1
        from newest
    )

select *
from final
