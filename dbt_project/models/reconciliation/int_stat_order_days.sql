-- Grain: one row per vendor account, order and export date on which one of the account's figures may count the
-- order.
{% set moments = stat_moments() %}
with
    matched as (select * from {{ ref("int_stat_orders") }}),

    final as (
        select
            source,
            source_account,
            order_id,
            export_date,
            {% for moment, _ in moments -%} min({{ moment }}) as {{ moment }}, {% endfor %} count(*) as figures
        from matched
        group by source, source_account, order_id, export_date
    )

select *
from final
