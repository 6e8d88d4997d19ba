-- Guards against a silent zero: an amount that cannot be converted is null and stands in meta.field_issues.
{{ config(meta={"kind": "law", "dagster": {"ref": {"name": "fct_orders"}}}) }}

select orders.order_id
from {{ ref("fct_orders") }} as orders
left join {{ ref("field_issues") }} as issues on orders.order_id = issues.order_id and issues.issue_code = 'no_fx_rate'
where orders.total_amount is not null and orders.net_amount_reporting is null and issues.order_id is null
