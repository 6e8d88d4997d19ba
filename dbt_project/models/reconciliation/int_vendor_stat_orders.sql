-- Grain: one row per vendor record and figure about orders, computed from our orders by the vendor's definition, and by
-- ours. A vendor that reports orders is held to those it reported, as it reported them; any other to all orders we
-- know. Where a person has several profiles at the vendor, each is held to the orders reported as its own. No order
-- after the vendor's export date is compared. Each figure stands here four times: of the orders up to the end of that
-- day as they stand today, and as they stood at its end, at its beginning, and a day before, because vendors compute
-- overnight.
with
    counted as (select * from {{ ref("int_stat_order_amounts") }}),

    final as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            coalesce(bool_or(is_other_currency) filter (where is_counted), false) as has_other_currency,
            count(*) as our_orders_attempted,
            count(*) filter (where is_valid) as our_order_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as our_revenue,
            count(net_amount_reporting) filter (where is_valid) as our_rated_order_count,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as our_item_quantity,
            min(ordered_at) filter (where is_valid) as our_first_at,
            max(ordered_at) filter (where is_valid) as our_last_at,
            {% for suffix in ["", "_at_day_end", "_at_export", "_day_before"] -%}
                count(*) filter (where is_counted{{ suffix }}) as order_count{{ suffix }},
                {{ capped("sum(amount" ~ suffix ~ ") filter (where is_counted" ~ suffix ~ ")") }} as amount{{ suffix }},
                {{ capped("sum(item_quantity) filter (where is_counted" ~ suffix ~ ")") }} as item_quantity{{ suffix }},
                -- Of several last orders at one moment each has equal right: the one nearest to the vendor's figure is
                -- meant.
                max_by(
                    amount{{ suffix }},
                    row(ordered_at, - abs(amount{{ suffix }} - coalesce(value_num, 0)), amount{{ suffix }})
                ) filter (where is_counted{{ suffix }}) as last_amount{{ suffix }},
                min(ordered_at) filter (where is_counted{{ suffix }}) as first_at{{ suffix }},
                max(ordered_at) filter (where is_counted{{ suffix }}) as last_at{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from counted
        group by source, source_account, stream, owner_record_id, metric, definition_id
    )

select *
from final
