-- Grain: one row per node and key with holders that contradict each other: the group of compatible holders it falls
-- into. Who surely are one person go together: a chain of slips leads from one to the next, unless two of them surely
-- are two people. What agrees with two groups that contradict each other falls into none; that a record without a name
-- is not Ana's does not make it Bia's. A key of too many groups is shared and links nobody.
with
    statements as (select * from {{ ref("int_conflicting_statements") }}),

    conflicting_keys as (select * from {{ ref("int_conflicting_keys") }}),

    groups as (select * from {{ ref("int_compatible_groups") }}),

    run_settings as (select * from {{ source("internal", "run_settings") }}),

    counted as (select identifier_key, count(distinct group_no) as group_count from groups group by identifier_key),

    judged_keys as (
        select
            conflicting_keys.identifier_key,
            conflicting_keys.holder_count,
            case
                when conflicting_keys.is_comparable
                then greatest(coalesce(counted.group_count, 0), conflicting_keys.document_count)
                else
                    greatest(
                        conflicting_keys.name_count,
                        conflicting_keys.document_count,
                        conflicting_keys.date_count,
                        conflicting_keys.statement_count
                    )
            end as group_count
        from conflicting_keys
        left join counted on conflicting_keys.identifier_key = counted.identifier_key
    ),

    final as (
        select
            unnest(statements.nodes) as node,
            statements.identifier_key,
            groups.group_no,
            judged_keys.holder_count,
            judged_keys.group_count,
            judged_keys.group_count > run_settings.identity_sharing_limit as is_shared
        from statements
        cross join run_settings
        inner join judged_keys on statements.identifier_key = judged_keys.identifier_key
        left join
            groups on statements.identifier_key = groups.identifier_key and statements.statement = groups.statement
    )

select *
from final
