-- Grain: one row per delivery that a full delivery of its stream follows, with the first that does.
with
    deliveries as (select * from {{ source("meta", "deliveries") }}),

    final as (
        select
            deliveries.source,
            deliveries.source_account,
            deliveries.stream,
            deliveries.export_date,
            min(full_deliveries.export_date) as next_full_date
        from deliveries
        inner join
            deliveries as full_deliveries
            on deliveries.source = full_deliveries.source
            and deliveries.source_account = full_deliveries.source_account
            and deliveries.stream = full_deliveries.stream
            and deliveries.export_date < full_deliveries.export_date
        where full_deliveries.is_full
        group by deliveries.source, deliveries.source_account, deliveries.stream, deliveries.export_date
    )

select *
from final
