-- Grain: one row per identifier that people decided to block. All spellings of one value are blocked by any of them: of
-- a Gmail address with its dots, or of a number as somebody typed it.
with
    known as (select * from {{ ref("int_known_identifiers") }}),

    overrides as (select * from {{ ref("identity_overrides") }}),

    final as (
        select known.id_type, known.id_link_value
        from known
        inner join
            (
                select distinct
                    identifier_type, {{ linking_spelling("identifier_type", "identifier_value") }} as spelling
                from overrides
                where rule = 'blocked'
            ) as decided
            on known.id_type = decided.identifier_type
            and decided.spelling in (
                {{ linking_spelling("known.id_type", "known.id_link_value") }},
                {{ linking_spelling("known.id_type", "known.id_value") }}
            )
        group by known.id_type, known.id_link_value
    )

select *
from final
