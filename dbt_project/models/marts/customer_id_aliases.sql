-- Grain: one row per id ever possible: the person it means today.
with
    records as (select * from {{ ref("int_record_customers") }} where customer_id is not null and not is_lead_only),

    final as (select alias_id, customer_id from records)

select *
from final
