-- Grain: one row per identifier that a pattern of the blocklist fits: ranges of numbers that regulators keep for
-- fiction. Each number is looked for once.
with
    known as (select * from {{ ref("int_known_identifiers") }}),

    blocklist as (select * from {{ ref("int_blocklist") }}),

    final as (
        select numbers.id_type, numbers.id_link_value, min(blocklist.reason) as reason
        from
            (
                select distinct id_type, id_link_value
                from known
                where id_type in (select identifier_type from blocklist where match_kind = 'pattern')
            ) as numbers
        inner join
            blocklist
            on blocklist.match_kind = 'pattern'
            and numbers.id_type = blocklist.identifier_type
            and numbers.id_link_value like blocklist.value
        group by numbers.id_type, numbers.id_link_value
    )

select *
from final
