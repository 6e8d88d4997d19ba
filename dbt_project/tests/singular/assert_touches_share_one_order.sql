-- Guards the sums of attribution: in each model the touches of an order claim one order, no more and no less.
{{ config(meta={"kind": "law"}) }}
select order_id
from {{ ref("fct_order_attribution") }}
group by order_id
having
    sum(weight_first) <> 1
    or sum(weight_last) <> 1
    or abs(sum(weight_linear) - 1) > 0.000001
    or abs(sum(weight_decay) - 1) > 0.000001
