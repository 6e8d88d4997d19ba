-- Grain: one row per order id of a vendor account, with the real order it means. Reports of one account that share the
-- vendor's order id are one purchase, known by its number if any of them names it; reports of one number are one
-- purchase. Two exceptions, by what they say of total, time and buyer:
-- * One number used twice: reports more than seven days apart that have neither a person nor a total in common are
-- purchases of their own. The earliest keeps the id that the number gives; that of a later one takes its order date
-- in.
-- * One purchase under two numbers: where the order id of one vendor is the order number of another, and person, total
-- and day (one apart at most) agree.
with recursive
    staged as (select * from {{ source("staging", "orders") }}),

    statements as (select * from {{ ref("int_order_statements") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    ranked as (
        select
            source,
            source_account,
            source_order_id,
            order_namespace,
            order_match_key,
            order_number,
            {{ newest() }} as recency
        from staged
        where order_match_key is not null
    ),

    numbered as (
        select
            source,
            source_account,
            source_order_id,
            max(order_namespace) as order_namespace,
            coalesce(
                max_by(order_match_key, recency) filter (where order_number is not null),
                max_by(order_match_key, recency)
            ) as order_match_key,
            upper(trim(regexp_replace(trim(source_order_id), '^#', ''))) as own_key
        from ranked
        group by source, source_account, source_order_id
    ),

    -- One order id may be reported in several streams, and in records and events: of records, and then of the newest,
    -- first.
    ordered_statements as (
        select
            *,
            row_number() over (
                partition by source, source_account, source_order_id
                order by is_from_event, last_export_date desc, source_updated_at desc nulls last, stream
            ) as place
        from statements
    ),

    described as (
        select
            numbered.*,
            min_by(statements.total, statements.place) filter (where statements.total is not null) as total,
            min_by(statements.currency, statements.place) filter (where statements.total is not null) as currency,
            min_by(statements.customer_id, statements.place) filter (
                where statements.customer_id is not null
            ) as customer_id,
            min(statements.stated_ordered_at) as ordered_at
        from numbered
        left join
            ordered_statements as statements
            on numbered.source = statements.source
            and numbered.source_account = statements.source_account
            and numbered.source_order_id = statements.source_order_id
        group by all
    ),

    -- Numbers with reports that may be of several purchases.
    spread as (
        select order_namespace, order_match_key
        from described
        where total is not null
        group by order_namespace, order_match_key
        having max(ordered_at) - min(ordered_at) > interval 7 days
    ),

    -- Order ids of one vendor that are the numbers of another's reports of the same purchase.
    renumbered as (
        select
            named.source,
            named.source_account,
            named.source_order_id,
            called.source as other_source,
            called.source_account as other_source_account,
            called.source_order_id as other_source_order_id,
            named.order_namespace,
            named.order_match_key,
            called.order_match_key as other_match_key
        from described as named
        inner join
            described as called
            on named.order_namespace = called.order_namespace
            and named.own_key = called.order_match_key
            and named.total = called.total
            and named.currency = called.currency
            and named.customer_id = called.customer_id
            and named.source <> called.source
            and abs({{ days_between("cast(named.ordered_at as date)", "cast(called.ordered_at as date)") }}) <= 1
        where named.order_match_key <> named.own_key
    ),

    in_question as (
        select order_namespace, order_match_key
        from spread
        union
        select order_namespace, order_match_key
        from renumbered
        union
        select order_namespace, other_match_key
        from renumbered
    ),

    -- Reports under one number fall into visits, each more than seven days after the one before it.
    dated as (
        select
            described.*,
            described.ordered_at - lag(described.ordered_at) over reports > interval 7 days as begins_a_visit
        from described
        inner join
            in_question
            on described.order_namespace = in_question.order_namespace
            and described.order_match_key = in_question.order_match_key
        where described.total is not null and described.ordered_at is not null
        window
            reports as (
                partition by described.order_namespace, described.order_match_key
                order by described.ordered_at, described.source, described.source_account, described.source_order_id
            )
    ),

    counted as (
        select
            *,
            count(*) filter (where begins_a_visit) over (
                partition by order_namespace, order_match_key
                order by ordered_at, source, source_account, source_order_id
                rows between unbounded preceding and current row
            ) as visit_number
        from dated
    ),

    visiting as (
        select *, dense_rank() over (order by order_namespace, order_match_key, visit_number) as visit from counted
    ),

    -- Visits are one purchase where they share a person or a total, or where one is the other under its vendor's id.
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

    visits as (
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
    ),

    purchases as (
        select
            purchase,
            min(order_namespace) as order_namespace,
            min_by(order_match_key, row(is_called_by_an_id, ordered_at, order_match_key)) as order_match_key,
            min(ordered_at) as ordered_at
        from visits
        group by purchase
    ),

    named_purchases as (
        select
            purchases.*,
            settings.reporting_time_zone,
            row_number() over (
                partition by order_namespace, order_match_key order by ordered_at, purchase
            ) as use_number
        from purchases
        cross join settings
    ),

    -- A report without a total or a time goes to the visit of its person, else to the nearest.
    placed as (
        select described.source, described.source_account, described.source_order_id, visits.purchase
        from described
        inner join
            visits
            on described.order_namespace = visits.order_namespace
            and described.order_match_key = visits.order_match_key
        left join shared on visits.visit = shared.visit and concat('person ', described.customer_id) = shared.what
        left join
            visiting
            on described.source = visiting.source
            and described.source_account = visiting.source_account
            and described.source_order_id = visiting.source_order_id
        qualify
            row_number() over (
                partition by described.source, described.source_account, described.source_order_id
                order by
                    coalesce(visiting.visit = visits.visit, false) desc,
                    shared.visit is null,
                    abs({{ seconds_between("described.ordered_at", "visits.ordered_at") }}) nulls last,
                    visits.ordered_at,
                    visits.visit
            )
            = 1
    ),

    final as (
        select
            described.source,
            described.source_account,
            described.source_order_id,
            described.order_namespace,
            coalesce(named_purchases.order_match_key, described.order_match_key) as order_match_key,
            case
                when named_purchases.use_number > 1
                then
                    {{
                        stable_key(
                            [
                                "named_purchases.order_namespace",
                                "named_purchases.order_match_key",
                                local_date("named_purchases.ordered_at", "named_purchases.reporting_time_zone"),
                            ]
                        )
                    }}
                else
                    {{
                        stable_key(
                            [
                                "described.order_namespace",
                                "coalesce(named_purchases.order_match_key, described.order_match_key)",
                            ]
                        )
                    }}
            end as order_id,
            coalesce(named_purchases.use_number > 1, false) as is_number_reused
        from described
        left join
            placed
            on described.source = placed.source
            and described.source_account = placed.source_account
            and described.source_order_id = placed.source_order_id
        left join named_purchases on placed.purchase = named_purchases.purchase
    )

select *
from final
