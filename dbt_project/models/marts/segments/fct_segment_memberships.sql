-- Grain: one row per customer, segment and unbroken stay; a stay is a claim of the vendor, or of this warehouse.
with
    stays as (select * from {{ ref("int_membership_spells") }}),

    names as (select * from {{ ref("int_segment_names") }}),

    computed as (select * from {{ ref("int_computed_membership_spells") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    claimed as (
        select
            stays.customer_id,
            stays.source,
            stays.source_account,
            stays.segment_id,
            names.segment_name,
            names.segment_kind,
            stays.source as claimed_by,
            stays.exited_at is null as is_current,
            stays.entered_at,
            stays.exited_at
        from stays
        inner join
            names
            on stays.source = names.source
            and stays.source_account = names.source_account
            and stays.segment_family = names.segment_family
            and stays.segment_id = names.segment_id
    ),

    final as (
        select *
        from claimed
        union all
        select
            computed.customer_id,
            'warehouse' as source,
            'default' as source_account,
            computed.segment_id,
            computed.segment_name,
            'computed' as segment_kind,
            'warehouse' as claimed_by,
            computed.left_date is null as is_current,
            {{ day_start("computed.entered_date", "settings.reporting_time_zone") }} as entered_at,
            case
                when computed.left_date is not null
                then {{ day_start("computed.left_date", "settings.reporting_time_zone") }}
            end as exited_at
        from computed
        cross join settings
    )

select *
from final
