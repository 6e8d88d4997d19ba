-- Grain: one row per person.
select
    dim_customers.customer_id,
    coalesce(sum(fct_orders.total_amount), 0) as total_revenue,
    any_value(run_settings.as_of_date) as as_of_date,
    any_value(weights.weight) as weight
from {{ ref('dim_customers') }} as dim_customers
left join {{ ref('fct_orders') }} as fct_orders on dim_customers.customer_id = fct_orders.customer_id
cross join {{ source('internal', 'run_settings') }} as run_settings
cross join {{ ref('weights') }} as weights
group by dim_customers.customer_id
