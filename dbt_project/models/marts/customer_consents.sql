-- Grain: one row per customer, channel and purpose with the consent that holds today.
-- A no to all channels is a no to each, unless the channel has a later yes of its own.
with
    consents as (select * from {{ ref("fct_consents") }}),

    deciding as (select * from consents where is_current),

    no_to_all as (select * from deciding where channel = 'all' and status = 'opt_out'),

    judged as (
        select
            deciding.*,
            no_to_all.source as all_source,
            no_to_all.effective_at as all_effective_at,
            coalesce(deciding.status = 'unknown' or no_to_all.effective_at >= deciding.effective_at, false)
            and no_to_all.customer_id is not null as is_refused_for_all
        from deciding
        left join no_to_all on deciding.customer_id = no_to_all.customer_id and deciding.purpose = no_to_all.purpose and deciding.channel <> 'all'
    ),

    final as (
        select
            customer_id,
            channel,
            purpose,
            case when is_refused_for_all then 'opt_out' else status end as status,
            case when is_refused_for_all then all_source else source end as source,
            status = 'opt_in' and not is_refused_for_all as is_allowed,
            case when is_refused_for_all then all_effective_at else effective_at end as effective_at
        from judged
    )

select *
from final
