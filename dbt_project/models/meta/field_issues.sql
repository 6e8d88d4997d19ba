-- Grain: one row per value that was repaired, could not be read, or is missing where a figure needs it.
with
    load_issues as (select * from {{ source("internal", "load_issues") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    without_rate as (
        select order_id, source, currency from orders where total_amount is not null and total_amount_reporting is null
    ),

    final as (
        select
            source,
            stream,
            export_date,
            file_path,
            row_number,
            table_name,
            field,
            issue_code,
            value_given,
            action,
            cast(null as varchar) as order_id
        from load_issues
        union all
        select
            source,
            cast(null as varchar) as stream,
            cast(null as date) as export_date,
            cast(null as varchar) as file_path,
            cast(null as bigint) as row_number,
            'fct_orders' as table_name,
            'net_amount_reporting' as field,
            'no_fx_rate' as issue_code,
            currency as value_given,
            'left out of reporting sums' as action,
            order_id
        from without_rate
        union all
        select
            source,
            cast(null as varchar) as stream,
            cast(null as date) as export_date,
            cast(null as varchar) as file_path,
            cast(null as bigint) as row_number,
            'fct_orders' as table_name,
            'total_amount' as field,
            'no_total' as issue_code,
            cast(null as varchar) as value_given,
            'left out of sums' as action,
            order_id
        from orders
        where total_amount is null and is_valid
    )

select *
from final
