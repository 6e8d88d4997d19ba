-- Grain: one row per visit, with the purchase it is part of. Visits are one purchase where they share a person or a
-- total, or where one is the other under its vendor's id.
with recursive
    renumbered as (select * from {{ ref("int_renumbered_orders") }}),

    visiting as (select * from {{ ref("int_order_visits") }}),

    shared as (
        select visit, order_namespace, order_match_key, concat('person ', customer_id) as what
        from visiting
        where customer_id is not null
        union
        select visit, order_namespace, order_match_key, concat('total ', cast(total as varchar)) as what
        from visiting
    ),

    edges as (
        select visit as greater, first_visit as lesser
        from
            (
                select visit, min(visit) over (partition by order_namespace, order_match_key, what) as first_visit
                from shared
            ) as sharing
        where visit <> first_visit
        union
        select greatest(named.visit, called.visit), least(named.visit, called.visit)
        from renumbered
        inner join
            visiting as named
            on renumbered.source = named.source
            and renumbered.source_account = named.source_account
            and renumbered.source_order_id = named.source_order_id
        inner join
            visiting as called
            on renumbered.other_source = called.source
            and renumbered.other_source_account = called.source_account
            and renumbered.other_source_order_id = called.source_order_id
    ),

    {{ connected_components("edges") }},

    final as (
        select
            visiting.visit,
            coalesce(components.component, visiting.visit) as purchase,
            visiting.order_namespace,
            visiting.order_match_key,
            min(visiting.ordered_at) as ordered_at,
            bool_or(renumbered.source is not null) as is_called_by_an_id
        from visiting
        left join components on visiting.visit = components.vertex
        left join
            renumbered
            on visiting.source = renumbered.other_source
            and visiting.source_account = renumbered.other_source_account
            and visiting.source_order_id = renumbered.other_source_order_id
        group by all
    )

select *
from final
