"""Finding people by what somebody knows of them, and what the warehouse knows of one."""

import re

import duckdb

from orchestration.insight.figures import Answer, ask
from orchestration.parsing import phone_numbers
from orchestration.runtime.errors import OperatorError

PAGE_SIZE = 50
TIMELINE_SHOWN = 300
LEAST_DIGITS = 6
NAMED = 10

# The fewest columns first: of a million people only those shown are joined with their figures.
SEARCH = """
with
found as (
    select customer_id from marts.dim_customers
    where contains(lower(full_name), $text) or contains(lower(email), $text) or customer_id = $text
    union
    select customer_id from marts.bridge_customer_identifiers
    where lower(identifier_value) = $text
        or ($digits <> '' and identifier_type = 'phone' and ends_with(regexp_replace(identifier_value, '[^0-9]', '', 'g'), $digits))
    union
    select customer_id from marts.bridge_customer_records where lower(source_record_id) = $text
    union
    select customer_id from marts.customer_id_aliases where length($text) >= 8 and starts_with(alias_id, $text) and customer_id is not null
    union
    select customer_id from marts.fct_orders where $order <> '' and upper(ltrim(order_number, '#')) = $order and customer_id is not null
),
everybody as (select customer_id from found where $text <> '' union all select customer_id from marts.dim_customers where $text = ''),
counted as (select *, count(*) over () as people_found from everybody semi join marts.dim_customers using (customer_id)),
shown as (
    select counted.* from counted left join marts.customer_insights as insights using (customer_id)
    order by insights.total_revenue desc nulls last, customer_id limit $limit offset $offset
)
select
    shown.customer_id, customers.full_name as name, customers.email, customers.phone, customers.sources as vendors, customers.record_count as records,
    insights.order_count as orders, insights.total_revenue as revenue, insights.lifecycle_stage as stage, insights.engagement_score as engagement,
    insights.last_order_at as last_order, shown.people_found
from shown
inner join marts.dim_customers as customers using (customer_id)
left join marts.customer_insights as insights using (customer_id)
order by revenue desc nulls last, customer_id
"""

WHO = "select * from marts.dim_customers where customer_id = $1"
INSIGHTS = "select * from marts.customer_insights where customer_id = $1"
FORECAST = "select * from marts.customer_forecasts where customer_id = $1"
CONSENTS = """
select effective_at as happened_at, source as vendor, channel, purpose, status, status_raw as in_their_words, is_current
from marts.fct_consents where customer_id = $1 order by happened_at desc, vendor, channel, purpose
"""
SEGMENTS = """
select source as vendor, segment_name as segment, segment_kind as kind, entered_at as entered, exited_at as left_at, is_current
from marts.fct_segment_memberships where customer_id = $1 order by is_current desc, entered desc, vendor, segment
"""
ORDERS = """
select ordered_at as happened_at, order_number as number, source as vendor, sources as reported_by, status, is_valid, net_amount as amount, currency,
    net_amount_reporting as in_reporting_currency
from marts.fct_orders where customer_id = $1 order by happened_at desc, order_id
"""
REVIEWS = """
select reviewed_at as happened_at, source as vendor, review_type as about, rating_value as rating, score_0_1 as score, title, comment
from marts.fct_reviews where customer_id = $1 order by happened_at desc, review_key
"""
RECORDS = """
select source as vendor, source_account as account, stream, source_record_id as record, joined_by, is_anchor, is_deleted, first_export_date as since, alias_id
from marts.bridge_customer_records where customer_id = $1 order by is_anchor desc, since, vendor, account, stream, record
"""
IDENTIFIERS = """
select identifier_type as kind, identifier_value as value, is_linking as links, not_linking_reason as why_not, sources as vendors, record_count as records
from marts.bridge_customer_identifiers where customer_id = $1 order by kind, value
"""
TIMELINE = f"""
with happened as (
    select ordered_at as happened_at, 'order' as kind, source as vendor, concat_ws(' ', order_number, status, net_amount::varchar, currency) as what
    from marts.fct_orders where customer_id = $1
    union all
    select occurred_at, 'event', source, concat_ws(' ', event_type, event_action, product_id) from marts.fct_events where customer_id = $1
    union all
    select effective_at, 'consent', source, concat_ws(' ', channel, purpose, status) from marts.fct_consents where customer_id = $1
    union all
    select reviewed_at, 'review', source, concat_ws(' ', review_type, rating_value) from marts.fct_reviews where customer_id = $1
    union all
    select entered_at, 'segment', source, 'entered ' || coalesce(segment_name, segment_id) from marts.fct_segment_memberships where customer_id = $1
    union all
    select exited_at, 'segment', source, 'left ' || coalesce(segment_name, segment_id)
    from marts.fct_segment_memberships where customer_id = $1 and exited_at is not null
)
select * from happened order by happened_at desc nulls last, kind, vendor, what limit {TIMELINE_SHOWN}
"""

