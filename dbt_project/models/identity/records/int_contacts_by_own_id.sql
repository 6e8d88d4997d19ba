-- Grain: one row per contact that names a vendor record of its account by that record's own id, with the record.
with
    held as (select * from {{ ref("int_held_identifiers") }}),

    own_ids as (
        select
            source,
            source_account,
            identifier_key,
            min_by(record_no, record_order) as record_no,
            min(record_order) as record_order
        from held
        where not is_contact and own_id_rank is not null
        group by source, source_account, identifier_key
    ),

    final as (
        select
            held.record_no as contact_no,
            min_by(own_ids.record_no, concat(cast(held.own_id_rank as varchar), own_ids.record_order)) as record_no
        from held
        inner join
            own_ids
            on held.source = own_ids.source
            and held.source_account = own_ids.source_account
            and held.identifier_key = own_ids.identifier_key
        where held.is_contact
        group by held.record_no
    )

select *
from final
