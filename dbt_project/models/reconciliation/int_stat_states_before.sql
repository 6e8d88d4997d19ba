-- Grain: one row per vendor account, order and export date, with the state that was reported by each of the moments
-- compared. Before anything was reported, what each reporter said first counts.
{% set moments = stat_moments() %}
with
    pairs as (select * from {{ ref("int_stat_order_days") }}),

    status_reports as (select * from {{ ref("int_order_status_reports") }}),

    reported as (
        select *, min(reported_at) over (partition by order_id, source, source_account) as first_reported_at
        from status_reports
    ),

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

    final as (
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
    )

select *
from final
