-- Grain: one row per customer, channel and purpose of which something was said, with the consent that holds today. A
-- wider statement counts for what is inside its scope: `all` channels for each, purpose `all` for marketing, marketing
-- for its lists.
with
    changes as (select * from {{ ref("fct_consents") }}),

    scopes as (select customer_id, channel, purpose from changes where is_current),

    covering as ({{ consents_covering("changes", "scopes", "inner") }}),

    ranked as ({{ consents_ranked("covering", "customer_id, scope_channel, scope_purpose") }}),

    final as (
        select
            customer_id,
            scope_channel as channel,
            scope_purpose as purpose,
            status,
            source,
            status = 'opt_in' and not is_of_deleted as is_allowed,
            effective_at
        from ranked
        where decision_rank = 1
    )

select *
from final
