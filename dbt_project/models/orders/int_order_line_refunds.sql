-- Grain: one row per line of a real order that refunds or returns name, with what they take back of it. Only what the
-- vendor account reports that counts for the refunds of the order is here, so that nothing is taken back twice. A
-- reported line is of the order's line of the same product and variant, else product, else stock keeping unit, else
-- name; of several such lines the first are filled first, and the last takes the rest.
with
    claims as (select * from {{ ref("int_reported_refunds") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    lines as (select * from {{ ref("int_order_lines") }} where not is_shipping and not is_fee),

    staged_orders as (select * from {{ source("staging", "orders") }}),

    staged_lines as (select * from {{ source("staging", "order_lines") }}),

    counted as (
        select claims.*
        from claims
        inner join
            refunds
            on claims.order_id = refunds.order_id
            and claims.source = refunds.source
            and claims.source_account = refunds.source_account
        where not (claims.action = 'cancel' and refunds.is_canceled)
    ),

    -- Lines of a record that is an order too are what was ordered.
    reported as (
        select
            counted.order_id,
            staged_lines.product_id,
            staged_lines.variant_id,
            staged_lines.sku,
            staged_lines.title,
            staged_lines.currency,
            sum(abs(staged_lines.quantity)) as quantity,
            sum(
                abs(
                    coalesce(
                        staged_lines.total,
                        round(cast(staged_lines.unit_price as decimal(20, 4)) * staged_lines.quantity, 4)
                    )
                )
            ) as amount
        from counted
        inner join
            staged_lines
            on counted.source_file = staged_lines.source_file
            and counted.source_row = staged_lines.source_row
            and counted.source = staged_lines.source
            and counted.source_account = staged_lines.source_account
            and counted.source_order_id = staged_lines.source_order_id
        left join
            staged_orders
            on staged_lines.source_file = staged_orders.source_file
            and staged_lines.source_row = staged_orders.source_row
            and staged_lines.source_order_id = staged_orders.source_order_id
            and (staged_orders.total is null or staged_orders.total >= 0)
        where
            staged_orders.source_file is null
            and staged_lines.parent_line_no is null
            and not coalesce(staged_lines.is_shipping, false)
            and not coalesce(staged_lines.is_fee, false)
        group by all
    ),

    numbered as (
        select *, row_number() over (order by order_id, product_id, variant_id, sku, title, currency) as reported_no
        from reported
    ),

    compared as (
        select
            numbered.reported_no,
            numbered.order_id,
            numbered.quantity as reported_quantity,
            case when numbered.currency = lines.currency then numbered.amount end as reported_amount,
            lines.line_number,
            lines.quantity,
            lines.total_amount,
            case
                when
                    numbered.product_id = lines.product_id and numbered.variant_id is not distinct from lines.variant_id
                then 1
                when numbered.product_id = lines.product_id
                then 2
                when numbered.sku = lines.sku
                then 3
                when numbered.title = lines.title
                then 4
            end as match_rank
        from numbered
        inner join lines on numbered.order_id = lines.order_id
    ),

    matched as (
        select *
        from compared
        where match_rank is not null
        qualify match_rank = min(match_rank) over (partition by reported_no)
    ),

    filled as (
        select
            *,
            line_number = max(line_number) over (partition by reported_no) as is_last,
            coalesce(sum(quantity) over earlier, 0) as earlier_quantity,
            coalesce(sum(total_amount) over earlier, 0) as earlier_amount
        from matched
        window
            earlier as (partition by reported_no order by line_number rows between unbounded preceding and 1 preceding)
    ),

    shared_out as (
        select
            order_id,
            line_number,
            {% for reported, own, earlier in [
                ("reported_quantity", "quantity", "earlier_quantity"),
                ("reported_amount", "total_amount", "earlier_amount"),
            ] -%}
                case
                    when is_last
                    then greatest({{ reported }} - {{ earlier }}, 0)
                    else least(greatest({{ reported }} - {{ earlier }}, 0), coalesce({{ own }}, 0))
                end as {{ reported }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from filled
    ),

    final as (
        select
            order_id,
            line_number,
            {{ capped("nullif(sum(reported_quantity), 0)") }} as refunded_quantity,
            {{ capped("nullif(sum(reported_amount), 0)") }} as refunded_amount
        from shared_out
        group by order_id, line_number
    )

select *
from final
