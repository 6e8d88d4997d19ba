-- Grain: one row per customer and channel of which anything is known: whether marketing may be sent there today. What
-- was said of `all` channels is known of each; unknown is not allowed, and neither is whoever the vendors have
-- deleted, nor what only deleted records said yes to. The row of channel `all` allows only what no single channel
-- refuses.
with
    changes as (select * from {{ ref("fct_consents") }}),

    -- Who says it counts: a record that said no takes it back itself.
    statements as (select * exclude (reported_by), unnest(coalesce(reported_by, [''])) as record from changes),

    customers as (select customer_id, is_deleted from {{ ref("dim_customers") }}),

    {% set channels = consent_channels() -%}
    channels as (
        {% for channel in channels -%}
            select '{{ channel }}' as channel
            union all
        {% endfor -%}
        select 'all' as channel
    ),

    scopes as (
        select distinct changes.customer_id, channels.channel, 'marketing' as purpose
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

    ranked as ({{ consents_ranked("covering", "customer_id, scope_channel") }}),

    decided as (
        select *, coalesce(bool_or(status = 'opt_out') over (partition by customer_id), false) as is_anywhere_refused
        from ranked
        where decision_rank = 1
    ),

    judged as (
        select
            decided.*,
            case
                when customers.is_deleted or (decided.status = 'opt_in' and decided.is_of_deleted)
                then 'deleted'
                when decided.source is null
                then 'no_word_on_marketing'
                when decided.status = 'unknown'
                then 'unknown'
                when decided.scope_channel = 'all' and decided.status = 'opt_in' and decided.is_anywhere_refused
                then 'no_to_a_channel'
                when decided.channel = 'all' and decided.status = 'opt_in'
                then 'yes_to_all_channels'
                when decided.channel = 'all'
                then 'no_to_all_channels'
                when decided.status = 'opt_in'
                then 'yes'
                else 'no'
            end as reason
        from decided
        inner join customers on decided.customer_id = customers.customer_id
    ),

    final as (
        select
            customer_id,
            scope_channel as channel,
            scope_purpose as purpose,
            status,
            source,
            reason,
            reason in ('yes', 'yes_to_all_channels') as is_allowed,
            effective_at
        from judged
    )

select *
from final
