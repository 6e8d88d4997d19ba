-- Grain: one row per observation of a vendor record that an event says is deleted: on its export date, if the
-- observation is not newer, or later.
with
    records as (select * from {{ ref("int_records") }}),

    observations as (select alias_id, export_date, source_updated_at from {{ ref("int_record_observations") }}),

    deletions as (select * from {{ ref("int_reported_deletions") }}),

    final as (
        select
            observations.alias_id,
            observations.export_date,
            bool_or(observations.export_date = deletions.export_date) as is_gone_that_day,
            min(deletions.export_date) filter (where observations.export_date < deletions.export_date) as gone_date
        from observations
        inner join records on observations.alias_id = records.alias_id and not records.is_contact
        inner join
            deletions
            on records.source = deletions.source
            and records.source_account = deletions.source_account
            and records.source_record_id = deletions.source_record_id
            and (
                observations.export_date < deletions.export_date
                or (
                    observations.export_date = deletions.export_date
                    and coalesce(observations.source_updated_at <= deletions.deleted_at, true)
                )
            )
        group by observations.alias_id, observations.export_date
    )

select *
from final
