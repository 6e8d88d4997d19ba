-- Grain: one row per customer, channel and purpose (marketing, or all) that they refuse, or that somebody refuses who
-- carries an address, number or device of theirs: whoever reads there said no. Also an address that links nobody, as
-- that of an office, is one address; a placeholder is nobody's, and what is said there is said of nobody who has an
-- address of their own.
with
    consents as (select * from {{ ref("int_channel_consents") }}),

    records as (select record_no, customer_id from {{ ref("int_record_customers") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    refusals as (
        select
            customer_id,
            channel,
            purpose,
            case
                when channel = 'email'
                then 'email'
                when channel in ('sms', 'phone', 'whatsapp')
                then 'phone'
                when channel = 'push'
                then 'push_token'
            end as id_type
        from consents
        where status = 'opt_out'
    ),

    addresses as (
        select distinct
            records.customer_id,
            identifiers.id_type,
            identifiers.identifier_key,
            coalesce(identifiers.unusable_reason = 'placeholder', false) as is_placeholder
        from identifiers
        inner join records on identifiers.record_no = records.record_no
        where
            identifiers.id_type in ('email', 'phone', 'push_token')
            and identifiers.is_current
            and identifiers.unusable_reason is distinct from 'invalid'
    ),

    with_own_address as (select distinct customer_id, id_type from addresses where not is_placeholder),

    -- Whether anybody else refuses an address shows in the first and last of those who do, however many they are.
    refused_addresses as (
        select
            refusals.channel,
            refusals.purpose,
            addresses.identifier_key,
            min(refusals.customer_id) as first_refuser,
            max(refusals.customer_id) as last_refuser
        from refusals
        inner join addresses on refusals.customer_id = addresses.customer_id and refusals.id_type = addresses.id_type
        group by refusals.channel, refusals.purpose, addresses.identifier_key
    ),

    of_others as (
        select distinct addresses.customer_id, refused_addresses.channel, refused_addresses.purpose
        from refused_addresses
        inner join addresses on refused_addresses.identifier_key = addresses.identifier_key
        left join
            with_own_address
            on addresses.is_placeholder
            and addresses.customer_id = with_own_address.customer_id
            and addresses.id_type = with_own_address.id_type
        where
            with_own_address.customer_id is null
            and (
                addresses.customer_id not in (refused_addresses.first_refuser, refused_addresses.last_refuser)
                or refused_addresses.first_refuser <> refused_addresses.last_refuser
            )
    ),

    final as (
        select customer_id, channel, purpose
        from refusals
        union
        select customer_id, channel, purpose
        from of_others
    )

select *
from final
