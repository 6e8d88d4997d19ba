-- What every model on consent shares: which statements cover a scope, and which of those that cover it holds (contracts.md, section 10).
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

-- Columns that `consent_rank` needs: what refusals there are among the statements of the partition.
{% macro consent_refusals(partition) -%}
    max(effective_at) filter (where status = 'opt_out') over (partition by {{ partition }}) as last_no_at,
    coalesce(bool_or(status = 'opt_out' and not is_effective_at_inferred) over (partition by {{ partition }}), false) as has_stated_no,
    min({{ stable_key(["source", "source_account"]) }}) filter (where status = 'opt_out') over (partition by {{ partition }}) as one_refused_vendor,
    max({{ stable_key(["source", "source_account"]) }}) filter (where status = 'opt_out') over (partition by {{ partition }}) as other_refused_vendor,
    coalesce(bool_or(status = 'opt_out' and is_forced) over (partition by {{ partition }}), false) as has_forced_no
{%- endmacro %}

-- Place of a statement among those of the partition; the first holds. A yes holds if it is later than every no, and forced wherever a no
-- is. The time of a yes that was inferred is the night that first delivered it: it may have been said long before, so it holds only against
-- a no of the same vendor whose time was inferred too, for there the vendor changed its word. Unknown holds where nothing else was said.
{% macro consent_rank(partition) -%}
    row_number() over (
        partition by {{ partition }}
        order by
            status = 'unknown',
            status = 'opt_in'
            and (
                effective_at <= last_no_at
                or (
                    is_effective_at_inferred
                    and (
                        has_stated_no
                        or {{ stable_key(["source", "source_account"]) }} <> one_refused_vendor
                        or {{ stable_key(["source", "source_account"]) }} <> other_refused_vendor
                    )
                )
                or (has_forced_no and not is_forced)
            ) is true,
            effective_at desc,
            status = 'opt_out' desc,
            is_effective_at_inferred,
            is_forced desc,
            source,
            source_account,
            channel,
            purpose
    )
{%- endmacro %}
