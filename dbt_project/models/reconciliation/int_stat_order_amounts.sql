-- Grain: one row per vendor record, figure about orders and order, with whether it counts by the vendor's definition
-- and what it amounts to: as the order stands today, and as it stood at each of the moments compared.
{% set moments = stat_moments() %}
with
    matched as (select * from {{ ref("int_stat_orders") }}),

    later_refunds as (select * from {{ ref("int_stat_later_refunds") }}),

    reported_before as (select * from {{ ref("int_stat_states_before") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    stood as (
        select
            matched.*,
            {% for moment, _ in moments -%}
                coalesce(statuses_{{ moment }}.status, matched.status) as status_{{ moment }},
                coalesce(reported_before.flag_{{ moment }}, matched.is_flagged_valid) as is_flagged_valid_{{ moment }},
                coalesce(later_refunds.amount_after_{{ moment }}, 0) as amount_after_{{ moment }},
                coalesce(later_refunds.subtotal_after_{{ moment }}, 0) as subtotal_after_{{ moment }},
            {% endfor -%}
            case
                when matched.amount_kind = 'subtotal'
                then coalesce(matched.subtotal_amount, matched.total_amount)
                else matched.total_amount
            end as gross_amount,
            case
                when matched.amount_kind = 'subtotal'
                then coalesce(refunds.subtotal_amount, orders.refunded_amount)
                else orders.refunded_amount
            end as refunded,
            orders.item_quantity,
            orders.net_amount_reporting,
            orders.is_valid
        from matched
        inner join orders on matched.order_id = orders.order_id
        left join refunds on matched.order_id = refunds.order_id
        {% for relation in ["later_refunds", "reported_before"] -%}
            left join
                {{ relation }}
                on matched.source = {{ relation }}.source
                and matched.source_account = {{ relation }}.source_account
                and matched.order_id = {{ relation }}.order_id
                and matched.export_date = {{ relation }}.export_date
        {% endfor -%}
        {% for moment, _ in moments -%}
            left join
                statuses as statuses_{{ moment }}
                on reported_before.progress_{{ moment }} = statuses_{{ moment }}.progress
        {% endfor %}
    ),

    final as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            value_num,
            is_valid,
            net_amount_reporting,
            item_quantity,
            ordered_at,
            coalesce(order_currency <> currency, false) as is_other_currency,
            {% for suffix, moment in [
                ("", none),
                ("_at_day_end", "at_day_end"),
                ("_at_export", "at_export"),
                ("_day_before", "day_before"),
            ] -%}
                {%- set state = "_" ~ moment if moment else "" -%}
                {%- set amount_after = "amount_after_" ~ moment if moment else "0" -%}
                {%- set subtotal_after = "subtotal_after_" ~ moment if moment else "0" -%}
                {%- if moment %} ordered_at < {{ moment }} and {% endif -%}
                case
                    when uses_vendor_flag
                    then is_flagged_valid{{ state }}
                    else position(concat('|', status{{ state }}, '|') in concat('|', statuses, '|')) > 0
                end as is_counted{{ suffix }},
                greatest(
                    gross_amount - case
                        when not is_net
                        then 0
                        else
                            greatest(
                                refunded - case
                                    when amount_kind = 'subtotal' then {{ subtotal_after }} else {{ amount_after }}
                                end,
                                0
                            )
                    end,
                    0
                ) as amount{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from stood
    )

select *
from final
