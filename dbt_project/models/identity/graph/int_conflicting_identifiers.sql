-- Grain: one row per node and key with holders that contradict each other: the group of compatible holders it falls
-- into. Who surely are one person go together: a chain of slips leads from one to the next, unless two of them surely
-- are two people. What agrees with two groups that contradict each other falls into none; that a record without a name
-- is not Ana's does not make it Bia's. A key of too many groups is shared and links nobody.
with recursive
    holdings as (select * from {{ ref("int_shared_evidence") }}),

    run_settings as (select * from {{ source("internal", "run_settings") }}),

    contested_keys as (
        select identifier_key, count(*) as holder_count
        from holdings
        group by identifier_key
        having
            min(first_name_key) <> max(first_name_key)
            or min(birth_date) <> max(birth_date)
            or min(document) <> max(document)
    ),

    contested as (
        select holdings.*, contested_keys.holder_count
        from holdings
        inner join contested_keys on holdings.identifier_key = contested_keys.identifier_key
    ),

    statements as (
        select identifier_key, first_name_key, naming, document, birth_date, min(node) as statement
        from contested
        group by identifier_key, first_name_key, naming, document, birth_date
    ),

    variety as (
        select
            identifier_key,
            count(distinct first_name_key) as name_count,
            count(distinct document) as document_count,
            count(distinct birth_date) as date_count,
            count(*) as statement_count
        from statements
        group by identifier_key
    ),

    -- Names and dates may differ by a slip and still be one person's: only four times the limit settles it without
    -- comparing.
    plain_keys as (
        select variety.identifier_key
        from variety
        cross join run_settings
        where
            variety.document_count <= run_settings.identity_sharing_limit
            and variety.name_count <= 4 * run_settings.identity_sharing_limit
            and variety.date_count <= 4 * run_settings.identity_sharing_limit
            and variety.statement_count <= 40 * run_settings.identity_sharing_limit
    ),

    compared as (
        select statements.*, row_number() over (order by statements.identifier_key, statements.statement) as vertex
        from statements
        inner join plain_keys on statements.identifier_key = plain_keys.identifier_key
    ),

    comparisons as materialized(
        select
            one.identifier_key,
            one.vertex,
            other.vertex as other_vertex,
            {{ evidence_agrees("one", "other") }} as is_agreed,
            {{ is_surely_one("one", "other") }} as is_sure,
            {{ birth_dates_match("one", "other") }} as is_dated,
            {{ is_surely_two("one", "other") }} as is_barred,
            coalesce(
                one.document is not null and other.document is not null and {{ documents_agree("one", "other") }}, false
            ) as is_documented
        from compared as one
        inner join compared as other on one.identifier_key = other.identifier_key and one.vertex > other.vertex
    ),

    sure_edges as (select vertex as greater, other_vertex as lesser from comparisons where is_agreed and is_sure),

    {{ connected_components("sure_edges", "sure_") }},

    sure_clusters as (
        select compared.vertex, coalesce(sure_components.component, compared.vertex) as cluster
        from compared
        left join sure_components on compared.vertex = sure_components.vertex
    ),

    broken_clusters as (
        select distinct one.cluster
        from comparisons
        inner join sure_clusters as one on comparisons.vertex = one.vertex
        inner join sure_clusters as other on comparisons.other_vertex = other.vertex and one.cluster = other.cluster
        where comparisons.is_barred
    ),

    -- A chain that leads to somebody else holds at most as far as birth dates do.
    dated_edges as (
        select comparisons.vertex as greater, comparisons.other_vertex as lesser
        from comparisons
        inner join sure_clusters on comparisons.vertex = sure_clusters.vertex
        where
            comparisons.is_agreed
            and comparisons.is_sure
            and comparisons.is_dated
            and sure_clusters.cluster in (select cluster from broken_clusters)
    ),

    {{ connected_components("dated_edges", "dated_") }},

    dated_clusters as (
        select
            sure_clusters.vertex,
            case
                when sure_clusters.cluster not in (select cluster from broken_clusters)
                then sure_clusters.cluster
                else coalesce(dated_components.component, sure_clusters.vertex)
            end as cluster
        from sure_clusters
        left join dated_components on sure_clusters.vertex = dated_components.vertex
    ),

    still_broken_clusters as (
        select distinct one.cluster
        from comparisons
        inner join dated_clusters as one on comparisons.vertex = one.vertex
        inner join dated_clusters as other on comparisons.other_vertex = other.vertex and one.cluster = other.cluster
        where comparisons.is_barred
    ),

    clusters as (
        select
            compared.identifier_key,
            compared.statement,
            compared.vertex,
            compared.first_name_key,
            case
                when dated_clusters.cluster in (select cluster from still_broken_clusters)
                then compared.vertex
                else dated_clusters.cluster
            end as cluster
        from dated_clusters
        inner join compared on dated_clusters.vertex = compared.vertex
    ),

    pairs as (
        select
            one.identifier_key,
            one.cluster,
            other.cluster as other_cluster,
            comparisons.is_agreed,
            one.first_name_key is null as is_unnamed,
            other.first_name_key is not null and (comparisons.is_dated or comparisons.is_documented) as is_reported_by
        from
            (
                select vertex, other_vertex, is_agreed, is_dated, is_documented
                from comparisons

                union all

                select other_vertex, vertex, is_agreed, is_dated, is_documented
                from comparisons
            ) as comparisons
        inner join clusters as one on comparisons.vertex = one.vertex
        inner join clusters as other on comparisons.other_vertex = other.vertex and one.cluster <> other.cluster
    ),

    -- Without a name, contradicted by somebody, and no birth date or document says that it is somebody else's.
    strangers as (
        select cluster
        from pairs
        where is_unnamed
        group by cluster
        having bool_or(not is_agreed) and not bool_or(is_agreed and is_reported_by)
    ),

    -- Clusters agree if all that they say does.
    agreements as (
        select identifier_key, cluster, cluster as other_cluster
        from clusters

        union

        select identifier_key, cluster, other_cluster
        from pairs
        where cluster not in (select cluster from strangers) and other_cluster not in (select cluster from strangers)
        group by identifier_key, cluster, other_cluster
        having bool_and(is_agreed)
    ),

    degrees as (select identifier_key, cluster, count(*) as degree from agreements group by identifier_key, cluster),

    closures as (
        select one.identifier_key, one.cluster, count(*) as closed_count
        from agreements as one
        inner join agreements as other on one.identifier_key = other.identifier_key and one.cluster = other.cluster
        inner join
            agreements as closing
            on one.identifier_key = closing.identifier_key
            and one.other_cluster = closing.cluster
            and other.other_cluster = closing.other_cluster
        group by one.identifier_key, one.cluster
    ),

    unambiguous as (
        select degrees.identifier_key, degrees.cluster
        from degrees
        inner join closures on degrees.identifier_key = closures.identifier_key and degrees.cluster = closures.cluster
        where closures.closed_count = degrees.degree * degrees.degree
    ),

    names as (select cluster, min(statement) as statement, count(*) as statement_count from clusters group by cluster),

    group_names as (
        select unambiguous.cluster, min(names.statement) as group_no
        from unambiguous
        inner join
            agreements
            on unambiguous.identifier_key = agreements.identifier_key
            and unambiguous.cluster = agreements.cluster
        inner join
            unambiguous as others
            on agreements.identifier_key = others.identifier_key
            and agreements.other_cluster = others.cluster
        inner join names on others.cluster = names.cluster
        group by unambiguous.cluster
    ),

    groups as (
        select clusters.identifier_key, clusters.statement, coalesce(group_names.group_no, names.statement) as group_no
        from clusters
        inner join names on clusters.cluster = names.cluster
        left join group_names on clusters.cluster = group_names.cluster
        where group_names.cluster is not null or names.statement_count > 1
    ),

    group_counts as (
        select identifier_key, count(distinct group_no) as group_count from groups group by identifier_key
    ),

    judged_keys as (
        select
            variety.identifier_key,
            case
                when plain_keys.identifier_key is null
                then greatest(variety.name_count, variety.document_count, variety.date_count, variety.statement_count)
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
        left join
            groups on statements.identifier_key = groups.identifier_key and statements.statement = groups.statement
    )

select *
from final
