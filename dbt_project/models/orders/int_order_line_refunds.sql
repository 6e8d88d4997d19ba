-- Grain: one row per line of a real order that refunds or returns name, with what they take back of it. Only what the
-- vendor account reports that counts for the refunds of the order is here, so that nothing is taken back twice. A
-- reported line is of the order's line of the same product and variant, else product, else stock keeping unit, else
-- name; of several such lines the first are filled first, and the last takes the rest.
with
    lines as (select * from {{ ref("int_order_lines") }} where not is_shipping and not is_fee),

    numbered as (select * from {{ ref("int_refunded_lines") }}),

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
