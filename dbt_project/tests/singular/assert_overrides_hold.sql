-- Guards decisions: records kept apart are two people, records joined are one. Two decisions that contradict each other
-- by way of the record that an order belongs to can only be seen here.
select overrides.rule, overrides.decision, one.alias_id, other.alias_id as other_alias_id
from {{ ref("int_override_records") }} as overrides
inner join {{ ref("int_record_customers") }} as one on overrides.record_no = one.record_no
inner join {{ ref("int_record_customers") }} as other on overrides.other_record_no = other.record_no
where (overrides.rule = 'never') = (one.customer_id = other.customer_id)
