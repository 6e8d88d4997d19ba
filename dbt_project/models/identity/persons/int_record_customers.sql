-- Grain: one row per record: the person it is of, null for a lead that nobody is known for. A person is named after the
-- anchor: the record with the earliest export date. A contact can be the anchor too, because it was a derived record,
-- and gave its name, before any record of its vendor came that it could belong to; else it goes last of its export
-- date.
with
    records as (select * from {{ ref("int_record_evidence") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    node_persons as (
        select node, person, 'link' as joined_by
        from {{ ref("int_core_persons") }}

        union all

        select node, person, 'following' as joined_by
        from {{ ref("int_weak_assignments") }}
        where person is not null

        union all

        select node, person, 'following' as joined_by
        from {{ ref("int_residual_clusters") }}
    ),

    placed as (
        select
            records.*,
            node_persons.person,
            coalesce(contact_records.belongs_by, node_persons.joined_by) as joined_by,
            contact_records.contact_no is not null as is_belonging
        from records
        left join contact_records on records.record_no = contact_records.contact_no
        left join node_persons on coalesce(contact_records.record_no, records.record_no) = node_persons.node
    ),

    -- Asked of the whole person and not of the record it belongs to now, which may be one that came later.
    vendor_firsts as (
        select person, source, source_account, min(first_export_date) as first_export_date
        from placed
        where not is_contact and person is not null
        group by person, source, source_account
    ),

    ordered as (
        select
            placed.person,
            placed.record_no,
            placed.alias_id,
            concat(
                cast(placed.first_export_date as varchar),
                cast(
                    placed.is_contact
                    and coalesce(vendor_firsts.first_export_date <= placed.first_export_date, false) as integer
                ),
                {{ record_order("placed") }}
            ) as seniority
        from placed
        left join
            vendor_firsts
            on placed.person = vendor_firsts.person
            and placed.source = vendor_firsts.source
            and placed.source_account = vendor_firsts.source_account
        where not placed.is_lead_only and placed.person is not null
    ),

    anchors as (
        select person, min_by(record_no, seniority) as person_no, min_by(alias_id, seniority) as customer_id
        from ordered
        group by person
    ),

    final as (
        select
            placed.record_no,
            placed.alias_id,
            placed.source,
            placed.source_account,
            placed.stream,
            placed.stream_key,
            placed.source_record_id,
            anchors.customer_id,
            anchors.person_no,
            placed.joined_by,
            placed.is_contact,
            placed.is_lead_only,
            placed.is_belonging,
            placed.is_deleted,
            placed.record_no = anchors.person_no as is_anchor,
            placed.first_export_date,
            placed.last_export_date
        from placed
        left join anchors on placed.person = anchors.person
    )

select *
from final
