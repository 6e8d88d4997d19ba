-- Grain: one row per vendor record, and per set of identifiers that orders, events and the like carry (a contact), with
-- what of its person is compared with others.
with
    named as (select * from {{ ref("int_named_records") }}),

    blocklist as (
        select distinct lower(trim(value)) as given_name
        from {{ ref("identifier_blocklist") }}
        where identifier_type = 'first_name'
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
                when length(named.given_name) > 1 and blocklist.given_name is null
                then named.script_mark || named.given_name
            end as first_name_key,
            case
                when length(named.given_name) > 1 and blocklist.given_name is null
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
                when (named.whole_name like '% %' or named.script_mark <> '') and blocklist.given_name is null
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
        from named
        left join blocklist on named.given_name = blocklist.given_name
    )

select *
from final
