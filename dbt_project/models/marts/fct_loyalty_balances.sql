-- Grain: one row per loyalty account, as last observed.
with
    staged as (select * from {{ source("staging", "loyalty_accounts") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    newest as (
        select *
        from staged
        qualify
            row_number() over (
                partition by source, source_account, account_id, balance_type
                order by {{ newest_first(changed_at="extracted_at") }}
            )
            = 1
    ),

    final as (
        select
            newest.account_id,
            owners.customer_id,
            newest.source,
            newest.source_account,
            newest.source_profile_id,
            newest.program_id,
            newest.program_name,
            newest.balance_type,
            newest.tier_id,
            newest.tier_name,
            newest.currency,
            newest.balance,
            newest.pending,
            newest.expiring,
            newest.referred_customers,
            newest.export_date as observed_date,
            newest.expires_at
        from newest
        left join owners on {{ is_owner("newest") }}
    )

select *
from final
