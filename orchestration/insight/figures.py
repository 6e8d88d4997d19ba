"""Every number that the dashboard and the report show, as a query of the published warehouse: written once, for both.

Revenue and the like are those of `customer_insights`: valid orders up to the day the warehouse is of, in the reporting
currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

MONTHS_SHOWN = 24
COHORTS_SHOWN = 18
SEGMENTS_SHOWN = 12
ROWS_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """What a query answered."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    @property
    def first(self) -> dict[str, Any]:
        """The first row by column; all columns null where there is none."""
        return dict(zip(self.columns, self.rows[0] if self.rows else [None] * len(self.columns), strict=True))

    def column(self, name: str) -> list[Any]:
        """One column's values."""
        position = self.columns.index(name)
        return [row[position] for row in self.rows]


OVERVIEW = """
with
people as (
    select
        count(*) filter (where order_count > 0) as buyers,
        count(*) filter (where order_count > 1) as repeat_buyers,
        sum(order_count) as orders,
        sum(total_revenue) as revenue,
        any_value(reporting_currency) as currency,
        any_value(as_of_date) as as_of
    from marts.customer_insights
),
unrated as (
    select count(*) as orders
    from marts.fct_orders, people
    where is_valid and net_amount_reporting is null and customer_id is not null and order_date <= people.as_of
)
select
    (select count(*) from marts.dim_customers) as people,
    people.buyers,
    coalesce(people.orders, 0)::bigint as orders,
    coalesce(people.revenue, 0) as revenue,
    round(people.revenue / nullif(people.orders - unrated.orders, 0), 2)::decimal(18, 2) as average_order_value,
    people.repeat_buyers / nullif(people.buyers, 0) as repeat_rate,
    people.currency,
    people.as_of
from people, unrated
"""

# All valid orders by business day: those of nobody known, or after the day the warehouse is of, are in here too.
MONTHS = f"""
select
    date_trunc('month', order_date)::date as month,
    sum(order_count)::bigint as orders,
    sum(revenue) as revenue,
    round(sum(revenue) / nullif(sum(order_count - orders_without_rate), 0), 2)::decimal(18, 2) as average_order_value,
    sum(new_customer_count)::bigint as new_buyers
from marts.daily_metrics
group by month
order by month desc
limit {MONTHS_SHOWN}
"""

MONTHS_BY_VENDOR = f"""
with months as (
    select date_trunc('month', order_date)::date as month, source, sum(revenue) as revenue
    from marts.daily_metrics
    group by all
)
select month, source, revenue
from months
where month in (select distinct month from months order by month desc limit {MONTHS_SHOWN})
order by month, source
"""

VENDORS = """
with
records as (select source, count(*) as records, count(distinct customer_id) as people from marts.bridge_customer_records where not is_derived group by source),
orders as (select source, sum(order_count)::bigint as orders, sum(revenue) as revenue from marts.daily_metrics group by source),
events as (select source, count(*) as events from marts.fct_events group by source)
select source as vendor, coalesce(records, 0) as records, coalesce(people, 0) as people, coalesce(orders, 0) as orders,
    coalesce(revenue, 0) as revenue, coalesce(events, 0) as events
from records full join orders using (source) full join events using (source)
order by vendor
"""

STAGES = """
select coalesce(lifecycle_stage, 'never bought') as stage, count(*) as people, sum(total_revenue) as revenue
from marts.customer_insights
group by stage
order by people desc, stage
"""

LAST_RUN = """
select run_id, command, started_at, changes, attention
from meta.runs where published order by started_at desc limit 1
"""

CONTACTABILITY = """
select channel, count(*) filter (where is_allowed) as may_be_contacted, count(*) filter (where not is_allowed) as may_not, count(*) as known_of
from marts.customer_contactability
group by channel
order by may_be_contacted desc, channel
"""

COHORTS = f"""
with
purchases as (
    select
        insights.customer_id, insights.cohort_month,
        date_diff('month', insights.cohort_month, date_trunc('month', orders.order_date)::date) as month_number
    from marts.customer_insights as insights
    inner join marts.fct_orders as orders using (customer_id)
    where orders.is_valid and orders.order_date <= insights.as_of_date and insights.cohort_month is not null
),
sizes as (
    select cohort_month, count(*) as buyers, date_diff('month', cohort_month, max(as_of_date)) as last_month
    from marts.customer_insights where cohort_month is not null
    group by cohort_month order by cohort_month desc limit {COHORTS_SHOWN}
),
cells as (
    select sizes.cohort_month, sizes.buyers, unnest(range(0, least(sizes.last_month, {COHORTS_SHOWN - 1}) + 1)) as month_number from sizes
)
select cells.cohort_month as cohort, cells.buyers, cells.month_number, count(distinct purchases.customer_id) / any_value(cells.buyers) as retention
from cells
left join purchases on cells.cohort_month = purchases.cohort_month and cells.month_number = purchases.month_number
group by all
order by cohort, month_number
"""

