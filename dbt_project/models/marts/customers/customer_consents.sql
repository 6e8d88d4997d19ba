-- Grain: one row per customer, channel and purpose of which something was said, with the consent that holds today. A
-- wider statement counts for what is inside its scope: `all` channels for each, purpose `all` for marketing, marketing
-- for its lists.
with
    changes as (select * from {{ ref("fct_consents") }}),

    -- Who says it counts: a record that said no takes it back itself.
    statements as (select * exclude (reported_by), unnest(coalesce(reported_by, [''])) as record from changes),

    scopes as (select customer_id, channel, purpose from changes where is_current),

    covering as (
        select
            scopes.customer_id,
            scopes.channel as scope_channel,
            scopes.purpose as scope_purpose,
            statements.source,
            statements.source_account,
            statements.channel,
            statements.purpose,
            statements.record,
            statements.status,
            statements.is_forced,
            statements.is_effective_at_inferred,
            statements.is_of_deleted,
            statements.effective_at
        from scopes
        inner join
            statements on scopes.customer_id = statements.customer_id and {{ consent_covers("statements", "scopes") }}
    ),

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
