-- Grain: one row per vendor record and contact, with the date since which it is gone: by the vendor's word, be it in
-- the record or by an event since, or when a full delivery leaves it out.
with
    gaps as (select * from {{ ref("int_delivery_gaps") }}),

    deletions as (select * from {{ ref("int_reported_deletions") }}),

    records as (
        select *
        from {{ ref("int_reported_customers") }}

        union all

        select *
        from {{ ref("int_reported_contacts") }}
    ),

    deleted_since as (
        select records.alias_id, min(deletions.export_date) as deleted_on
        from records
        inner join
            deletions
            on not records.is_contact
            and records.source = deletions.source
            and records.source_account = deletions.source_account
            and records.source_record_id = deletions.source_record_id
            and (
                records.last_export_date < deletions.export_date
                or (
                    records.last_export_date = deletions.export_date
                    and coalesce(records.source_updated_at <= deletions.deleted_at, true)
                )
            )
        group by records.alias_id
    ),

    final as (
        select
            records.*,
            case
                when records.is_deleted
                then records.last_export_date
                else least(gaps.next_full_date, deleted_since.deleted_on)
            end as deleted_on
        from records
        left join
            gaps
            on not records.is_contact
            and records.source = gaps.source
            and records.source_account = gaps.source_account
            and records.stream = gaps.stream
            and records.last_export_date = gaps.export_date
        left join deleted_since on records.alias_id = deleted_since.alias_id
    )

select *
from final
