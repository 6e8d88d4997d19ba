-- Grain: one row per claim of a membership that the first full delivery of its stream after it does not make again.
with
    deliveries as (select * from {{ source("meta", "deliveries") }}),

    claims as (select * from {{ ref("int_segment_claims") }}),

    full_deliveries as (
        select
            source,
            source_account,
            stream,
            export_date,
            min(case when is_full then export_date end) over (
                partition by source, source_account, stream
                order by export_date
                rows between 1 following and unbounded following
            ) as next_full_date
        from deliveries
    ),

    final as (
        select
            claims.customer_id,
            claims.source,
            claims.source_account,
            claims.segment_family,
            claims.segment_id,
            claims.claimant,
            greatest(cast(full_deliveries.next_full_date as timestamptz), claims.observed_at) as ended_at
        from claims
        inner join
            full_deliveries
            on claims.source = full_deliveries.source
            and claims.source_account = full_deliveries.source_account
            and claims.stream = full_deliveries.stream
            and claims.export_date = full_deliveries.export_date
        left join
            claims as others
            on claims.customer_id = others.customer_id
            and claims.source = others.source
            and claims.source_account = others.source_account
            and claims.segment_family = others.segment_family
            and claims.segment_id = others.segment_id
            and claims.claimant = others.claimant
            and claims.stream = others.stream
            and full_deliveries.next_full_date = others.export_date
        where full_deliveries.next_full_date is not null and others.customer_id is null
    )

select *
from final
