-- Grain: one row per lead; a lead alone is no person, so customer_id is there only if its contact belongs to one.
with
    staged as (select * from {{ source("staging", "leads") }}),

    owners as (select * from {{ ref("int_owner_customers") }}),

    identifiers as (select * from {{ ref("bridge_customer_identifiers") }}),

    newest as (
        {{
            last_said(
                "staged",
                "source, source_account, lead_id",
                columns=[
                    "owner_record_id",
                    "name",
                    "contact_value",
                    "lead_source",
                    "created_at",
                    "source_updated_at",
                    "metadata",
                ],
                followers={"contact_type": "contact_value"},
            )
        }}
    ),

    -- An address or number of one person only, whichever vendor knows it.
    holders as (
        select identifier_type, identifier_value, min(customer_id) as customer_id
        from identifiers
        where
            is_linking
            and identifier_type in ('email', 'phone')
            and identifier_value in (select contact_value from newest)
        group by identifier_type, identifier_value
        having count(distinct customer_id) = 1
    ),

    final as (
        select
            newest.lead_id,
            coalesce(owners.customer_id, holders.customer_id) as customer_id,
            newest.source,
            newest.source_account,
            newest.name,
            newest.contact_type,
            newest.contact_value,
            newest.lead_source,
            cast(newest.metadata as varchar) as metadata,
            newest.created_at,
            newest.source_updated_at
        from newest
        left join owners on {{ is_owner("newest") }}
        left join
            holders on newest.contact_type = holders.identifier_type and newest.contact_value = holders.identifier_value
    )

select *
from final
