-- Grain: one row per redemption, loyalty account or referrer, and profile of the vendor that it is of.
with
    profile_records as (select * from {{ ref("int_profile_records") }}),

    staged_redemptions as (select * from {{ source("staging", "redemptions") }}),

    staged_accounts as (select * from {{ source("staging", "loyalty_accounts") }}),

    final as (
        select distinct
            'redemption' as kind,
            staged_redemptions.source,
            staged_redemptions.source_account,
            staged_redemptions.redemption_id as fact_id,
            concat(profile_records.stream, '|', profile_records.source_record_id) as profile
        from staged_redemptions
        inner join profile_records on {{ is_of_profile("staged_redemptions") }}

        union all

        select distinct
            'account' as kind,
            staged_accounts.source,
            staged_accounts.source_account,
            staged_accounts.account_id as fact_id,
            concat(profile_records.stream, '|', profile_records.source_record_id) as profile
        from staged_accounts
        inner join profile_records on {{ is_of_profile("staged_accounts") }}

        union all

        select distinct
            'referrer' as kind,
            source,
            source_account,
            source_record_id as fact_id,
            concat(stream, '|', source_record_id) as profile
        from profile_records
    )

select *
from final
