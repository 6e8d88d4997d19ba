-- Grain: one row per vendor report of a real order and person that it names as the buyer; later events of one report
-- may name another.
with
    order_reports as (select * from {{ ref("int_order_reports") }}),

    compared as (select * from {{ ref("int_compared_reports") }}),

    final as (
        select distinct order_reports.order_id, order_reports.source, order_reports.source_record_id, buyers.customer_id
        from order_reports
        cross join lateral(select unnest(order_reports.customer_ids) as customer_id) as buyers
        where order_reports.is_from_event and len(order_reports.customer_ids) > 1
        union
        select order_id, source, source_record_id, customer_id
        from compared
        where customer_id is not null
    )

select *
from final
