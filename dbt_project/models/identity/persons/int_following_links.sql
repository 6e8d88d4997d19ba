-- Grain: one row per record of a person that others follow and value of an identifier by which they do. A key with
-- holders that contradict each other joins nobody by itself, but one may follow by it once its holders are one person.
with
    identifiers as not materialized(
        select * from {{ ref("int_record_identifiers") }} where unusable_reason is null and is_current
    ),

    conflicting as (select identifier_key from {{ ref("int_conflicting_identifiers") }} group by identifier_key),

    assignments as (select node, identifier_key from {{ ref("int_weak_assignments") }} where person is not null),

    persons as not materialized(
        select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only
    ),

    followed_keys as (
        select persons.customer_id, identifiers.identifier_key
        from persons
        inner join identifiers on persons.record_no = identifiers.record_no
        where
            persons.joined_by = 'following'
            and (
                identifiers.identifier_key not in (select identifier_key from conflicting)
                or (persons.record_no, identifiers.identifier_key) in (select (node, identifier_key) from assignments)
            )
        group by persons.customer_id, identifiers.identifier_key
    ),

    final as (
        select
            identifiers.record_no,
            'follows' as rule,
            cast(null as varchar) as rule_detail,
            identifiers.id_type,
            identifiers.id_namespace,
            min(identifiers.id_value) as id_value,
            {{ run_hash(["'follows'", "persons.customer_id", "identifiers.identifier_key"]) }} as link_key,
            false as is_refused
        from followed_keys
        inner join identifiers on followed_keys.identifier_key = identifiers.identifier_key
        inner join
            persons on identifiers.record_no = persons.record_no and followed_keys.customer_id = persons.customer_id
        group by
            identifiers.record_no,
            persons.customer_id,
            identifiers.identifier_key,
            identifiers.id_type,
            identifiers.id_namespace
        qualify count(*) over (partition by persons.customer_id, identifiers.identifier_key) > 1
    )

select *
from final
