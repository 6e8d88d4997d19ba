-- Grain: one row per record and link that it hangs on: what links records to their person, with the place it was read
-- from. Records of one `link_id` are linked; a refused link would have joined two documents or records kept apart.
with
    links as (select * from {{ ref("int_identity_links") }}),

    persons as not materialized(
        select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only
    ),

    records as (select * from {{ ref("int_records") }}),

    final as (
        select
            persons.customer_id,
            persons.alias_id,
            links.link_id,
            persons.source,
            persons.source_account,
            persons.stream,
            persons.source_record_id,
            links.rule,
            links.rule_detail,
            links.id_type as identifier_type,
            links.id_namespace as identifier_namespace,
            links.id_value as identifier_value,
            records.source_file,
            records.source_row,
            links.is_refused,
            records.last_export_date as export_date
        from links
        inner join persons on links.record_no = persons.record_no
        inner join records on links.record_no = records.record_no
    )

select *
from final
