-- Grain: one row per order, kind of conflict and vendor record that says otherwise; nothing here is ever repaired.
with
    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    figures as (select * from {{ ref("int_order_figures") }}),

    duplicates as (select * from {{ ref("int_possible_duplicates") }}),

    unexplained_lines as (select * from {{ ref("int_unexplained_lines") }}),

    final as (
        select *
        from {{ ref("int_report_conflicts") }}
        union all
        select *
        from {{ ref("int_refund_conflicts") }}
        union all
        select
            'number_reused',
            orders.order_id,
            firsts.source,
            firsts.order_id,
            reports.source,
            reports.source_record_id,
            orders.order_number
        from orders
        inner join reports on orders.order_id = reports.order_id and reports.is_primary
        inner join figures on orders.order_id = figures.order_id and figures.is_number_reused
        left join
            orders as firsts
            on firsts.order_id = {{ stable_key(["figures.order_namespace", "figures.order_match_key"]) }}
        union all
        select
            'possible_duplicate',
            duplicates.order_id,
            duplicates.source,
            duplicates.order_number,
            other_source,
            other_order_id,
            other_order_number
        from duplicates
        union all
        select
            'lines_differ',
            order_id,
            source,
            cast(total_amount as varchar),
            source,
            null,
            cast(product_amount as varchar)
        from unexplained_lines
    )

select *
from final
