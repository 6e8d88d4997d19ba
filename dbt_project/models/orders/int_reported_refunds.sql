-- Grain: one row per refund, return or cancellation a vendor reports, in its newest version; order_id is null for
-- orphans. One in another currency than the order's figures counts by its share of what that vendor says the order cost
-- in that currency; where the vendor does not say, how much of the order it is cannot be known, and it is not counted.
with
    resolved as (select * from {{ ref("int_resolved_refunds") }}),

    real_orders as (select order_id, currency, total from {{ ref("int_order_figures") }}),

    reports as (select * from {{ ref("int_order_reports") }}),

    -- What an account of a vendor says the whole order cost, which is what its refunds are a part of.
    own_totals as (
        select
            order_id,
            source,
            source_account,
            min_by(stated_currency, report_rank) filter (where stated_currency is not null) as currency,
            min_by(total, report_rank) filter (where total > 0 and stated_currency is not null) as total,
            min_by(stated_currency, report_rank) filter (
                where total > 0 and stated_currency is not null
            ) as currency_of_total
        from reports
        group by order_id, source, source_account
    ),

    -- A refund without a stated currency is in that of the vendor's order.
    attributed as (
        select
            resolved.*,
            real_orders.order_id,
            real_orders.currency as order_currency,
            real_orders.total as order_total,
            own_totals.total as own_total,
            own_totals.currency_of_total,
            coalesce(resolved.currency, own_totals.currency, real_orders.currency) as told_currency
        from resolved
        left join real_orders on resolved.named_order_id = real_orders.order_id
        left join
            own_totals
            on real_orders.order_id = own_totals.order_id
            and resolved.source = own_totals.source
            and resolved.source_account = own_totals.source_account
    ),

    measured as (
        select
            *,
            coalesce(told_currency <> order_currency, false) as is_other_currency,
            coalesce(
                told_currency <> order_currency and told_currency = currency_of_total and order_total is not null, false
            ) as is_share
        from attributed
    ),

    final as (
        select
            {{ stable_key(["source", "source_account", "adjustment_id"]) }} as claim_id,
            order_id,
            source,
            source_account,
            source_order_id,
            source_file,
            source_row,
            order_namespace,
            order_match_key,
            adjustment_id,
            action,
            coalesce(amount_kind, 'delta') as amount_kind,
            told_currency,
            amount as told_amount,
            is_other_currency,
            not is_other_currency or is_share or amount is null as is_counted,
            case when is_share then order_currency else told_currency end as currency,
            {% for amount in ["amount", "subtotal_amount"] -%}
                case
                    when is_share then {{ share_of(amount, "own_total", "order_total") }} else {{ amount }}
                end as {{ amount }},
            {% endfor -%}
            occurred_at,
            is_occurred_at_inferred
        from measured
    )

select *
from final
