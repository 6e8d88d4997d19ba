-- Grain: one row per customer, channel and purpose (marketing, or all), for every channel of which anything is known:
-- the statement that holds there by what was said to the vendors. What was said of `all` channels is known of each.
with
    changes as (select * from {{ ref("fct_consents") }}),

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
    covering as ({{ consents_covering("changes", "scopes", "left") }}),

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
