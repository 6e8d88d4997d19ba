-- Grain: one row per set of identifiers (contact) that only outdated versions of orders, or of events that report one,
-- carry: the newest version names somebody else, so what the older one linked counts no more. A version that only names
-- less contradicts nothing.
{% set mentions = mentioning_tables() %}
with
    orders as (select * from {{ source("staging", "orders") }}),

    identifiers as (
        select
            source,
            source_account,
            owner_record_id,
            id_type,
            coalesce(id_namespace, '') as id_namespace,
            coalesce(id_link_value, id_value) as id_value
        from {{ source("staging", "customer_identifiers") }}
    ),

    order_rows as (select * from {{ ref("int_order_rows") }}),

    event_versions as (select * from {{ ref("int_event_versions") }}),

    several_buyers as (
        select source, source_account, stream, source_order_id
        from orders
        where not coalesce(is_from_event, false)
        group by source, source_account, stream, source_order_id
        having min(owner_record_id) <> max(owner_record_id)
    ),

    newest as (
        select
            order_rows.source,
            order_rows.source_account,
            order_rows.stream,
            order_rows.source_order_id,
            order_rows.owner_record_id
        from order_rows
        inner join
            several_buyers
            on order_rows.source = several_buyers.source
            and order_rows.source_account = several_buyers.source_account
            and order_rows.stream = several_buyers.stream
            and order_rows.source_order_id = several_buyers.source_order_id
        where order_rows.owner_record_id is not null and not order_rows.is_from_event
        qualify
            row_number() over (
                partition by order_rows.source, order_rows.source_account, order_rows.stream, order_rows.source_order_id
                order by order_rows.recency_rank
            )
            = 1
    ),

    older as (
        select
            orders.source,
            orders.source_account,
            orders.source_order_id,
            orders.owner_record_id,
            orders.source_file,
            orders.source_row,
            newest.owner_record_id as newest_owner_record_id
        from orders
        inner join
            newest
            on orders.source = newest.source
            and orders.source_account = newest.source_account
            and orders.stream = newest.stream
            and orders.source_order_id = newest.source_order_id
            and orders.owner_record_id <> newest.owner_record_id
        left join
            order_rows
            on orders.source_file = order_rows.source_file
            and orders.source_row = order_rows.source_row
            and orders.source_order_id = order_rows.source_order_id
            and (order_rows.is_newest or order_rows.speaks_of_money)
        where not coalesce(orders.is_from_event, false) and order_rows.source_file is null
    ),

    event_buyers as (
        select
            event_versions.*,
            orders.source_order_id,
            orders.owner_record_id,
            first_value(orders.owner_record_id) over (
                partition by event_versions.source, event_versions.source_account, event_versions.event_id
                order by event_versions.version_rank
            ) as newest_owner_record_id
        from orders
        inner join
            event_versions
            on orders.source_file = event_versions.source_file
            and orders.source_row = event_versions.source_row
        where orders.is_from_event and orders.owner_record_id is not null
    ),

    corrected as (
        select *
        from older

        union all

        select source, source_account, source_order_id, owner_record_id, source_file, source_row, newest_owner_record_id
        from event_buyers
        where owner_record_id <> newest_owner_record_id
    ),

    -- Two addresses, or two ids, of which none is the same.
    contradicted as (
        select corrected.source, corrected.source_account, corrected.owner_record_id, corrected.newest_owner_record_id
        from corrected
        inner join
            identifiers
            on corrected.source = identifiers.source
            and corrected.source_account = identifiers.source_account
            and corrected.owner_record_id = identifiers.owner_record_id
        inner join
            identifiers as newer
            on corrected.source = newer.source
            and corrected.source_account = newer.source_account
            and corrected.newest_owner_record_id = newer.owner_record_id
            and identifiers.id_type = newer.id_type
            and identifiers.id_namespace = newer.id_namespace
        group by
            corrected.source,
            corrected.source_account,
            corrected.owner_record_id,
            corrected.newest_owner_record_id,
            identifiers.id_type,
            identifiers.id_namespace
        having not bool_or(identifiers.id_value = newer.id_value)
    ),

    outdated as (
        select
            corrected.source,
            corrected.source_account,
            corrected.owner_record_id,
            corrected.source_file,
            corrected.source_row
        from corrected
        where
            (corrected.source, corrected.source_account, corrected.owner_record_id, corrected.newest_owner_record_id)
            in (select (source, source_account, owner_record_id, newest_owner_record_id) from contradicted)
    ),

    candidates as (
        select source, source_account, owner_record_id from outdated where owner_record_id like 'derived:%' group by all
    ),

    mentioned as (
        {% for table in mentions -%}
            select mentions.source, mentions.source_account, mentions.owner_record_id
            from {{ source("staging", table) }} as mentions
            inner join
                candidates
                on mentions.source = candidates.source
                and mentions.source_account = candidates.source_account
                and mentions.owner_record_id = candidates.owner_record_id
            left join
                outdated on mentions.source_file = outdated.source_file and mentions.source_row = outdated.source_row
            where outdated.source_file is null
            {%- if not loop.last %}

                union

            {% endif -%}
        {% endfor %}
    ),

    final as (
        select candidates.source, candidates.source_account, candidates.owner_record_id
        from candidates
        left join
            mentioned
            on candidates.source = mentioned.source
            and candidates.source_account = mentioned.source_account
            and candidates.owner_record_id = mentioned.owner_record_id
        where mentioned.owner_record_id is null
    )

select *
from final
