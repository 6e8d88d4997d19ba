-- Grain: one row per order.
select
    source_order_id as order_id,
    md5(max(owner_record_id)) as customer_id,
    max(orders.total) as total_amount,
    max(orders.total) as net_amount_reporting,
    any_value(run_settings.reporting_currency) as reporting_currency,
    true as is_valid
from {{ source('staging', 'orders') }} as orders
cross join {{ source('internal', 'run_settings') }} as run_settings
group by source_order_id