RFM = """
select rfm_recency as recency, rfm_frequency as frequency, count(*) as buyers, sum(total_revenue) as revenue
from marts.customer_insights
where rfm_recency is not null
group by all
order by all
"""

SEGMENTS = """
with population as (select count(*) as people from marts.dim_customers)
select
    segments.source as vendor, segments.segment_id, segments.segment_name, segments.segment_kind as kind,
    segments.member_count as members, segments.reported_member_count as reported_members, segments.ever_member_count as ever_members,
    segments.member_count / nullif(population.people, 0) as share_of_people
from marts.dim_segments as segments, population
order by members desc, vendor, segments.segment_id
"""

OVERLAP = f"""
with
members as (
    select distinct source || '/' || source_account || '/' || segment_id as segment, source, coalesce(segment_name, segment_id) as name, customer_id
    from marts.fct_segment_memberships where is_current
),
largest as (
    select segment, any_value(source) as source, min(name) as name, count(distinct customer_id) as members
    from members group by segment order by members desc, segment limit {SEGMENTS_SHOWN}
),
shown as (select distinct segment, largest.source, largest.name, members.customer_id, largest.members from members inner join largest using (segment))
select ones.segment, ones.source as vendor, ones.name, others.segment as other_segment, count(*) as people, count(*) / any_value(ones.members) as share
from shown as ones
inner join shown as others using (customer_id)
group by all
order by all
"""

VERDICTS = """
select source as vendor, metric, verdict, verdict_reason as reason, count(*) as figures
from marts.customer_stat_reconciliation
group by all
order by all
"""

VERDICT_TOTALS = """
select verdict, count(*) as figures from marts.customer_stat_reconciliation group by verdict order by figures desc, verdict
"""

DIFFERING = f"""
select
    source as vendor, customer_id, metric, vendor_value::double as vendor_says, our_value::double as we_say,
    our_value_by_their_definition::double as by_their_definition, unit, currency, verdict, verdict_reason as reason
from marts.customer_stat_reconciliation
where $verdict = verdict
order by abs(coalesce(vendor_value, 0) - coalesce(our_value_by_their_definition, our_value, 0)) desc, vendor, metric, customer_id, source_record_id
limit {ROWS_SHOWN}
"""

# Loads that a later load of the same file replaced stand in meta.loads alone.
DELIVERIES = """
select
    source as vendor, source_account as account, stream, max(export_date) as last_export_date, count(*) as files,
    sum(rows_read)::bigint as rows_read, sum(rows_loaded)::bigint as loaded, sum(rows_rejected)::bigint as rejected, sum(rows_duplicate)::bigint as duplicate
from meta.loads
where status <> 'superseded'
group by all
order by all
"""

ROW_COUNTS = """
select
    count(*) as files, coalesce(sum(rows_read), 0)::bigint as rows_read, coalesce(sum(rows_loaded), 0)::bigint as rows_loaded,
    coalesce(sum(rows_rejected), 0)::bigint as rows_rejected, coalesce(sum(rows_duplicate), 0)::bigint as rows_duplicate
from meta.loads
where status <> 'superseded'
"""

REJECTS = """
select source as vendor, source_account as account, stream, reason_code as reason, field, count(*) as records, max(export_date) as last_export_date
from meta.rejects
group by all
order by records desc, vendor, account, stream, reason, field
"""

ROWS_BY_EXPORT_DATE = f"""
select export_date, source as vendor, sum(rows_read)::bigint as rows_read
from meta.loads
where
    status <> 'superseded'
    and export_date in (select distinct export_date from meta.loads where status <> 'superseded' order by export_date desc limit {2 * MONTHS_SHOWN})
group by all
order by export_date, vendor
"""

DRIFT = f"""
select export_date, source as vendor, source_account as account, stream, field, change, min(seen_type) as seen_type,
    sum(record_count)::bigint as records, min(meaning) as by_its_name
from meta.schema_drift
group by all
order by export_date desc, vendor, account, stream, change, field
limit {ROWS_SHOWN}
"""

ISSUES = """
select source as vendor, stream, table_name as in_table, field, issue_code as issue, action, count(*) as values
from meta.field_issues
group by all
order by values desc, vendor, stream, in_table, field, issue, action
"""

CONFLICTS = (
    "select conflict_type as conflict, count(*) as orders from meta.order_conflicts group by all order by orders desc,"
    " conflict"
)

SHARED = """
select identifier_type as kind, count(*) as identifiers, max(people_count) as most_people, sum(would_have_merged_customers)::bigint as kept_apart
from meta.shared_identifiers
group by all
order by identifiers desc, kind
"""

UNREAD_FIELDS = f"""
select source as vendor, source_account as account, stream, field, handling, max(export_date) as last_export_date, sum(records_seen)::bigint as records
from meta.field_coverage
where handling in ('unknown', 'extra')
group by all
order by records desc, vendor, account, stream, field
limit {ROWS_SHOWN}
"""


def ask(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | Sequence[object] | None = None
) -> Answer:
    """The answer to one of the queries."""
    found = con.execute(query, parameters)
    return Answer(tuple(column[0] for column in found.description or ()), found.fetchall())
