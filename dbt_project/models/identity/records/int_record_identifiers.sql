-- Grain: one row per record and identifier it carries or has carried, with why it cannot link if it cannot. Where one
-- export date reports two confidences of an identifier, the more cautious counts.
with
    records as (select * from {{ ref("int_records") }}),

    identifiers as (select * from {{ source("staging", "customer_identifiers") }}),

    blocklist as (select * from {{ ref("identifier_blocklist") }}),

    overrides as (select * from {{ ref("identity_overrides") }}),

    outdated_contacts as (select * from {{ ref("int_outdated_contacts") }}),

    carried as (
        select
            records.record_no,
            identifiers.id_type,
            identifiers.id_namespace,
            identifiers.id_value,
            identifiers.id_link_value,
            identifiers.merge_confidence,
            identifiers.is_valid,
            identifiers.is_primary,
            identifiers.is_deliverable,
            case
                when records.is_contact
                then outdated_contacts.owner_record_id is null
                else identifiers.source_file = records.source_file and identifiers.source_row = records.source_row
            end as is_current,
            identifiers.export_date,
            coalesce(identifiers.first_seen_at, identifiers.extracted_at) as first_seen_at,
            coalesce(identifiers.last_seen_at, identifiers.extracted_at) as last_seen_at
        from identifiers
        inner join
            records
            on identifiers.owner_record_id = records.source_record_id
            and identifiers.source = records.source
            and identifiers.source_account = records.source_account
            and case when identifiers.owner_record_id like 'derived:%' then 'derived' else identifiers.stream end
            = records.stream_key
        left join
            outdated_contacts
            on records.is_contact
            and records.source = outdated_contacts.source
            and records.source_account = outdated_contacts.source_account
            and records.source_record_id = outdated_contacts.owner_record_id
        where identifiers.id_value is not null
    ),

    known as (
        select
            record_no,
            id_type,
            coalesce(id_namespace, '') as id_namespace,
            id_value,
            max(id_link_value) as id_link_value,
            case
                when id_type in ('vuid', 'push_token', 'tracking_id') and max(merge_confidence) = 'high'
                then 'low'
                else
                    max_by(
                        merge_confidence,
                        row(export_date, case merge_confidence when 'none' then 2 when 'low' then 1 else 0 end)
                    )
            end as merge_confidence,
            bool_or(is_valid) as is_valid,
            bool_or(is_current) as is_current,
            coalesce(bool_or(is_primary) filter (where is_current), false) as is_primary,
            coalesce(bool_and(is_deliverable) filter (where is_current), true) as is_deliverable,
            min(first_seen_at) as first_seen_at,
            max(last_seen_at) as last_seen_at
        from carried
        group by record_no, id_type, coalesce(id_namespace, ''), id_value
    ),

    parted as (
        select
            *,
            case
                when id_type = 'email' then split_part(split_part(id_link_value, '@', 1), '+', 1)
            end as email_local_part,
            case when id_type = 'email' then split_part(id_link_value, '@', 2) end as email_domain,
            id_type = 'phone' and {{ is_filler_number("id_link_value") }} as is_filler_number
        from known
    ),

    -- Ranges of numbers that regulators keep for fiction; each number is looked for once.
    patterns as (
        select numbers.id_type, numbers.id_link_value, min(blocklist.reason) as reason
        from
            (
                select distinct id_type, id_link_value
                from known
                where id_type in (select identifier_type from blocklist where match_kind = 'pattern')
            ) as numbers
        inner join
            blocklist
            on blocklist.match_kind = 'pattern'
            and numbers.id_type = blocklist.identifier_type
            and numbers.id_link_value like blocklist.value
        group by numbers.id_type, numbers.id_link_value
    ),

    -- All spellings of one value are blocked by any of them: of a Gmail address with its dots, or of a number as
    -- somebody typed it.
    blocked as (
        select known.id_type, known.id_link_value
        from known
        inner join
            (
                select distinct
                    identifier_type, {{ linking_spelling("identifier_type", "identifier_value") }} as spelling
                from overrides
                where rule = 'blocked'
            ) as decided
            on known.id_type = decided.identifier_type
            and decided.spelling in (
                {{ linking_spelling("known.id_type", "known.id_link_value") }},
                {{ linking_spelling("known.id_type", "known.id_value") }}
            )
        group by known.id_type, known.id_link_value
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
            and parted.id_link_value = whole.value
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
