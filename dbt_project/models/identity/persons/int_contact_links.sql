-- Grain: one row per contact, or record that it belongs to, and value of the identifier by which it does.
with
    contact_records as (select * from {{ ref("int_contact_records") }}),

    identifiers as not materialized(
        select * from {{ ref("int_record_identifiers") }} where unusable_reason is null and is_current
    ),

    shared_keys as (
        select
            contact_records.contact_no,
            contact_records.record_no,
            contact_records.belongs_by,
            min_by(own.identifier_key, row(own.id_type, own.id_namespace, own.id_value)) as identifier_key
        from contact_records
        inner join identifiers as own on contact_records.contact_no = own.record_no
        inner join
            identifiers as theirs
            on contact_records.record_no = theirs.record_no
            and own.identifier_key = theirs.identifier_key
        where
            contact_records.belongs_by = 'only_record'
            or own.id_type in ('profile_id', 'contact_id', 'customer_id', 'external_id')
        group by contact_records.contact_no, contact_records.record_no, contact_records.belongs_by
    ),

    ends as (
        select record_no, record_no as end_no, identifier_key, belongs_by
        from shared_keys
        group by record_no, identifier_key, belongs_by

        union all

        select record_no, contact_no as end_no, identifier_key, belongs_by
        from shared_keys
    ),

    final as (
        select
            ends.end_no as record_no,
            'belongs' as rule,
            ends.belongs_by as rule_detail,
            identifiers.id_type,
            identifiers.id_namespace,
            min(identifiers.id_value) as id_value,
            {{ run_hash(["'belongs'", "ends.record_no", "ends.identifier_key"]) }} as link_key,
            false as is_refused
        from ends
        inner join
            identifiers on ends.end_no = identifiers.record_no and ends.identifier_key = identifiers.identifier_key
        group by
            ends.end_no,
            ends.record_no,
            ends.identifier_key,
            ends.belongs_by,
            identifiers.id_type,
            identifiers.id_namespace
    )

select *
from final
