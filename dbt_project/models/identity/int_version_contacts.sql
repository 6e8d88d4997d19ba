-- Grain: one row per version of a record that names an e-mail address or phone number that may be shown: the best of each.
-- Best is one that links, then the vendor's first, then one that messages reach, then the smallest.
with
    versions as (select * from {{ ref("int_record_versions") }} where not is_deleted),

    records as (select * from {{ ref("int_records") }}),

    judged as (select * from {{ ref("int_record_identifiers") }}),

    identifiers as (select * from {{ source("staging", "customer_identifiers") }} where id_type in ('email', 'phone')),

    ranked as (
        select
            versions.record_no,
            versions.valid_from,
            identifiers.id_type,
            identifiers.id_value,
            concat(
                cast(judged.unusable_reason is not null as integer),
                cast(not coalesce(identifiers.is_primary, false) as integer),
                cast(not coalesce(identifiers.is_deliverable, true) as integer),
                identifiers.id_value
            ) as preference,
            judged.unusable_reason is null as is_usable
        from versions
        inner join records on versions.record_no = records.record_no
        inner join
            identifiers
            on versions.source_file = identifiers.source_file
            and versions.source_row = identifiers.source_row
            and records.source_record_id = identifiers.owner_record_id
        inner join judged on versions.record_no = judged.record_no and identifiers.id_type = judged.id_type and identifiers.id_value = judged.id_value
        where judged.unusable_reason is null or judged.unusable_reason not in ('invalid', 'placeholder')
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
