-- Grain: one row per reported membership of a known customer, of lists only those that count: of two lists of a
-- record on one export date the newest.
with
    reported as (select * from {{ ref("int_segment_reports") }}),

    final as (
        select *
        from reported
        where not is_own_list
        union all
        select *
        from reported
        where is_own_list
        qualify
            dense_rank() over (
                partition by customer_id, source, source_account, segment_family, claimant, export_date
                order by {{ newest_first() }}
            )
            = 1
    )

select *
from final
