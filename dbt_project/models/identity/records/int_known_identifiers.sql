-- Grain: one row per record and identifier it carries or has carried, with all that is reported of it. Where one export
-- date reports two confidences of an identifier, the more cautious counts.
with
    records as (select * from {{ ref("int_records") }}),

    identifiers as (select * from {{ source("staging", "customer_identifiers") }}),

    outdated_contacts as (select * from {{ ref("int_outdated_contacts") }}),

    carried as (
        select
            records.record_no,
            identifiers.id_type,
            identifiers.id_namespace,
            identifiers.id_value,
            identifiers.id_link_value,
            identifiers.merge_confidence,
            identifiers.is_valid,
            identifiers.is_primary,
            identifiers.is_deliverable,
            case
                when records.is_contact
                then outdated_contacts.owner_record_id is null
                else identifiers.source_file = records.source_file and identifiers.source_row = records.source_row
            end as is_current,
            identifiers.export_date,
            coalesce(identifiers.first_seen_at, identifiers.extracted_at) as first_seen_at,
            coalesce(identifiers.last_seen_at, identifiers.extracted_at) as last_seen_at
        from identifiers
        inner join
            records
            on identifiers.owner_record_id = records.source_record_id
            and identifiers.source = records.source
            and identifiers.source_account = records.source_account
            and case when identifiers.owner_record_id like 'derived:%' then 'derived' else identifiers.stream end
            = records.stream_key
        left join
            outdated_contacts
            on records.is_contact
            and records.source = outdated_contacts.source
            and records.source_account = outdated_contacts.source_account
            and records.source_record_id = outdated_contacts.owner_record_id
        where identifiers.id_value is not null
    ),

    final as (
        select
            record_no,
            id_type,
            coalesce(id_namespace, '') as id_namespace,
            id_value,
            max(id_link_value) as id_link_value,
            case
                when id_type in ('vuid', 'push_token', 'tracking_id') and max(merge_confidence) = 'high'
                then 'low'
                else
                    max_by(
                        merge_confidence,
                        row(export_date, case merge_confidence when 'none' then 2 when 'low' then 1 else 0 end)
                    )
            end as merge_confidence,
            bool_or(is_valid) as is_valid,
            bool_or(is_current) as is_current,
            coalesce(bool_or(is_primary) filter (where is_current), false) as is_primary,
            coalesce(bool_and(is_deliverable) filter (where is_current), true) as is_deliverable,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from carried
        group by record_no, id_type, coalesce(id_namespace, ''), id_value
    )

select *
from final
