-- Grain: one row per version of a record that names an e-mail address or phone number that may be shown: the best of
-- each. Best is one that links, then the vendor's first, then one that messages reach, then the smallest.
with
    versions as (select * from {{ ref("int_record_versions") }} where not is_deleted),

    records as (select * from {{ ref("int_records") }}),

    judged as (
        select record_no, id_type, id_value, unusable_reason is null as is_usable
        from {{ ref("int_record_identifiers") }}
        where
            id_type in ('email', 'phone')
            and (unusable_reason is null or unusable_reason not in ('invalid', 'placeholder'))
    ),

    identifiers as (select * from {{ source("staging", "customer_identifiers") }} where id_type in ('email', 'phone')),

    -- Put together first, because addresses are shared: joined by address alone they would be many times as many.
    named as materialized(
        select
            versions.record_no,
            versions.valid_from,
            identifiers.id_type,
            identifiers.id_value,
            identifiers.is_primary,
            identifiers.is_deliverable
        from versions
        inner join records on versions.record_no = records.record_no
        inner join
            identifiers
            on versions.source_file = identifiers.source_file
            and versions.source_row = identifiers.source_row
            and records.source_record_id = identifiers.owner_record_id
    ),

    ranked as (
        select
            named.record_no,
            named.valid_from,
            named.id_type,
            named.id_value,
            concat(
                cast(not judged.is_usable as integer),
                cast(not coalesce(named.is_primary, false) as integer),
                cast(not coalesce(named.is_deliverable, true) as integer),
                named.id_value
            ) as preference,
            judged.is_usable
        from named
        inner join
            judged
            on named.record_no = judged.record_no
            and named.id_type = judged.id_type
            and named.id_value = judged.id_value
    ),

    final as (
        select
            record_no,
            valid_from,
            min_by(id_value, preference) filter (where id_type = 'email') as email,
            min_by(id_value, preference) filter (where id_type = 'phone') as phone,
            coalesce(bool_or(is_usable) filter (where id_type = 'email'), false) as is_email_usable,
            coalesce(bool_or(is_usable) filter (where id_type = 'phone'), false) as is_phone_usable
        from ranked
        group by record_no, valid_from
    )

select *
from final
