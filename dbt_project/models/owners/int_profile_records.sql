-- Grain: one row per vendor record of a person with another record in the same stream, and record with rows of its own:
-- itself, its like in other streams under the same id, and the contacts that belong to either. Nobody else has several
-- profiles at a vendor: there all rows of the person are the one profile's.
with
    records as not materialized(select * from {{ ref("int_record_customers") }}),

    belongings as (select * from {{ ref("int_contact_records") }}),

    identifiers as (select * from {{ ref("int_record_identifiers") }}),

    profiles as (
        select
            record_no,
            source,
            source_account,
            stream,
            stream_key,
            source_record_id,
            customer_id,
            is_deleted,
            count(*) filter (where not is_deleted) over (
                partition by source, source_account, stream, customer_id
            ) as profile_count
        from records
        where not is_contact and customer_id is not null
    ),

    rivals as (select * from profiles where profile_count > 1),

    own_ids as (
        select record_no, identifier_key
        from identifiers
        where
            is_current
            and unusable_reason is null
            and id_type in ('profile_id', 'contact_id', 'customer_id', 'external_id')
        group by record_no, identifier_key
    ),

    alike as (
        select rivals.record_no as profile_no, profiles.record_no
        from rivals
        inner join own_ids on rivals.record_no = own_ids.record_no
        inner join own_ids as other_ids on own_ids.identifier_key = other_ids.identifier_key
        inner join
            profiles
            on other_ids.record_no = profiles.record_no
            and rivals.source = profiles.source
            and rivals.source_account = profiles.source_account
            and rivals.customer_id = profiles.customer_id
            and rivals.stream <> profiles.stream
        union
        select record_no as profile_no, record_no
        from rivals
    ),

    owned as (
        select profile_no, record_no
        from alike
        union
        select alike.profile_no, belongings.contact_no as record_no
        from alike
        inner join belongings on alike.record_no = belongings.record_no
    ),

    final as (
        select
            rivals.source,
            rivals.source_account,
            rivals.stream,
            rivals.source_record_id,
            records.stream_key as owner_stream_key,
            records.source_record_id as owner_record_id
        from owned
        inner join rivals on owned.profile_no = rivals.record_no
        inner join records on owned.record_no = records.record_no
    )

select *
from final
