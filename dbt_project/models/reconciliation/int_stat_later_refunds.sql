-- Grain: one row per vendor account, order and export date of which something was taken back only after one of the
-- moments compared, with what was after each.
{% set moments = stat_moments() %}
with
    pairs as (select * from {{ ref("int_stat_order_days") }}),

    adjustments as (select * from {{ ref("fct_order_adjustments") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    final as (
        select
            pairs.source,
            pairs.source_account,
            pairs.order_id,
            pairs.export_date,
            {% for moment, _ in moments -%}
                sum(adjustments.amount) filter (
                    where adjustments.occurred_at >= pairs.{{ moment }}
                ) as amount_after_{{ moment }},
                sum(coalesce(claims.subtotal_amount, adjustments.amount)) filter (
                    where adjustments.occurred_at >= pairs.{{ moment }}
                ) as subtotal_after_{{ moment }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from pairs
        inner join adjustments on pairs.order_id = adjustments.order_id and adjustments.occurred_at >= pairs.day_before
        inner join orders on pairs.order_id = orders.order_id
        left join claims on adjustments.adjustment_key = claims.claim_id
        where not (adjustments.adjustment_type = 'cancel' and orders.status = 'canceled')
        group by pairs.source, pairs.source_account, pairs.order_id, pairs.export_date
    )

select *
from final
