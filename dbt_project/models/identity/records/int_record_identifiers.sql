-- Grain: one row per record and identifier it carries or has carried, with why it cannot link if it cannot.
with
    known as (select * from {{ ref("int_known_identifiers") }}),

    blocklist as (select * from {{ ref("int_blocklist") }}),

    patterns as (select * from {{ ref("int_pattern_identifiers") }}),

    blocked as (select * from {{ ref("int_blocked_identifiers") }}),

    parted as (
        select
            *,
            case
                when id_type = 'email' then split_part(split_part(id_link_value, '@', 1), '+', 1)
            end as email_local_part,
            case when id_type = 'email' then split_part(id_link_value, '@', 2) end as email_domain,
            -- People know documents without their kind.
            case
                when id_type = 'document' then lower(split_part(id_link_value, ':', -1)) else id_link_value
            end as whole_value,
            id_type = 'phone' and {{ is_filler_number("id_link_value") }} as is_filler_number
        from known
    ),

    final as (
        select
            parted.record_no,
            {{ run_hash(["parted.id_type", "parted.id_namespace", "parted.id_link_value"]) }} as identifier_key,
            parted.id_type,
            parted.id_namespace,
            parted.id_value,
            parted.id_link_value,
            case
                when not coalesce(parted.is_valid, false) or parted.id_link_value is null
                then 'invalid'
                when blocked.id_type is not null
                then 'blocked'
                when parted.is_filler_number
                then 'placeholder'
                when parted.merge_confidence = 'none'
                then 'never_links'
                else coalesce(whole.reason, patterns.reason, local_parts.reason, domains.reason, endings.reason)
            end as unusable_reason,
            parted.merge_confidence = 'low' as is_weak,
            parted.is_current,
            parted.is_primary,
            parted.is_deliverable,
            parted.first_seen_at,
            parted.last_seen_at
        from parted
        left join
            blocklist as whole
            on whole.match_kind = 'exact'
            and parted.id_type = whole.identifier_type
            and parted.whole_value = whole.value
        left join patterns on parted.id_type = patterns.id_type and parted.id_link_value = patterns.id_link_value
        left join
            blocklist as local_parts
            on local_parts.match_kind = 'local_part'
            and parted.id_type = local_parts.identifier_type
            and parted.email_local_part = local_parts.value
        left join
            blocklist as domains
            on domains.match_kind = 'domain'
            and parted.id_type = domains.identifier_type
            and parted.email_domain = domains.value
        left join
            blocklist as endings
            on endings.match_kind = 'domain_ending'
            and parted.id_type = endings.identifier_type
            and split_part(parted.email_domain, '.', -1) = endings.value
        left join blocked on parted.id_type = blocked.id_type and parted.id_link_value = blocked.id_link_value
    )

select *
from final
