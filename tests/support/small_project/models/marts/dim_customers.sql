-- Grain: one row per person.
select md5(source_record_id) as customer_id, first_name, 1 as record_count
from {{ ref('int_persons') }}
