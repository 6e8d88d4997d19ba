-- Grain: one row per vendor record, and per set of identifiers that orders, events and the like carry (a contact). The
-- newest observation speaks for the record, an earlier one where it says nothing of who the person is; a record is gone
-- by the vendor's word, be it in the record or by an event since, or when a full delivery leaves it out.
{% set evidence %}
    first_name_text,
    last_name_text,
    full_name_text,
    full_name,
    first_name,
    birth_date,
    postal_code,
    city,
    address_line_1
{% endset %}
with
    staged_customers as not materialized(select * from {{ source("staging", "customers") }}),

    staged_contacts as not materialized(select * from {{ source("staging", "contacts") }}),

    gaps as (select * from {{ ref("int_delivery_gaps") }}),

    deletions as (select * from {{ ref("int_reported_deletions") }}),

    blocklist as (select * from {{ ref("identifier_blocklist") }}),

    placeholders as (select * from {{ ref("name_placeholders") }}),

    {{ nameless(["staged_customers", "staged_contacts"]) }},

    variants as (select * from {{ ref("given_name_variants") }}),

    -- Most records are reported in one version: only of the others versions are put in order and compared.
    repeated_customers as (select alias_id from staged_customers group by alias_id having count(*) > 1),

    repeated_contacts as (select alias_id from staged_contacts group by alias_id having count(*) > 1),

    changed_customers as (select * from staged_customers where alias_id in (select alias_id from repeated_customers)),

    changed_contacts as (select * from staged_contacts where alias_id in (select alias_id from repeated_contacts)),

    single_customers as (
        select * from staged_customers where alias_id not in (select alias_id from repeated_customers)
    ),

    single_contacts as (select * from staged_contacts where alias_id not in (select alias_id from repeated_contacts)),

    customers as ({{ evidence_last_said("changed_customers") }}),

    contacts as ({{ evidence_last_said("changed_contacts", changed_at="seen_at") }}),

    customers_reported_once as ({{ evidence_said_once("single_customers") }}),

    contacts_reported_once as ({{ evidence_said_once("single_contacts") }}),

    vendor_records as (
        select
            alias_id,
            source,
            source_account,
            stream,
            stream as stream_key,
            source_record_id,
            source_file,
            source_row,
            false as is_contact,
            false as is_lead_only,
            coalesce(is_deleted, false) as is_deleted,
            min(export_date) over record as first_export_date,
            last_export_date,
            source_updated_at,
            min(least(first_seen_at, created_at, acquired_at)) over record as first_seen_at,
            max(greatest(last_seen_at, source_updated_at)) over record as last_seen_at,
            {{ evidence }}
        from customers
        window record as (partition by alias_id)
        qualify row_number() over (partition by alias_id order by {{ newest_first() }}) = 1

        union all

        select
            alias_id,
            source,
            source_account,
            stream,
            stream as stream_key,
            source_record_id,
            source_file,
            source_row,
            false as is_contact,
            false as is_lead_only,
            coalesce(is_deleted, false) as is_deleted,
            export_date as first_export_date,
            last_export_date,
            source_updated_at,
            least(first_seen_at, created_at, acquired_at) as first_seen_at,
            greatest(last_seen_at, source_updated_at) as last_seen_at,
            {{ evidence }}
        from customers_reported_once
    ),

    contact_records as (
        select
            alias_id,
            source,
            source_account,
            min_by(stream, concat(cast(export_date as varchar), stream)) over contact as stream,
            'derived' as stream_key,
            source_record_id,
            source_file,
            source_row,
            true as is_contact,
            bool_and(coalesce(is_lead_only, false)) over contact as is_lead_only,
            false as is_deleted,
            coalesce(
                min(case when is_lead_only then null else export_date end) over contact, min(export_date) over contact
            ) as first_export_date,
            last_export_date,
            null as source_updated_at,
            min(coalesce(first_seen_at, seen_at)) over contact as first_seen_at,
            max(seen_at) over contact as last_seen_at,
            {{ evidence }}
        from contacts
        window contact as (partition by alias_id)
        qualify row_number() over (partition by alias_id order by {{ newest_first(changed_at="seen_at") }}) = 1

        union all

        select
            alias_id,
            source,
            source_account,
            stream,
            'derived' as stream_key,
            source_record_id,
            source_file,
            source_row,
            true as is_contact,
            coalesce(is_lead_only, false) as is_lead_only,
            false as is_deleted,
            export_date as first_export_date,
            last_export_date,
            null as source_updated_at,
            coalesce(first_seen_at, seen_at) as first_seen_at,
            seen_at as last_seen_at,
            {{ evidence }}
        from contacts_reported_once
    ),

    records as (
        select *
        from vendor_records

        union all

        select *
        from contact_records
    ),

    deleted_since as (
        select records.alias_id, min(deletions.export_date) as deleted_on
        from records
        inner join
            deletions
            on not records.is_contact
            and records.source = deletions.source
            and records.source_account = deletions.source_account
            and records.source_record_id = deletions.source_record_id
            and (
                records.last_export_date < deletions.export_date
                or (
                    records.last_export_date = deletions.export_date
                    and coalesce(records.source_updated_at <= deletions.deleted_at, true)
                )
            )
        group by records.alias_id
    ),

    keyed as (
        select
            records.*,
            case
                when records.is_deleted
                then records.last_export_date
                else least(gaps.next_full_date, deleted_since.deleted_on)
            end as deleted_on
        from records
        left join
            gaps
            on not records.is_contact
            and records.source = gaps.source
            and records.source_account = gaps.source_account
            and records.stream = gaps.stream
            and records.last_export_date = gaps.export_date
        left join deleted_since on records.alias_id = deleted_since.alias_id
    ),

    scripted as (
        select
            *,
            {{ script_of("case when first_name_text is not null then first_name else full_name end") }} as script,
            {{ script_mark("script") }} as script_mark
        from keyed
    ),

    named as (
        select
            scripted.*,
            case
                -- Signs of a whole name do not show where the given name begins: the family name stands before, with a
                -- blank or without.
                when script_mark <> ''
                then
                    replace(
                        case
                            when first_name_text is not null
                            then first_name_text
                            when full_name_text is distinct from last_name_text
                            then full_name_text
                        end,
                        ' ',
                        ''
                    )
                else
                    split_part(
                        case
                            when first_name_text is not null
                            then first_name_text
                            when full_name_text is distinct from last_name_text
                            then full_name_text
                        end,
                        ' ',
                        1
                    )
            end as given_name,
            case
                when script_mark <> ''
                then replace(last_name_text, ' ', '')
                else
                    coalesce(
                        last_name_text, case when full_name_text like '% %' then split_part(full_name_text, ' ', -1) end
                    )
            end as family_name,
            case
                when script_mark <> ''
                then replace(coalesce(last_name_text || first_name_text, full_name_text), ' ', '')
                else coalesce(first_name_text || ' ' || last_name_text, full_name_text)
            end as whole_name
        from scripted
    ),

    -- What a first name may stand as: its first word, all its words in one, and the names that it is a form of; in
    -- signs also with the family name.
    named_forms as (
        select
            named.*,
            case
                when script_mark <> ''
                then
                    list_distinct(
                        [
                            script_mark || given_name,
                            script_mark || coalesce(family_name, '') || given_name,
                            script_mark || given_name || coalesce(family_name, '')
                        ]
                    )
                else
                    list_concat(
                        [
                            {{ umlauts_folded("given_name") }},
                            case
                                when first_name_text is not null
                                then {{ umlauts_folded("replace(first_name_text, ' ', '')") }}
                                else {{ umlauts_folded("given_name") }}
                            end
                        ],
                        coalesce(variants.forms, [])
                    )
            end as forms,
            variants.name is not null as is_known
        from named
        left join
            (
                select name, list(concat('form of ', variant_of) order by variant_of) as forms
                from variants
                group by name
            ) as variants
            on named.given_name = variants.name
            and named.script_mark = ''
    ),

    final as (
        select
            {{ record_number("named.alias_id") }} as record_no,
            named.alias_id,
            named.source,
            named.source_account,
            named.stream,
            named.stream_key,
            named.source_record_id,
            named.source_file,
            named.source_row,
            case
                when length(named.given_name) > 1 and blocklist.value is null then named.script_mark || named.given_name
            end as first_name_key,
            case
                when length(named.given_name) > 1 and blocklist.value is null
                then
                    struct_pack(
                        forms := named.forms,
                        family := named.script_mark || {{ umlauts_folded("replace(named.family_name, ' ', '')") }},
                        words := case
                            when named.whole_name like '% %' then {{ sorted_words(umlauts_folded("named.whole_name")) }}
                        end,
                        is_known := named.is_known,
                        script := named.script
                    )
            end as naming,
            named.last_name_text as last_name_key,
            case
                when (named.whole_name like '% %' or named.script_mark <> '') and blocklist.value is null
                then named.script_mark || {{ umlauts_folded("named.whole_name") }}
            end as full_name_key,
            {{ plain_text("named.postal_code") }} as postal_code_key,
            {{ plain_text("named.city") }} as city_key,
            {{ plain_text("named.address_line_1") }} as address_key,
            named.is_contact,
            named.is_lead_only,
            named.deleted_on is not null as is_deleted,
            named.birth_date,
            named.deleted_on,
            named.first_export_date,
            named.last_export_date,
            named.first_seen_at,
            named.last_seen_at
        from named_forms as named
        left join blocklist on blocklist.identifier_type = 'first_name' and named.given_name = blocklist.value
    )

select *
from final
