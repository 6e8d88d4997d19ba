-- Grain: one row per statement that is compared with the others of its key, by a number of its own.
with
    statements as (select * exclude (nodes) from {{ ref("int_conflicting_statements") }}),

    comparable_keys as (select identifier_key from {{ ref("int_conflicting_keys") }} where is_comparable),

    final as (
        select *, row_number() over (order by identifier_key, statement) as vertex
        from statements
        where identifier_key in (select identifier_key from comparable_keys)
    )

select *
from final
