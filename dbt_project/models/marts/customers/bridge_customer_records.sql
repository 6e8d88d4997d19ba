-- Grain: one row per vendor record, derived records included.
with
    records as (
        select *
        from {{ ref("int_record_customers") }}
        where customer_id is not null and not is_lead_only and not is_belonging
    ),

    final as (
        select
            source,
            source_account,
            stream,
            source_record_id,
            customer_id,
            alias_id,
            joined_by,
            is_contact as is_derived,
            is_deleted,
            is_anchor,
            first_export_date,
            last_export_date
        from records
    )

select *
from final
