-- Guards decisions, whatever has landed: records kept apart are two people. One that joins records gives way where two
-- contradict each other, and is listed in meta.identity_events.
{{ config(meta={"kind": "law", "dagster": {"ref": {"name": "int_record_customers"}}}) }}

select overrides.rule, overrides.decision, one.alias_id, other.alias_id as other_alias_id
from {{ ref("int_override_records") }} as overrides
inner join {{ ref("int_record_customers") }} as one on overrides.record_no = one.record_no
inner join {{ ref("int_record_customers") }} as other on overrides.other_record_no = other.record_no
where overrides.rule = 'never' and one.customer_id = other.customer_id
