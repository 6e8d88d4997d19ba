-- Grain: one row per real order, with what its best report states before refunds, lines and currency are settled. A
-- currency that a vendor states wins over one that configuration supplies, and no figure is taken in another currency.
{% set amounts = ["subtotal", "discount_total", "shipping_total", "fees_total", "tax_total"] %}
with
    reports as not materialized(
        select reports.*, anonymous_orders.anonymous_id
        from {{ ref("int_order_reports") }} as reports
        left join
            {{ source("internal", "anonymous_orders") }} as anonymous_orders
            on reports.source = anonymous_orders.source
            and reports.source_account = anonymous_orders.source_account
            and reports.source_order_id = anonymous_orders.source_order_id
    ),

    merged as (
        select
            order_id,
            min(order_namespace) as order_namespace,
            min(order_match_key) as order_match_key,
            bool_or(is_number_reused) as is_number_reused,
            -- Of two numbers of one purchase the one that the order is known by.
            coalesce(
                min_by(order_number, report_rank) filter (
                    where upper(trim(regexp_replace(trim(order_number), '^#', ''))) = order_match_key
                ),
                min_by(order_number, report_rank) filter (where order_number is not null)
            ) as order_number,
            {% for column in [
                "customer_id",
                "anonymous_id",
                "store_id",
                "channel",
                "stated_ordered_at",
                "canceled_at",
                "total",
                "coupon_codes",
                "payment_methods",
                "tags",
            ] -%}
                min_by({{ column }}, report_rank) filter (where {{ column }} is not null) as {{ column }},
            {% endfor -%}
            coalesce(
                min_by(stated_currency, report_rank) filter (where stated_currency is not null and total is not null),
                min_by(stated_currency, report_rank) filter (where stated_currency is not null),
                min_by(currency, report_rank) filter (where currency is not null and total is not null),
                min_by(currency, report_rank) filter (where currency is not null)
            ) as currency,
            {% for amount in amounts -%}
                min_by({{ amount }}, report_rank) filter (where {{ amount }} is not null) as {{ amount }},
                min_by(coalesce(stated_currency, 'as the order'), report_rank) filter (
                    where {{ amount }} is not null
                ) as {{ amount }}_currency,
            {% endfor -%}
            coalesce(min(report_rank) filter (where total is not null), 1) as primary_rank,
            {{ sorted_set("source") }} as sources,
            coalesce(max(progress), 0) as progress,
            bool_or(is_test) as is_test,
            bool_and(is_guest) as is_guest,
            min_by(ordered_at, report_rank) filter (where ordered_at is not null) as inferred_ordered_at
        from reports
        group by order_id
    ),

    final as (
        select
            merged.order_id,
            merged.customer_id,
            case when merged.customer_id is null then merged.anonymous_id end as anonymous_id,
            merged.order_namespace,
            merged.order_match_key,
            coalesce(
                nullif(upper(trim(regexp_replace(trim(merged.order_number), '^#', ''))), ''), merged.order_match_key
            ) as order_number,
            merged.store_id,
            merged.channel,
            primary_report.source,
            primary_report.source_account,
            merged.sources,
            merged.is_number_reused,
            merged.currency,
            merged.primary_rank,
            merged.progress,
            {% for amount in amounts -%}
                case
                    when merged.{{ amount }}_currency in ('as the order', merged.currency) then merged.{{ amount }}
                end as {{ amount }},
            {% endfor -%}
            merged.total,
            merged.coupon_codes,
            merged.payment_methods,
            merged.tags,
            merged.is_test,
            merged.is_guest,
            merged.stated_ordered_at is null as is_ordered_at_inferred,
            coalesce(merged.stated_ordered_at, merged.inferred_ordered_at) as ordered_at,
            merged.canceled_at
        from merged
        inner join
            reports as primary_report
            on merged.order_id = primary_report.order_id
            and merged.primary_rank = primary_report.report_rank
    )

select *
from final
