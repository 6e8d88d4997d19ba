-- Grain: one row per staged order row, or version of an event that reports an order, with a buyer whom the newest
-- contradicts: two addresses, or two ids, of which none is the same. A version that only names less contradicts
-- nothing.
with
    corrected as (select * from {{ ref("int_corrected_buyers") }}),

    identifiers as (
        select
            source,
            source_account,
            owner_record_id,
            id_type,
            coalesce(id_namespace, '') as id_namespace,
            coalesce(id_link_value, id_value) as id_value
        from {{ source("staging", "customer_identifiers") }}
    ),

    contradicted as (
        select corrected.source, corrected.source_account, corrected.owner_record_id, corrected.newest_owner_record_id
        from corrected
        inner join
            identifiers
            on corrected.source = identifiers.source
            and corrected.source_account = identifiers.source_account
            and corrected.owner_record_id = identifiers.owner_record_id
        inner join
            identifiers as newer
            on corrected.source = newer.source
            and corrected.source_account = newer.source_account
            and corrected.newest_owner_record_id = newer.owner_record_id
            and identifiers.id_type = newer.id_type
            and identifiers.id_namespace = newer.id_namespace
        group by
            corrected.source,
            corrected.source_account,
            corrected.owner_record_id,
            corrected.newest_owner_record_id,
            identifiers.id_type,
            identifiers.id_namespace
        having not bool_or(identifiers.id_value = newer.id_value)
    ),

    final as (
        select
            corrected.source,
            corrected.source_account,
            corrected.owner_record_id,
            corrected.source_file,
            corrected.source_row
        from corrected
        where
            (corrected.source, corrected.source_account, corrected.owner_record_id, corrected.newest_owner_record_id)
            in (select (source, source_account, owner_record_id, newest_owner_record_id) from contradicted)
    )

select *
from final
