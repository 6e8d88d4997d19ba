-- Grain: one row per vendor record and contact, with the names by which it is compared: given name, family name and the
-- whole, and the forms that stand for the given name.
with
    records as (select * from {{ ref("int_reported_records") }}),

    variants as (select * from {{ ref("given_name_variants") }}),

    scripted as (
        select
            *,
            {{ script_of("case when first_name_text is not null then first_name else full_name end") }} as script,
            {{ script_mark("script") }} as script_mark
        from records
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

    -- What a first name may stand as: its first word, all its words in one (those of a whole name but the last),
    -- and the names that it is a form of; in signs also with the family name.
    final as (
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
                                when full_name_text is distinct from last_name_text
                                then
                                    {{
                                        umlauts_folded(
                                            "replace(regexp_replace(full_name_text, ' [^ ]+$', ''), ' ', '')"
                                        )
                                    }}
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
    )

select *
from final
