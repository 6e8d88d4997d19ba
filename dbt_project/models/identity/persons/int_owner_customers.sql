-- Grain: one row per record that rows of staging may name as their owner, with its person: the way from them to
-- customer_id.
with
    records as (select * from {{ ref("int_record_customers") }}),

    final as (
        select source, source_account, stream_key, source_record_id as owner_record_id, customer_id
        from records
        where customer_id is not null
    )

select *
from final
