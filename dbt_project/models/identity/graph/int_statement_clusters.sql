-- Grain: one row per compared statement: the cluster of statements that surely are of one person, since a chain of
-- slips leads from one to the next. Where two statements of a chain surely are of two people, it holds as far as birth
-- dates do; where that holds two people too, each statement stands alone.
with recursive
    statements as (select * from {{ ref("int_compared_statements") }}),

    comparisons as (select * from {{ ref("int_statement_comparisons") }}),

    sure as (select vertex, other_vertex, is_same_birth_date from comparisons where is_agreed and is_surely_one),

    -- Two graphs in one, so that one search does: chains of whatever slips, and below zero those of birth dates.
    edges as (
        select vertex as greater, other_vertex as lesser
        from sure

        union all

        select - other_vertex, - vertex
        from sure
        where is_same_birth_date
    ),

    {{ connected_components("edges") }},

    chains as (
        select
            statements.identifier_key,
            statements.statement,
            statements.vertex,
            statements.first_name_key,
            coalesce(chained.component, statements.vertex) as chain,
            coalesce(- dated.component, statements.vertex) as dated_chain
        from statements
        left join components as chained on statements.vertex = chained.vertex
        left join components as dated on - statements.vertex = dated.vertex
    ),

    broken as (
        select one.chain, case when one.dated_chain = other.dated_chain then one.dated_chain end as dated_chain
        from comparisons
        inner join chains as one on comparisons.vertex = one.vertex
        inner join chains as other on comparisons.other_vertex = other.vertex and one.chain = other.chain
        where comparisons.is_surely_two
    ),

    final as (
        select
            identifier_key,
            statement,
            vertex,
            first_name_key,
            case
                when chain not in (select chain from broken)
                then chain
                when dated_chain not in (select dated_chain from broken where dated_chain is not null)
                then dated_chain
                else vertex
            end as cluster
        from chains
    )

select *
from final
