-- Grain: one row per order id of a vendor account, with the real order it means. Reports of one account that share the
-- vendor's order id are one purchase, known by its number if any of them names it; reports of one number are one
-- purchase. Two exceptions, by what they say of total, time and buyer:
-- * One number used twice: reports more than seven days apart that have neither a person nor a total in common are
-- purchases of their own. The earliest keeps the id that the number gives; that of a later one is made of number and
-- order date.
-- * One purchase under two numbers: where the order id of one vendor is the order number of another, and person, total
-- and day (one apart at most) agree.
with
    described as (select * from {{ ref("int_described_orders") }}),

    visits as (select * from {{ ref("int_visit_purchases") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    placed as (select * from {{ ref("int_order_purchases") }}),

    purchases as (
        select
            purchase,
            min(order_namespace) as order_namespace,
            min_by(order_match_key, row(is_called_by_an_id, ordered_at, order_match_key)) as order_match_key,
            min(ordered_at) as ordered_at
        from visits
        group by purchase
    ),

    named_purchases as (
        select
            purchases.*,
            settings.reporting_time_zone,
            row_number() over (
                partition by order_namespace, order_match_key order by ordered_at, purchase
            ) as use_number
        from purchases
        cross join settings
    ),

    final as (
        select
            described.source,
            described.source_account,
            described.source_order_id,
            described.order_namespace,
            coalesce(named_purchases.order_match_key, described.order_match_key) as order_match_key,
            case
                when named_purchases.use_number > 1
                then
                    {{
                        stable_key(
                            [
                                "named_purchases.order_namespace",
                                "named_purchases.order_match_key",
                                local_date("named_purchases.ordered_at", "named_purchases.reporting_time_zone"),
                            ]
                        )
                    }}
                else
                    {{
                        stable_key(
                            [
                                "described.order_namespace",
                                "coalesce(named_purchases.order_match_key, described.order_match_key)",
                            ]
                        )
                    }}
            end as order_id,
            coalesce(named_purchases.use_number > 1, false) as is_number_reused
        from described
        left join
            placed
            on described.source = placed.source
            and described.source_account = placed.source_account
            and described.source_order_id = placed.source_order_id
        left join named_purchases on placed.purchase = named_purchases.purchase
    )

select *
from final
