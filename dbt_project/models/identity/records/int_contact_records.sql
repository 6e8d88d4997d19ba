-- Grain: one row per contact that belongs to a vendor record, so that no derived record exists for it. It belongs to
-- the record that it names by its own id, else to the only record that it shares an address, phone or document with. An
-- override that keeps it apart from the record, or from another contact of that record, leaves it on its own.
with
    named_records as (select * from {{ ref("int_contacts_by_own_id") }}),

    agreeing_records as (select * from {{ ref("int_contacts_by_only_record") }}),

    overrides as (select * from {{ ref("int_override_records") }} where rule = 'never'),

    claimed as (
        select contact_no, record_no, 'own_id' as belongs_by
        from named_records

        union all

        select contact_no, record_no, 'only_record' as belongs_by
        from agreeing_records
    ),

    kept_apart as (
        select one.contact_no, other.contact_no as other_contact_no
        from overrides
        left join claimed as one on overrides.record_no = one.contact_no
        left join claimed as other on overrides.other_record_no = other.contact_no
        where coalesce(one.record_no, overrides.record_no) = coalesce(other.record_no, overrides.other_record_no)
    ),

    final as (
        select contact_no, record_no, belongs_by
        from claimed
        where
            not exists (
                select 1
                from kept_apart
                where claimed.contact_no in (kept_apart.contact_no, kept_apart.other_contact_no)
            )
    )

select *
from final
