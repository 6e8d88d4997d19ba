-- Grain: one row per node and key whose holders contradict each other: the group of compatible holders it falls into.
-- What agrees with two groups that contradict each other falls into none; a key of too many groups is shared and links nobody.
with
    holdings as (select * from {{ ref("int_common_holdings") }}),

    run_settings as (select * from {{ source("internal", "run_settings") }}),

    contested_keys as (
        select identifier_key, count(*) as holder_count
        from holdings
        group by identifier_key
        having min(first_name_key) <> max(first_name_key) or min(birth_date) <> max(birth_date) or min(document) <> max(document)
    ),

    contested as (
        select holdings.*, contested_keys.holder_count from holdings inner join contested_keys on holdings.identifier_key = contested_keys.identifier_key
    ),

    statements as (
        select identifier_key, first_name_key, naming, document, birth_date, min(node) as statement
        from contested
        group by identifier_key, first_name_key, naming, document, birth_date
    ),

    variety as (
        select identifier_key, count(distinct first_name_key) as name_count, count(distinct document) as document_count, count(distinct birth_date) as date_count
        from statements
        group by identifier_key
    ),

    -- Names and dates may differ by a slip and still be one person's: only four times the limit settles it without comparing.
    plain_keys as (
        select variety.identifier_key
        from variety
        cross join run_settings
        where
            variety.document_count <= run_settings.identity_sharing_limit
            and variety.name_count <= 4 * run_settings.identity_sharing_limit
            and variety.date_count <= 4 * run_settings.identity_sharing_limit
    ),

    compared as (select statements.* from statements inner join plain_keys on statements.identifier_key = plain_keys.identifier_key),

    agreements as (
        select one.identifier_key, one.statement, other.statement as other_statement
        from compared as one
        inner join compared as other on one.identifier_key = other.identifier_key
        where {{ evidence_agrees("one", "other") }}
    ),

    degrees as (select identifier_key, statement, count(*) as degree from agreements group by identifier_key, statement),

    closures as (
        select one.identifier_key, one.statement, count(*) as closed_count
        from agreements as one
        inner join agreements as other on one.identifier_key = other.identifier_key and one.statement = other.statement
        inner join
            agreements as closing
            on one.identifier_key = closing.identifier_key
            and one.other_statement = closing.statement
            and other.other_statement = closing.other_statement
        group by one.identifier_key, one.statement
    ),

    unambiguous as (
        select degrees.identifier_key, degrees.statement
        from degrees
        inner join closures on degrees.identifier_key = closures.identifier_key and degrees.statement = closures.statement
        where closures.closed_count = degrees.degree * degrees.degree
    ),

    groups as (
        select unambiguous.identifier_key, unambiguous.statement, min(agreements.other_statement) as group_no
        from unambiguous
        inner join agreements on unambiguous.identifier_key = agreements.identifier_key and unambiguous.statement = agreements.statement
        inner join unambiguous as others on agreements.identifier_key = others.identifier_key and agreements.other_statement = others.statement
        group by unambiguous.identifier_key, unambiguous.statement
    ),

    group_counts as (select identifier_key, count(distinct group_no) as group_count from groups group by identifier_key),

    judged_keys as (
        select
            variety.identifier_key,
            case
                when plain_keys.identifier_key is null
                then greatest(variety.name_count, variety.document_count, variety.date_count)
                else greatest(coalesce(group_counts.group_count, 0), variety.document_count)
            end as group_count
        from variety
        left join plain_keys on variety.identifier_key = plain_keys.identifier_key
        left join group_counts on variety.identifier_key = group_counts.identifier_key
    ),

    final as (
        select
            contested.node,
            contested.identifier_key,
            groups.group_no,
            contested.holder_count,
            judged_keys.group_count,
            judged_keys.group_count > run_settings.identity_sharing_limit as is_shared
        from contested
        cross join run_settings
        inner join judged_keys on contested.identifier_key = judged_keys.identifier_key
        inner join
            statements
            on contested.identifier_key = statements.identifier_key
            and contested.first_name_key is not distinct from statements.first_name_key
            and contested.naming is not distinct from statements.naming
            and contested.document is not distinct from statements.document
            and contested.birth_date is not distinct from statements.birth_date
        left join groups on statements.identifier_key = groups.identifier_key and statements.statement = groups.statement
    )

select *
from final
