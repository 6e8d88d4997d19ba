-- Grain: one row per vendor record. The newest observation speaks for it, an earlier one where that says nothing of who
-- the person is.
with
    staged as not materialized(select * from {{ source("staging", "customers") }}),

    nameless as (select * from {{ ref("int_placeholder_names") }}),

    -- Most records are reported in one version: only of the others versions are put in order and compared.
    repeated as (select alias_id from staged group by alias_id having count(*) > 1),

    changed as (select * from staged where alias_id in (select alias_id from repeated)),

    single as (select * from staged where alias_id not in (select alias_id from repeated)),

    last_said as ({{ evidence_last_said("changed") }}),

    said_once as ({{ evidence_said_once("single") }}),

    newest as (
        select
            * replace (
                min(least(first_seen_at, created_at, acquired_at)) over record as first_seen_at,
                max(greatest(last_seen_at, source_updated_at)) over record as last_seen_at
            ),
            min(export_date) over record as first_export_date
        from last_said
        window record as (partition by alias_id)
        qualify row_number() over (partition by alias_id order by {{ newest_first() }}) = 1

        union all by name

        select
            * replace (
                least(first_seen_at, created_at, acquired_at) as first_seen_at,
                greatest(last_seen_at, source_updated_at) as last_seen_at
            ),
            export_date as first_export_date
        from said_once
    ),

    final as (
        select
            alias_id,
            source,
            source_account,
            stream,
            stream as stream_key,
            source_record_id,
            source_file,
            source_row,
            false as is_contact,
            false as is_lead_only,
            coalesce(is_deleted, false) as is_deleted,
            first_export_date,
            last_export_date,
            source_updated_at,
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
