-- Grain: one row per vendor record.
select source, source_account, stream, source_record_id, md5(source_record_id) as customer_id
from {{ ref('int_persons') }}
