-- Grain: one row per order id of a vendor account that is part of a purchase under its number. A report without a total
-- or a time goes to the visit of its person, else to the nearest.
with
    described as (select * from {{ ref("int_described_orders") }}),

    visiting as (select * from {{ ref("int_order_visits") }}),

    visits as (select * from {{ ref("int_visit_purchases") }}),

    buyers as (select distinct visit, customer_id from visiting where customer_id is not null),

    final as (
        select described.source, described.source_account, described.source_order_id, visits.purchase
        from described
        inner join
            visits
            on described.order_namespace = visits.order_namespace
            and described.order_match_key = visits.order_match_key
        left join buyers on visits.visit = buyers.visit and described.customer_id = buyers.customer_id
        left join
            visiting
            on described.source = visiting.source
            and described.source_account = visiting.source_account
            and described.source_order_id = visiting.source_order_id
        qualify
            row_number() over (
                partition by described.source, described.source_account, described.source_order_id
                order by
                    coalesce(visiting.visit = visits.visit, false) desc,
                    buyers.visit is null,
                    abs({{ seconds_between("described.ordered_at", "visits.ordered_at") }}) nulls last,
                    visits.ordered_at,
                    visits.visit
            )
            = 1
    )

select *
from final
