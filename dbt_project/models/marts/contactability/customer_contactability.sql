-- Grain: one row per customer and channel of which anything is known: whether marketing may be sent there today. What
-- was said of `all` channels is known of each; unknown is not allowed, and neither is whoever the vendors have
-- deleted, nor what only deleted records said yes to. Nor is an address, number or device that another customer carries
-- too and refuses: whoever reads there said no. The row of channel `all` allows only what no single channel refuses.
with
    consents as (select * from {{ ref("int_channel_consents") }} where purpose = 'marketing'),

    refusals as (select customer_id, channel from {{ ref("int_channel_refusals") }} where purpose = 'marketing'),

    customers as (select customer_id, is_deleted from {{ ref("dim_customers") }}),

    weighed as (
        select
            consents.*,
            refusals.customer_id is not null as is_refused,
            bool_or(refusals.customer_id is not null) over (partition by consents.customer_id) as is_anywhere_refused
        from consents
        left join refusals on consents.customer_id = refusals.customer_id and consents.channel = refusals.channel
    ),

    judged as (
        select
            weighed.*,
            case
                when customers.is_deleted or (weighed.status = 'opt_in' and weighed.is_of_deleted)
                then 'deleted'
                when weighed.source is null
                then 'no_word_on_marketing'
                when weighed.status = 'unknown'
                then 'unknown'
                when weighed.channel = 'all' and weighed.status = 'opt_in' and weighed.is_anywhere_refused
                then 'no_to_a_channel'
                when weighed.status = 'opt_in' and weighed.is_refused
                then 'no_at_address'
                when weighed.said_of_channel = 'all' and weighed.status = 'opt_in'
                then 'yes_to_all_channels'
                when weighed.said_of_channel = 'all'
                then 'no_to_all_channels'
                when weighed.status = 'opt_in'
                then 'yes'
                else 'no'
            end as reason
        from weighed
        inner join customers on weighed.customer_id = customers.customer_id
    ),

    final as (
        select
            customer_id,
            channel,
            purpose,
            status,
            source,
            reason,
            reason in ('yes', 'yes_to_all_channels') as is_allowed,
            effective_at
        from judged
    )

select *
from final
