-- Grain: one row per id ever possible.
select md5(source_record_id) as alias_id, md5(source_record_id) as customer_id
from {{ ref('int_persons') }}
group by source_record_id
