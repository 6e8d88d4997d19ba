-- Grain: one row per key with holders that contradict each other: how much they say, and whether it is so little that
-- statements are compared. Names and dates may differ by a slip and still be one person's: only four times the limit
-- settles it without comparing.
with
    statements as (select * from {{ ref("int_conflicting_statements") }}),

    run_settings as (select * from {{ source("internal", "run_settings") }}),

    counted as (
        select
            identifier_key,
            count(distinct first_name_key) as name_count,
            count(distinct document) as document_count,
            count(distinct birth_date) as date_count,
            count(*) as statement_count,
            cast(sum(len(nodes)) as bigint) as holder_count
        from statements
        group by identifier_key
    ),

    final as (
        select
            counted.*,
            counted.document_count <= run_settings.identity_sharing_limit
            and counted.name_count <= 4 * run_settings.identity_sharing_limit
            and counted.date_count <= 4 * run_settings.identity_sharing_limit
            and counted.statement_count <= 40 * run_settings.identity_sharing_limit as is_comparable
        from counted
        cross join run_settings
    )

select *
from final