ENGAGEMENT = """
select engagement_class as class, event_count as events, weight::double as weight, half_life_days::double as half_life_days,
    last_event_at as last_event, round(worth, 4)::double as worth, cap::double as cap, round(counted_worth, 4)::double as counted, k::double as k
from marts.customer_engagement where customer_id = $1 order by counted_worth desc, class
"""

BY_EMAIL = """
select distinct customer_id from marts.bridge_customer_identifiers where identifier_type = 'email' and lower(identifier_value) = $1 order by all
"""
BY_PHONE = """
select distinct customer_id from marts.bridge_customer_identifiers
where identifier_type = 'phone' and ends_with(regexp_replace(identifier_value, '[^0-9]', '', 'g'), $1) order by all
"""
BY_ORDER = """
select distinct customer_id from marts.fct_orders
where customer_id is not null and (order_id = $1 or upper(ltrim(trim(order_number), '#')) = $2) order by all
"""
BY_ORDER_RECORD = """
select distinct customer_id from marts.bridge_order_sources where customer_id is not null and upper(ltrim(trim(source_record_id), '#')) = $1 order by all
"""


def search(con: duckdb.DuckDBPyConnection, text: str, *, limit: int = PAGE_SIZE, offset: int = 0) -> Answer:
    """People by part of a name or address, or by a phone number, a vendor's id, an id they ever had or an order number;
    with no text everybody."""
    wanted = text.strip()
    given = {
        "text": wanted.lower(),
        "digits": _digits(wanted),
        "order": _order_number(wanted),
        "limit": limit,
        "offset": offset,
    }
    return ask(con, SEARCH, given)


def by_email(con: duckdb.DuckDBPyConnection, email: str) -> str:
    """The one person who carries the address."""
    return _only(con.execute(BY_EMAIL, [email.strip().lower()]).fetchall(), "e-mail address")


def by_phone(con: duckdb.DuckDBPyConnection, phone: str) -> str:
    """The one person who carries the number, in whatever spelling, with its country's prefix or without."""
    digits = _digits(phone)
    if not digits:
        raise OperatorError(
            "That is no phone number.", remedy=f"Give at least {LEAST_DIGITS} of its digits.", exit_code=2
        )
    return _only(con.execute(BY_PHONE, [digits]).fetchall(), "phone number")


def by_order(con: duckdb.DuckDBPyConnection, order: str) -> str:
    """The one person who placed an order, by our id of it, its number, or a vendor's id of it."""
    number = _order_number(order)
    found = (
        con.execute(BY_ORDER, [order.strip(), number]).fetchall() or con.execute(BY_ORDER_RECORD, [number]).fetchall()
    )
    return _only(found, "order")


def _only(found: list[tuple[str]], what: str) -> str:
    if not found:
        raise OperatorError(
            f"Nobody in the published warehouse has that {what}.",
            remedy="`c360 look` searches names and parts of addresses too.",
            exit_code=2,
        )
    if len(found) > 1:
        ids = ", ".join(customer_id for (customer_id,) in found[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise OperatorError(
            f"{len(found)} people have that {what}: {ids}{more}.", remedy="Name one of them by its id.", exit_code=2
        )
    return found[0][0]


def _digits(text: str) -> str:
    """The digits of what may be a phone number, in its international spelling where it names its country, else without
    the zeros that stand for a region; empty if it is none."""
    normalised, _, _ = phone_numbers.judge(text.strip(), None)
    if normalised:
        return re.sub("[^0-9]", "", normalised)
    if not re.fullmatch(r"[+0-9 ().\-/]+", text.strip()):
        return ""
    digits = re.sub("[^0-9]", "", text).lstrip("0")
    return digits if len(digits) >= LEAST_DIGITS else ""


def _order_number(text: str) -> str:
    return text.strip().lstrip("#").upper()
