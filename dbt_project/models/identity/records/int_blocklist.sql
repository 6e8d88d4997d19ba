-- Grain: one row per type, way to compare and value of identifiers that stand for nobody in particular, the value as
-- they are compared, however people wrote it. Of two reasons for one value the first counts.
with
    blocklist as (select * from {{ ref("identifier_blocklist") }}),

    final as (
        select
            identifier_type,
            match_kind,
            case
                when match_kind = 'pattern'
                then value
                when match_kind = 'exact' and identifier_type = 'phone'
                then concat('+', {{ linking_spelling("identifier_type", "value") }})
                when identifier_type in ('email', 'document')
                then {{ linking_spelling("identifier_type", "value") }}
                else trim(value)
            end as value,
            min(reason) as reason
        from blocklist
        where identifier_type <> 'first_name'
        group by all
    )

select *
from final
