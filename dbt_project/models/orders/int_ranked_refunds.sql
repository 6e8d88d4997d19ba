-- Grain: one row per refund, return or cancellation a vendor reports, with whether it counts for the refunds of its
-- order.
with
    claims as (select * from {{ ref("int_reported_refunds") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    priorities as (select * from {{ ref("order_source_priority") }}),

    final as (
        select
            claims.*,
            coalesce(priorities.priority, 1000000) as priority,
            refunds.is_sum_of_deltas,
            claims.source = refunds.source and claims.source_account = refunds.source_account as is_of_refund_source,
            claims.action = 'cancel' and coalesce(refunds.is_canceled, false) as is_whole_cancellation
        from claims
        left join refunds on claims.order_id = refunds.order_id
        left join priorities on claims.source = priorities.source
    )

select *
from final
