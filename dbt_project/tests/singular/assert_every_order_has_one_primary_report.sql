-- Guards the bridge: the figures of an order come from one record, and no order is without.
{{ config(meta={"kind": "law", "dagster": {"ref": {"name": "bridge_order_sources"}}}) }}

select orders.order_id
from {{ ref("fct_orders") }} as orders
left join {{ ref("bridge_order_sources") }} as reports on orders.order_id = reports.order_id and reports.is_primary
where reports.order_id is null
