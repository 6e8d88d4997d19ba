-- Grain: one row per cluster of statements and cluster of the same key, itself included, that agrees with it in all
-- that
-- both say. A cluster without a name that somebody contradicts agrees with nobody, unless a birth date or document says
-- that it is somebody's.
with
    clusters as (select * from {{ ref("int_statement_clusters") }}),

    comparisons as (select * from {{ ref("int_statement_comparisons") }}),

    both_ways as (
        select vertex, other_vertex, is_agreed, is_same_birth_date, is_same_document
        from comparisons

        union all

        select other_vertex, vertex, is_agreed, is_same_birth_date, is_same_document
        from comparisons
    ),

    pairs as (
        select
            one.identifier_key,
            one.cluster,
            other.cluster as other_cluster,
            both_ways.is_agreed,
            one.first_name_key is null as is_unnamed,
            other.first_name_key is not null
            and (both_ways.is_same_birth_date or both_ways.is_same_document) as is_identified
        from both_ways
        inner join clusters as one on both_ways.vertex = one.vertex
        inner join clusters as other on both_ways.other_vertex = other.vertex and one.cluster <> other.cluster
    ),

    unattributed as (
        select cluster
        from pairs
        where is_unnamed
        group by cluster
        having bool_or(not is_agreed) and not bool_or(is_agreed and is_identified)
    ),

    final as (
        select identifier_key, cluster, cluster as other_cluster
        from clusters

        union

        select identifier_key, cluster, other_cluster
        from pairs
        where
            cluster not in (select cluster from unattributed)
            and other_cluster not in (select cluster from unattributed)
        group by identifier_key, cluster, other_cluster
        having bool_and(is_agreed)
    )

select *
from final
