-- Grain: one row per key with holders that contradict each other and different statement that holders make of
-- themselves, named after the smallest node that makes it.
with
    shared_evidence as (select * from {{ ref("int_shared_evidence") }}),

    conflicting_keys as (
        select identifier_key
        from shared_evidence
        group by identifier_key
        having
            min(first_name_key) <> max(first_name_key)
            or min(birth_date) <> max(birth_date)
            or min(document) <> max(document)
    ),

    final as (
        select identifier_key, first_name_key, naming, document, birth_date, min(node) as statement, list(node) as nodes
        from shared_evidence
        where identifier_key in (select identifier_key from conflicting_keys)
        group by identifier_key, first_name_key, naming, document, birth_date
    )

select *
from final
