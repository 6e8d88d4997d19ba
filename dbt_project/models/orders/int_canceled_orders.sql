-- Grain: one row per real order that any vendor canceled, by a cancellation of the whole or by its status.
with
    figures as (select * from {{ ref("int_order_figures") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    judged as (select * from {{ ref("int_account_cancellations") }}),

    final as (
        select order_id
        from judged
        where is_canceled
        union
        select figures.order_id
        from figures
        inner join statuses on figures.progress = statuses.progress
        where statuses.status = 'canceled'
    )

select *
from final
