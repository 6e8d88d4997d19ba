-- Grain: one row per customer, channel and purpose (marketing, or all), for every channel of which anything is known:
-- the statement that holds there by what was said to the vendors. What was said of `all` channels is known of each.
with
    changes as (select * from {{ ref("fct_consents") }}),

    -- Who says it counts: a record that said no takes it back itself.
    statements as (select * exclude (reported_by), unnest(coalesce(reported_by, [''])) as record from changes),

    {% set channels = consent_channels() -%}
    channels as (
        {% for channel in channels -%}
            select '{{ channel }}' as channel
            union all
        {% endfor -%}
        select 'all' as channel
    ),

    scopes as (
        select distinct
            changes.customer_id,
            channels.channel,
            unnest(if(changes.purpose = 'all', ['marketing', 'all'], ['marketing'])) as purpose
        from changes
        inner join channels on changes.channel in (channels.channel, 'all')
    ),

    -- A word on a list, or on another purpose, is none on marketing; that somebody said it stands as unknown.
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
            coalesce(statements.status, 'unknown') as status,
            coalesce(statements.is_forced, false) as is_forced,
            coalesce(statements.is_effective_at_inferred, false) as is_effective_at_inferred,
            coalesce(statements.is_of_deleted, false) as is_of_deleted,
            statements.effective_at
        from scopes
        left join
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
            channel as said_of_channel,
            is_of_deleted,
            effective_at
        from ranked
        where decision_rank = 1
    )

select *
from final
