-- Grain: one row per compared statement that falls into a group of compatible ones: the group, named after its smallest
-- statement. A cluster whose agreeing clusters all agree with each other is of their group; one that agrees with two
-- that contradict each other is of none, but holds together itself.
with
    clusters as (select * from {{ ref("int_statement_clusters") }}),

    agreements as (select * from {{ ref("int_agreeing_clusters") }}),

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

    final as (
        select clusters.identifier_key, clusters.statement, coalesce(group_names.group_no, names.statement) as group_no
        from clusters
        inner join names on clusters.cluster = names.cluster
        left join group_names on clusters.cluster = group_names.cluster
        where group_names.cluster is not null or names.statement_count > 1
    )

select *
from final
