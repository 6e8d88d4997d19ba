-- Grain: one row per vendor record and figure about orders, computed from our orders by the vendor's definition, and by
-- ours. A vendor that reports orders is held to those it reported, as it reported them; any other to all orders we
-- know. Where a person has several profiles at the vendor, each is held to the orders reported as its own. No order
-- after the vendor's export date is compared. Each figure stands here four times: of the orders up to the end of that
-- day as they stand today, and as they stood at its end, at its beginning, and a day before, because vendors compute
-- overnight.
{% set moments = [
    ("at_day_end", "cast(stats.export_date + 1 as date)"),
    ("at_export", "stats.export_date"),
    ("day_before", "cast(stats.export_date - 1 as date)"),
] %}
with
    stats as (select * from {{ ref("int_vendor_stats") }}),

    definitions as (select * from {{ ref("vendor_metric_definitions") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    reports as (select * from {{ ref("bridge_order_sources") }}),

    refunds as (select * from {{ ref("int_order_refunds") }}),

    adjustments as (select * from {{ ref("fct_order_adjustments") }}),

    claims as (select * from {{ ref("int_reported_refunds") }}),

    status_reports as (select * from {{ ref("int_order_status_reports") }}),

    statuses as (select * from {{ ref("order_statuses") }}),

    order_reports as (select * from {{ ref("int_order_reports") }}),

    profile_records as (select * from {{ ref("int_profile_records") }}),

    settings as (select * from {{ source("internal", "run_settings") }}),

    own_orders as (
        select distinct
            profile_records.source,
            profile_records.source_account,
            profile_records.stream,
            profile_records.source_record_id,
            order_reports.order_id
        from order_reports
        inner join profile_records on {{ is_of_profile("order_reports") }}
    ),

    reporting_sources as (select source from reports group by source),

    -- A cancellation that a vendor reports separately is part of what it reports.
    own_cancellations as (
        select claims.order_id, claims.source, claims.source_account
        from claims
        inner join orders on claims.order_id = orders.order_id
        where claims.action = 'cancel' and orders.status = 'canceled'
        group by claims.order_id, claims.source, claims.source_account
    ),

    -- One report of an order per vendor account: the best one, with the furthest state any of its reports states.
    reported_orders as (
        select
            reports.source,
            reports.source_account,
            reports.order_id,
            coalesce(reports.customer_id, orders.customer_id) as customer_id,
            case
                when own_cancellations.order_id is not null
                then 'canceled'
                else last_value(reports.status) over in_progress
            end as status,
            coalesce(reports.currency, orders.currency) as currency,
            reports.subtotal_amount,
            reports.total_amount,
            coalesce(reports.is_valid_source, orders.is_valid) as is_flagged_valid,
            coalesce(reports.ordered_at, orders.ordered_at) as ordered_at
        from reports
        inner join orders on reports.order_id = orders.order_id
        left join statuses on reports.status = statuses.status
        left join
            own_cancellations
            on reports.order_id = own_cancellations.order_id
            and reports.source = own_cancellations.source
            and reports.source_account = own_cancellations.source_account
        window
            in_progress as (
                partition by reports.source, reports.source_account, reports.order_id
                order by statuses.progress nulls first
                rows between unbounded preceding and unbounded following
            )
        qualify
            row_number() over (
                partition by reports.source, reports.source_account, reports.order_id
                order by reports.is_primary desc, reports.total_amount is null, reports.source_record_id
            )
            = 1
    ),

    known_orders as (
        select
            source,
            source_account,
            order_id,
            customer_id,
            status,
            currency,
            subtotal_amount,
            total_amount,
            is_flagged_valid,
            ordered_at
        from reported_orders
        union all
        select
            sources.source,
            cast(null as varchar) as source_account,
            orders.order_id,
            orders.customer_id,
            orders.status,
            orders.currency,
            orders.subtotal_amount,
            orders.total_amount,
            orders.is_valid as is_flagged_valid,
            orders.ordered_at
        from orders
        inner join
            (
                select definitions.source
                from definitions
                left join reporting_sources on definitions.source = reporting_sources.source
                where reporting_sources.source is null
                group by definitions.source
            ) as sources
            on true
    ),

    observed as (
        select
            stats.*,
            {% for moment, day in moments -%}
                {{ day_start(day, "settings.reporting_time_zone") }} as {{ moment }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from stats
        cross join settings
    ),

    matched as (
        select
            stats.*,
            definitions.amount as amount_kind,
            definitions.is_net,
            definitions.uses_vendor_flag,
            definitions.statuses,
            known_orders.order_id,
            known_orders.status,
            known_orders.is_flagged_valid,
            known_orders.currency as order_currency,
            known_orders.subtotal_amount,
            known_orders.total_amount,
            known_orders.ordered_at
        from observed as stats
        inner join definitions on stats.source = definitions.source and stats.metric = definitions.metric
        inner join
            known_orders
            on stats.customer_id = known_orders.customer_id
            and stats.source = known_orders.source
            and stats.source_account = coalesce(known_orders.source_account, stats.source_account)
        left join
            own_orders
            on stats.source = own_orders.source
            and stats.source_account = own_orders.source_account
            and stats.stream = own_orders.stream
            and stats.owner_record_id = own_orders.source_record_id
            and known_orders.order_id = own_orders.order_id
        where
            definitions.compares_with = 'orders'
            and (not stats.is_one_of_several or own_orders.order_id is not null)
            and known_orders.ordered_at < stats.at_day_end
    ),

    pairs as (
        select
            source,
            source_account,
            order_id,
            export_date,
            {% for moment, _ in moments -%} min({{ moment }}) as {{ moment }}, {% endfor %} count(*) as figures
        from matched
        group by source, source_account, order_id, export_date
    ),

    -- What was taken back of an order only after each moment.
    later_refunds as (
        select
            pairs.source,
            pairs.source_account,
            pairs.order_id,
            pairs.export_date,
            {% for moment, _ in moments -%}
                sum(adjustments.amount) filter (
                    where adjustments.occurred_at >= pairs.{{ moment }}
                ) as amount_after_{{ moment }},
                sum(coalesce(claims.subtotal_amount, adjustments.amount)) filter (
                    where adjustments.occurred_at >= pairs.{{ moment }}
                ) as subtotal_after_{{ moment }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from pairs
        inner join adjustments on pairs.order_id = adjustments.order_id and adjustments.occurred_at >= pairs.day_before
        inner join orders on pairs.order_id = orders.order_id
        left join claims on adjustments.adjustment_key = claims.claim_id
        where not (adjustments.adjustment_type = 'cancel' and orders.status = 'canceled')
        group by pairs.source, pairs.source_account, pairs.order_id, pairs.export_date
    ),

    reported as (
        select *, min(reported_at) over (partition by order_id, source, source_account) as first_reported_at
        from status_reports
    ),

    -- What each reporter had said by each moment; before anything was said, the first that was.
    by_reporter as (
        select
            pairs.source,
            pairs.source_account,
            pairs.order_id,
            pairs.export_date,
            reported.reporter,
            {% for moment, _ in moments -%}
                max_by(reported.progress, row(reported.reported_at, reported.progress)) filter (
                    where reported.reported_at < pairs.{{ moment }} or reported.reported_at = reported.first_reported_at
                ) as progress_{{ moment }},
                max_by(reported.is_valid_source, row(reported.reported_at, reported.is_valid_source)) filter (
                    where
                        reported.is_valid_source is not null
                        and (
                            reported.reported_at < pairs.{{ moment }}
                            or reported.reported_at = reported.first_reported_at
                        )
                ) as flag_{{ moment }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from pairs
        inner join
            reported
            on pairs.order_id = reported.order_id
            and pairs.source = reported.source
            and pairs.source_account = reported.source_account
        group by pairs.source, pairs.source_account, pairs.order_id, pairs.export_date, reported.reporter
    ),

    reported_before as (
        select
            source,
            source_account,
            order_id,
            export_date,
            {% for moment, _ in moments -%}
                max(progress_{{ moment }}) as progress_{{ moment }},
                bool_or(flag_{{ moment }}) as flag_{{ moment }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from by_reporter
        group by source, source_account, order_id, export_date
    ),

    stood as (
        select
            matched.*,
            {% for moment, _ in moments -%}
                coalesce(statuses_{{ moment }}.status, matched.status) as status_{{ moment }},
                coalesce(reported_before.flag_{{ moment }}, matched.is_flagged_valid) as is_flagged_valid_{{ moment }},
                coalesce(later_refunds.amount_after_{{ moment }}, 0) as amount_after_{{ moment }},
                coalesce(later_refunds.subtotal_after_{{ moment }}, 0) as subtotal_after_{{ moment }},
            {% endfor -%}
            case
                when matched.amount_kind = 'subtotal'
                then coalesce(matched.subtotal_amount, matched.total_amount)
                else matched.total_amount
            end as gross_amount,
            case
                when matched.amount_kind = 'subtotal'
                then coalesce(refunds.subtotal_amount, orders.refunded_amount)
                else orders.refunded_amount
            end as refunded,
            orders.item_quantity,
            orders.net_amount_reporting,
            orders.is_valid
        from matched
        inner join orders on matched.order_id = orders.order_id
        left join refunds on matched.order_id = refunds.order_id
        {% for relation in ["later_refunds", "reported_before"] -%}
            left join
                {{ relation }}
                on matched.source = {{ relation }}.source
                and matched.source_account = {{ relation }}.source_account
                and matched.order_id = {{ relation }}.order_id
                and matched.export_date = {{ relation }}.export_date
        {% endfor -%}
        {% for moment, _ in moments -%}
            left join
                statuses as statuses_{{ moment }}
                on reported_before.progress_{{ moment }} = statuses_{{ moment }}.progress
        {% endfor %}
    ),

    counted as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            value_num,
            is_valid,
            net_amount_reporting,
            item_quantity,
            ordered_at,
            coalesce(order_currency <> currency, false) as is_other_currency,
            {% for suffix, moment in [
                ("", none),
                ("_at_day_end", "at_day_end"),
                ("_at_export", "at_export"),
                ("_day_before", "day_before"),
            ] -%}
                {%- set state = "_" ~ moment if moment else "" -%}
                {%- set amount_after = "amount_after_" ~ moment if moment else "0" -%}
                {%- set subtotal_after = "subtotal_after_" ~ moment if moment else "0" -%}
                {%- if moment %} ordered_at < {{ moment }} and {% endif -%}
                case
                    when uses_vendor_flag
                    then is_flagged_valid{{ state }}
                    else position(concat('|', status{{ state }}, '|') in concat('|', statuses, '|')) > 0
                end as is_counted{{ suffix }},
                greatest(
                    gross_amount - case
                        when not is_net
                        then 0
                        else
                            greatest(
                                refunded - case
                                    when amount_kind = 'subtotal' then {{ subtotal_after }} else {{ amount_after }}
                                end,
                                0
                            )
                    end,
                    0
                ) as amount{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from stood
    ),

    final as (
        select
            source,
            source_account,
            stream,
            owner_record_id,
            metric,
            definition_id,
            coalesce(bool_or(is_other_currency) filter (where is_counted), false) as has_other_currency,
            count(*) as our_orders_attempted,
            count(*) filter (where is_valid) as our_order_count,
            {{ capped("coalesce(sum(net_amount_reporting) filter (where is_valid), 0)", 2) }} as our_revenue,
            count(net_amount_reporting) filter (where is_valid) as our_rated_order_count,
            {{ capped("coalesce(sum(item_quantity) filter (where is_valid), 0)") }} as our_item_quantity,
            min(ordered_at) filter (where is_valid) as our_first_at,
            max(ordered_at) filter (where is_valid) as our_last_at,
            {% for suffix in ["", "_at_day_end", "_at_export", "_day_before"] -%}
                count(*) filter (where is_counted{{ suffix }}) as order_count{{ suffix }},
                {{ capped("sum(amount" ~ suffix ~ ") filter (where is_counted" ~ suffix ~ ")") }} as amount{{ suffix }},
                {{ capped("sum(item_quantity) filter (where is_counted" ~ suffix ~ ")") }} as item_quantity{{ suffix }},
                -- Of several last orders at one moment each has equal right: the one nearest to the vendor's figure is
                -- meant.
                max_by(
                    amount{{ suffix }},
                    row(ordered_at, - abs(amount{{ suffix }} - coalesce(value_num, 0)), amount{{ suffix }})
                ) filter (where is_counted{{ suffix }}) as last_amount{{ suffix }},
                min(ordered_at) filter (where is_counted{{ suffix }}) as first_at{{ suffix }},
                max(ordered_at) filter (where is_counted{{ suffix }}) as last_at{{ suffix }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from counted
        group by source, source_account, stream, owner_record_id, metric, definition_id
    )

select *
from final
