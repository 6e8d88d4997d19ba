-- Grain: one row per staged order row that still says something. Events add up, so of one that came again an older
-- version holds only what no newer one says anew; a record says all it said.
{% set restated = [
    "owner_record_id",
    "order_number",
    "store_id",
    "channel",
    "subtotal",
    "discount_total",
    "shipping_total",
    "fees_total",
    "tax_total",
    "total",
    "refunded_total",
    "is_valid_source",
    "coupon_codes",
    "payment_methods",
    "tags",
    "line_count",
] %}
with
    reported as (select * from {{ ref("int_reported_order_rows") }}),

    -- All versions of an event are of one time. Amounts are in the currency of an older version where theirs states
    -- none. Of its status the newest that is stated counts, and what was said of payment or fulfilment before.
    repeated as (
        select
            * replace (
                {% for column in restated -%}
                    case when count({{ column }}) over newer = 0 then {{ column }} end as {{ column }},
                {% endfor -%}
                case when is_of_newest_action and count(canceled_at) over newer = 0 then canceled_at end as canceled_at,
                case
                    when is_status_inferred
                    then
                        case
                            when bool_and(is_status_inferred) over versions and count(status) over newer = 0 then status
                        end
                    when
                        (is_of_newest_action and count(*) filter (where not is_status_inferred) over newer = 0)
                        or (
                            states_payment
                            and count(*) filter (where not is_status_inferred and states_payment) over newer = 0
                        )
                        or (
                            states_fulfillment
                            and count(*) filter (where not is_status_inferred and states_fulfillment) over newer = 0
                        )
                    then status
                end as status,
                coalesce(stated_currency, first_value(stated_currency ignore nulls) over older) as stated_currency,
                bool_or(has_lines) over versions as has_lines,
                first_value(source_updated_at ignore nulls) over versions as source_updated_at,
                coalesce(
                    first_value(case when not is_ordered_at_inferred then ordered_at end ignore nulls) over versions,
                    first_value(case when source_updated_at is not null then ordered_at end ignore nulls) over versions,
                    min(ordered_at) over versions
                ) as ordered_at,
                bool_and(is_ordered_at_inferred) over versions as is_ordered_at_inferred
            )
        from reported
        where event_id is not null
        window
            versions as (
                partition by source, source_account, event_id
                order by version_rank
                rows between unbounded preceding and unbounded following
            ),
            newer as (
                partition by source, source_account, event_id
                order by version_rank
                rows between unbounded preceding and 1 preceding
            ),
            older as (
                partition by source, source_account, event_id
                order by version_rank
                rows between 1 following and unbounded following
            )
    ),

    final as (
        select *
        from reported
        where event_id is null
        union all
        select *
        from repeated
    )

select *
from final
