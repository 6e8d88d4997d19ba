"""`c360 export-profiles`: every unified customer as a line in the shape of Optimizely's customer-profile schema.

A value that the schema does not allow is left out and counted, never cut to fit. Nothing of a vendor's own is needed:
this is no target.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.activation import plan
from orchestration.activation.changes import encode
from orchestration.activation.channel import moment
from orchestration.activation.freshness import require_fresh
from orchestration.activation.plan_rows import BLOCK
from orchestration.config.settings import Settings
from orchestration.runtime.durable_files import sync

EVENTS = 20
VUID = re.compile(r"[a-f0-9-]+")
COUNTRY = re.compile(r"[A-Z]{2}")
# What the schema's `format: email` means by RFC 5321: ASCII, no dots in a row.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PROFILES = """
with
    identifiers as (
        select *, not_linking_reason is null as is_usable
        from warehouse.marts.bridge_customer_identifiers
        where identifier_type in ('customer_id', 'vuid')
    ),

    -- Where profiles are merged by their address, one that several people have must not stand in any.
    shared as (
        select identifier_value as email
        from warehouse.marts.bridge_customer_identifiers
        where identifier_type = 'email' and not_linking_reason = 'shared'
    ),

    chosen as (
        select
            customer_id,
            first(identifier_value order by is_usable desc, last_seen_at desc nulls last, identifier_value)
                filter (identifier_type = 'customer_id') as vendor_customer_id,
            first(identifier_value order by last_seen_at desc nulls last, identifier_value) filter (identifier_type = 'vuid') as vuid
        from identifiers
        group by customer_id
    ),

    segments as (
        select customer_id, list_sort(list(distinct coalesce(segment_name, segment_id))) as names
        from warehouse.marts.fct_segment_memberships
        where is_current
        group by customer_id
    ),

    recent as (
        select customer_id, event_id, event_type, event_action, occurred_at, source, product_id, source_order_id
        from warehouse.marts.fct_events
        where customer_id is not null and event_type is not null and coalesce(event_action, case when event_type = 'pageview' then 'view' end) is not null
        qualify row_number() over (partition by customer_id order by is_active desc nulls last, occurred_at desc nulls last, event_id) <= $events
    ),

    events as (
        select customer_id,
            list({
                'type': event_type, 'action': coalesce(event_action, 'view'), 'at': occurred_at, 'source': source, 'product_id': product_id,
                'order_id': source_order_id
            } order by occurred_at desc nulls last, event_id) as recent
        from recent
        group by customer_id
    )

select
    customer.customer_id, customer.email,
    customer.email in (select email from shared) or count(*) over (partition by customer.email) > 1 as is_shared_email,
    coalesce(chosen.vendor_customer_id, customer.customer_id) as customer_key, chosen.vuid,
    customer.first_name, customer.last_name, customer.city, customer.state, customer.country, customer.postal_code, customer.phone,
    customer.birth_date, customer.gender,
    insight.total_revenue, insight.order_count, insight.average_order_value, insight.first_order_at, insight.last_order_at, insight.engagement_score,
    segments.names, events.recent
from warehouse.marts.dim_customers as customer
left join warehouse.marts.customer_insights as insight on customer.customer_id = insight.customer_id
left join chosen on customer.customer_id = chosen.customer_id
left join segments on customer.customer_id = segments.customer_id
left join events on customer.customer_id = events.customer_id
where not customer.is_deleted
order by customer.customer_id
"""


@dataclass(frozen=True)
class Exported:
    """What an export holds: lines, and values that were left out because the schema does not allow them, by field."""

    profiles: int
    left_out: Counter[str]


def export(settings: Settings, out: Path) -> Exported:
    """Writes all profiles beside the file and gives it its name when it is whole."""
    left_out: Counter[str] = Counter()
    draft = out.with_name(f"{out.name}.tmp")
    profiles = 0
    try:
        with plan.working(settings) as con, draft.open("wb") as file:
            require_fresh(settings)
            for profile in _profiles(con, left_out):
                file.write(encode(profile) + b"\n")
                profiles += 1
        sync(draft)
        require_fresh(settings)
        os.replace(draft, out)
    finally:
        draft.unlink(missing_ok=True)
    return Exported(profiles, left_out)


def _profiles(con: duckdb.DuckDBPyConnection, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    found = con.execute(_PROFILES, {"events": EVENTS})
    names = [column[0] for column in found.description or []]
    while block := found.fetchmany(BLOCK):
        for row in block:
            yield _profile(dict(zip(names, row, strict=True)), left_out)


def _profile(row: dict[str, Any], left_out: Counter[str]) -> dict[str, Any]:
    def allowed(field: str, value: Any, is_allowed: Callable[[Any], Any]) -> Any:
        if value is None or is_allowed(value):
            return value
        left_out[field] += 1
        return None

    born: date | None = row["birth_date"]
    profile = {
        "identifiers": {
            "email": allowed("email", row["email"], lambda text: EMAIL.fullmatch(text) and not row["is_shared_email"]),
            "customer_id": row["customer_key"],
            "vuid": allowed("vuid", (row["vuid"] or "").removeprefix("vuid_").lower() or None, VUID.fullmatch),
        },
        "attributes": {
            **{
                name: allowed(name, row[name], lambda text: len(text) <= 255)
                for name in ("first_name", "last_name", "city")
            },
            "state": row["state"],
            "country": allowed("country", row["country"], COUNTRY.fullmatch),
            "zip_code": allowed("zip_code", row["postal_code"], lambda text: len(text) <= 20),
            "phone": row["phone"],
            "date_of_birth": born.isoformat() if born else None,
            "gender": row["gender"],
        },
        "insights": {
            "total_revenue": row["total_revenue"],
            "order_count": row["order_count"],
            "average_order_value": row["average_order_value"],
            "first_order_date": _moment(row["first_order_at"]),
            "last_order_date": _moment(row["last_order_at"]),
            "engagement_score": row["engagement_score"],
        },
        "segments": row["names"],
        "events": [_event(event) for event in row["recent"] or ()] or None,
    }
    return _given(profile)


def _event(event: dict[str, Any]) -> dict[str, Any]:
    data = {"source": event["source"], "product_id": event["product_id"], "order_id": event["order_id"]}
    return {"type": event["type"], "action": event["action"], "timestamp": _moment(event["at"]), "data": data}


def _moment(at: Any) -> str | None:
    return moment(at) if at else None


def _given(value: Any) -> Any:
    """Without what is not known: the schema has no null."""
    if isinstance(value, dict):
        kept = {key: _given(inner) for key, inner in value.items() if inner is not None}
        return {key: inner for key, inner in kept.items() if inner != {}}
    return [_given(inner) for inner in value] if isinstance(value, list) else value
