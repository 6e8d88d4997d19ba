-- Grain: one row per coupon code, in capital letters, that orders or redemptions name.
with
    orders as (select *, unnest(coupon_codes) as code from {{ ref("fct_orders") }}),

    used as (
        select
            upper(code) as coupon_code,
            count(distinct order_id) as orders_attempted,
            count(distinct order_id) filter (where is_valid) as order_count,
            count(distinct customer_id) filter (where is_valid) as customer_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as revenue,
            min(order_date) as first_ordered_on,
            max(order_date) as last_ordered_on
        from (select distinct on (order_id, upper(code)) * from orders) as each_once
        group by upper(code)
    ),

    redeemed as (
        select
            upper(trim(voucher_code)) as coupon_code,
            count(*) filter (where kind = 'redemption' and result = 'success') as redemptions_succeeded,
            count(*) filter (where kind = 'redemption' and result = 'failure') as redemptions_failed,
            count(*) filter (where kind = 'redemption' and is_rolled_back) as redemptions_rolled_back
        from {{ ref("fct_redemptions") }}
        where trim(voucher_code) <> ''
        group by upper(trim(voucher_code))
    ),

    final as (
        select
            coalesce(used.coupon_code, redeemed.coupon_code) as coupon_code,
            coalesce(used.orders_attempted, 0) as orders_attempted,
            coalesce(used.order_count, 0) as order_count,
            coalesce(used.customer_count, 0) as customer_count,
            coalesce(used.revenue, 0) as revenue,
            coalesce(redeemed.redemptions_succeeded, 0) as redemptions_succeeded,
            coalesce(redeemed.redemptions_failed, 0) as redemptions_failed,
            coalesce(redeemed.redemptions_rolled_back, 0) as redemptions_rolled_back,
            used.first_ordered_on,
            used.last_ordered_on
        from used
        full join redeemed on used.coupon_code = redeemed.coupon_code
    )

select *
from final
