-- Grain: one row per two statements about one key: whether they agree, and whether they surely are of one person or of
-- two.
with
    statements as (select * from {{ ref("int_compared_statements") }}),

    final as (
        select
            one.identifier_key,
            one.vertex,
            other.vertex as other_vertex,
            {{ evidence_agrees("one", "other") }} as is_agreed,
            {{ is_surely_one("one", "other") }} as is_surely_one,
            {{ is_surely_two("one", "other") }} as is_surely_two,
            {{ birth_dates_match("one", "other") }} as is_same_birth_date,
            coalesce(
                one.document is not null and other.document is not null and {{ documents_agree("one", "other") }}, false
            ) as is_same_document
        from statements as one
        inner join statements as other on one.identifier_key = other.identifier_key and one.vertex > other.vertex
    )

select *
from final
