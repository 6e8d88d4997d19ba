-- Grain: one row per customer and channel of which anything is known: whether marketing may be sent there today. What
-- was said of `all` channels is known of each; unknown is not allowed, and neither is whoever the vendors have
-- deleted, nor what only deleted records said yes to. Nor is an address or number that another customer carries too and
-- refuses: whoever reads there said no. The row of channel `all` allows only what no single channel refuses.
with
    changes as (select * from {{ ref("fct_consents") }}),

    -- Who says it counts: a record that said no takes it back itself.
    statements as (select * exclude (reported_by), unnest(coalesce(reported_by, [''])) as record from changes),

    customers as (select customer_id, is_deleted from {{ ref("dim_customers") }}),

    records as (select record_no, customer_id from {{ ref("int_record_customers") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

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

    decided as (select * from ranked where decision_rank = 1),

    refusals as (
        select
            customer_id,
            scope_channel,
            case
                when scope_channel = 'email'
                then 'email'
                when scope_channel in ('sms', 'phone', 'whatsapp')
                then 'phone'
            end as id_type
        from decided
        where status = 'opt_out'
    ),

    addresses as (
        select distinct records.customer_id, identifiers.id_type, identifiers.identifier_key
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        where identifiers.unusable_reason is null and identifiers.is_current
    ),

    refused_addresses as (
        select distinct refusals.customer_id, refusals.scope_channel, addresses.identifier_key
        from refusals
        inner join addresses on refusals.customer_id = addresses.customer_id and refusals.id_type = addresses.id_type
    ),

    refused_by_others as (
        select distinct addresses.customer_id, refused_addresses.scope_channel
        from refused_addresses
        inner join
            addresses
            on refused_addresses.identifier_key = addresses.identifier_key
            and refused_addresses.customer_id <> addresses.customer_id
    ),

    weighed as (
        select
            decided.*,
            refused_by_others.customer_id is not null as is_refused_by_another,
            bool_or(decided.status = 'opt_out' or refused_by_others.customer_id is not null) over (
                partition by decided.customer_id
            ) as is_anywhere_refused
        from decided
        left join
            refused_by_others
            on decided.customer_id = refused_by_others.customer_id
            and decided.scope_channel = refused_by_others.scope_channel
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
                when weighed.scope_channel = 'all' and weighed.status = 'opt_in' and weighed.is_anywhere_refused
                then 'no_to_a_channel'
                when weighed.status = 'opt_in' and weighed.is_refused_by_another
                then 'no_at_address'
                when weighed.channel = 'all' and weighed.status = 'opt_in'
                then 'yes_to_all_channels'
                when weighed.channel = 'all'
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
