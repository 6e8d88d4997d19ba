-- What every model on consent shares: which statements cover a scope, and which of those that cover it holds.
-- Channels that `all` stands for.
{% macro consent_channels() -%} {{ return(["email", "sms", "phone", "push", "whatsapp", "post"]) }} {%- endmacro %}

-- Join condition: the statement says something of the channel and purpose of `scope`, for scopes nest.
{% macro consent_covers(statement, scope) -%}
    {{ statement }}.channel in ({{ scope }}.channel, 'all')
    and (
        {{ statement }}.purpose in ({{ scope }}.purpose, 'all')
        or ({{ statement }}.purpose = 'marketing' and starts_with({{ scope }}.purpose, 'list:'))
    )
{%- endmacro %}

-- Query of the statements that cover each of the relation `scopes`, with the scope they cover. Who says it counts: a
-- record that said no takes it back itself. A scope that nothing covers is there with an unknown status by a left join.
{% macro consents_covering(changes, scopes, join) -%}
    select
        {{ scopes }}.customer_id,
        {{ scopes }}.channel as scope_channel,
        {{ scopes }}.purpose as scope_purpose,
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
    from {{ scopes }} {{ join }}
    join
        (select * exclude (reported_by), unnest(coalesce(reported_by, [''])) as record from {{ changes }}) as statements
        on {{ scopes }}.customer_id = statements.customer_id
        and {{ consent_covers("statements", scopes) }}
{%- endmacro %}

-- Query of the statements of a relation, each with its place among those of its partition (`decision_rank`; the first
-- holds) and with what decides that: when its `record` last said yes there, and what refusals there are. A yes holds if
-- it is later than every no. A forced no is undone by a forced yes alone; after that one a later yes of any kind counts
-- again. The time of a yes that was inferred is the day that first delivered it: it may have been said long before, so
-- it holds only where no time of a no was stated and every record that said no has since said yes itself, for there the
-- vendor changed its word. Unknown holds where nothing else was said, and so does a yes of which all records are
-- deleted; a no outlives its record.
{% macro consents_ranked(statements, partition, record="record") -%}
    select
        *,
        row_number() over (
            partition by {{ partition }}
            order by
                status = 'unknown' or (status = 'opt_in' and is_of_deleted),
                status = 'opt_in'
                and (
                    effective_at <= last_no_at
                    or (is_effective_at_inferred and (has_stated_no or has_record_of_no))
                    or (
                        last_forced_no_at is not null
                        and not is_forced
                        and not coalesce(last_forced_yes_at > last_forced_no_at, false)
                    )
                )
                is true,
                effective_at desc,
                status = 'opt_out' desc,
                is_effective_at_inferred,
                is_forced desc,
                source,
                source_account,
                channel,
                purpose
        ) as decision_rank
    from
        (
            select
                *,
                max(effective_at) filter (where status = 'opt_out') over (partition by {{ partition }}) as last_no_at,
                coalesce(
                    bool_or(status = 'opt_out' and not is_effective_at_inferred) over (partition by {{ partition }}),
                    false
                ) as has_stated_no,
                coalesce(
                    bool_or(status = 'opt_out' and not coalesce(record_yes_at > effective_at, false)) over (
                        partition by {{ partition }}
                    ),
                    false
                ) as has_record_of_no,
                max(effective_at) filter (where status = 'opt_out' and is_forced) over (
                    partition by {{ partition }}
                ) as last_forced_no_at,
                max(effective_at) filter (
                    where status = 'opt_in' and is_forced and not is_effective_at_inferred and not is_of_deleted
                ) over (partition by {{ partition }}) as last_forced_yes_at
            from
                (
                    select
                        *,
                        max(effective_at) filter (where status = 'opt_in' and not is_of_deleted) over (
                            partition by {{ partition }}, source, source_account, {{ record }}
                        ) as record_yes_at
                    from {{ statements }}
                )
        )
{%- endmacro %}
