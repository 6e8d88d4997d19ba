"""A published warehouse of a few people, written table by table: only the columns that giving back reads.

That the real marts have these columns is shown by the test that activates the shipped samples.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.config.settings import Settings

Rows = dict[str, list[tuple[Any, ...]]]
AS_OF = date(2026, 3, 4)
SAID = datetime(2026, 2, 1, 9, tzinfo=UTC)
TABLES = {
    "marts.dim_customers": "customer_id varchar, first_name varchar, last_name varchar, email varchar, phone varchar, gender varchar, city varchar, state varchar, country varchar, postal_code varchar, birth_date date, is_deleted boolean",
    "marts.customer_insights": "customer_id varchar, lifecycle_stage varchar, reporting_currency varchar, order_count bigint, total_revenue decimal(18,2), average_order_value decimal(18,2), engagement_score double, engagement_percentile double, rfm_recency integer, rfm_frequency integer, rfm_monetary integer, as_of_date date, first_order_at timestamptz, last_order_at timestamptz",
    "marts.bridge_customer_records": "source varchar, source_account varchar, stream varchar, source_record_id varchar, customer_id varchar, alias_id varchar, is_derived boolean, is_deleted boolean",
    "marts.bridge_customer_identifiers": "customer_id varchar, identifier_type varchar, identifier_namespace varchar, identifier_value varchar, sources varchar[], not_linking_reason varchar, last_seen_at timestamptz",
    "marts.customer_contactability": "customer_id varchar, channel varchar, is_allowed boolean, status varchar, source varchar, effective_at timestamptz, reason varchar",
    "internal.int_channel_refusals": "customer_id varchar, channel varchar, purpose varchar",
    "marts.fct_consents": "customer_id varchar, source varchar, source_account varchar, channel varchar, purpose varchar, status varchar, effective_at timestamptz, is_effective_at_inferred boolean",
    "marts.fct_segment_memberships": "customer_id varchar, segment_id varchar, segment_name varchar, claimed_by varchar, is_current boolean",
    "marts.fct_events": "event_id varchar, customer_id varchar, event_type varchar, event_action varchar, occurred_at timestamptz, is_active boolean, source varchar, product_id varchar, source_order_id varchar",
    "marts.dim_segments": "source varchar, segment_id varchar",
    "staging.customer_identifiers": "source varchar, source_account varchar, stream varchar, source_record_id varchar, owner_record_id varchar, export_date date, id_type varchar, id_namespace varchar, id_value varchar, id_link_value varchar, id_value_raw varchar, is_valid boolean, is_primary boolean, source_path varchar",
    "meta.shared_identifiers": "identifier_type varchar, identifier_namespace varchar, identifier_value varchar",
    "meta.runs": "run_id varchar, started_at timestamptz, as_of_date date, published boolean",
}


@dataclass
class Person:
    """One person: what is known, what was said about marketing by e-mail, and the records vendors hold."""

    name: str
    revenue: Decimal | None = Decimal("99.17")
    orders: int = 2
    engagement: float = 50.0
    says: str = "opt_in"
    segments: tuple[str, ...] = ()
    records: dict[str, dict[str, str]] = field(default_factory=dict)
    is_deleted: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)
    refusal: tuple[str, datetime, bool] | None = None
    refused_account: str = "default"
    repeats_no_undated: bool = False
    is_refused_at_address: bool = False
    refuses_every_purpose: bool = False
    not_linking: str | None = None

    @property
    def customer_id(self) -> str:
        return f"person-{self.name}"


def everywhere(name: str, **values: Any) -> Person:
    """Somebody whom all five vendors hold."""
    email = f"{name}@example.com"
    records = {
        "optimizely": {"customer_id": f"odp-{name}", "email": email, "vuid": "0a1b2c"},
        "ometria": {"customer_id": f"shop-{name}", "email": email},
        "open_delivery": {"identifier": f"phone:+55 11 9999-{len(name):04}{name}"},
        "voucherify": {"customer_id": f"shop-{name}", "email": email},
        "omnisend": {"email": email.capitalize()},
    }
    return Person(name, records=values.pop("records", records), **values)


def publish(
    settings: Settings,
    people: Iterable[Person],
    *,
    as_of: date = AS_OF,
    run_id: str = "run-1",
    segments: tuple[str, ...] = (),
    shared: tuple[tuple[str, str], ...] = (),
    account: str = "default",
) -> None:
    """Puts a warehouse of these people under the published name."""
    settings.data.mkdir(parents=True, exist_ok=True)
    draft = settings.data / "draft.duckdb"
    draft.unlink(missing_ok=True)
    with duckdb.connect(str(draft), config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        for schema in sorted({table.split(".")[0] for table in TABLES}):
            con.execute(f"create schema {schema}")
        for table, columns in TABLES.items():
            con.execute(f"create table {table} ({columns})")
        rows: Rows = defaultdict(list)
        rows["meta.runs"].append((run_id, SAID, as_of, True))
        rows["marts.dim_segments"] += [("warehouse", segment) for segment in segments]
        rows["meta.shared_identifiers"] += [(kind, "", value) for kind, value in shared]
        for person in people:
            _add(rows, person, as_of, account)
        for table, found in rows.items():
            _insert(con, table, found)
    Path(draft).replace(settings.published_file)


def keep_as_publication(settings: Settings, number: int) -> None:
    """Keeps the warehouse that stands under the published name as the publication of this number."""
    folder = settings.publications / f"{number:010}-run"
    folder.mkdir(parents=True)
    os.link(settings.published_file, folder / settings.published_file.name)
    facts = {
        "fingerprint": f"f{number}",
        "run_id": f"run-{number}",
        "published_at": f"2026-03-{3 + number:02}T00:00:00+00:00",
        "customers": 7,
        "orders": 0,
    }
    (folder / "publication.json").write_text(json.dumps(facts), encoding="utf-8")


def _add(rows: Rows, person: Person, as_of: date, account: str) -> None:
    who = person.customer_id
    given = person.attributes
    names = (
        "first_name",
        "last_name",
        "email",
        "phone",
        "gender",
        "city",
        "state",
        "country",
        "postal_code",
        "birth_date",
    )
    rows["marts.dim_customers"].append((who, *(given.get(name) for name in names), person.is_deleted))
    has_orders = person.orders > 0
    average = person.revenue / person.orders if person.revenue is not None and has_orders else None
    days = (datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 2, 20, 10, tzinfo=UTC)) if has_orders else (None, None)
    figures = (
        "active" if has_orders else "lead",
        "EUR",
        person.orders,
        person.revenue or 0,
        average,
        person.engagement,
        person.engagement,
    )
    rows["marts.customer_insights"].append(
        (who, *figures, *((5, 4, 3) if has_orders else (None, None, None)), as_of, *days)
    )
    rows["marts.fct_segment_memberships"] += [
        (who, segment, segment.title(), "warehouse", True) for segment in person.segments
    ]
    for place, event in enumerate(person.events):
        rows["marts.fct_events"].append(
            (
                f"{who}-{place}",
                who,
                *(event.get(key) for key in ("type", "action", "at", "is_active")),
                "shop",
                None,
                None,
            )
        )
    _consents(rows, person, account)
    for place, identifiers in person.records.items():
        # A second record at a vendor has the vendor's code and a sign behind it.
        source, record = place.rstrip("+"), f"{place}-{person.name}"
        rows["marts.bridge_customer_records"].append(
            (source, account, "customers", record, who, f"alias-{place}-{person.name}", False, False)
        )
        for kind, value in identifiers.items():
            id_type, raw = value.split(":", 1) if kind == "identifier" else (kind, value)
            id_type, _, namespace = id_type.partition("@")
            if namespace:
                name, raw = raw.split(":", 1)
                namespace = f"{namespace}:{name}"
            path = "identifier.value" if kind == "identifier" else kind
            if (source, kind) == ("voucherify", "customer_id"):
                id_type, path = "email" if "@" in raw else "customer_id", "source_id"
            named = (
                source,
                account,
                "customers",
                record,
                record,
                as_of,
                id_type,
                namespace,
                raw.lower(),
                raw.lower().replace(".", ""),
                raw,
                True,
                True,
                path,
            )
            rows["staging.customer_identifiers"].append(named)
            rows["marts.bridge_customer_identifiers"].append(
                (who, id_type, "", raw.lower(), [source], person.not_linking, SAID)
            )


def _consents(rows: Rows, person: Person, account: str) -> None:
    who = person.customer_id
    if person.refuses_every_purpose:
        rows["internal.int_channel_refusals"].append((who, "email", "all"))
    if person.is_refused_at_address:
        rows["marts.customer_contactability"].append((who, "email", False, "opt_in", "ometria", SAID, "no_at_address"))
        rows["marts.fct_consents"] += [
            (who, source, account, "email", "marketing", "opt_in", SAID, False) for source in person.records
        ]
        return
    if person.refusal is None:
        rows["marts.customer_contactability"] += (
            [(who, "email", person.says == "opt_in", person.says, "ometria", SAID, None)] if person.says else []
        )
        return
    vendor, at, is_inferred = person.refusal
    noes = [(vendor, person.refused_account, at, is_inferred)]
    if person.repeats_no_undated:
        noes.append(("kiosk", "default", at + timedelta(days=10), True))
    rows["marts.fct_consents"] += [
        (who, source, refused_account, "email", "marketing", "opt_out", said_at, is_undated)
        for source, refused_account, said_at, is_undated in noes
    ]
    source, _, said_at, _ = noes[-1]
    rows["marts.customer_contactability"].append((who, "email", False, "opt_out", source, said_at, "no"))
    held = [source for source in person.records if (source, account) != (vendor, person.refused_account)]
    # What a vendor leaves open later takes no yes back.
    rows["marts.fct_consents"] += [
        (who, source, account, "email", "marketing", status, effective_at, is_inferred)
        for source in held
        for status, effective_at, is_inferred in (
            ("opt_in", SAID, False),
            ("unknown", SAID + timedelta(days=1), True),
        )
    ]


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = f"({', '.join('?' * len(rows[0]))})"
        con.execute(
            f"insert into {table} values {', '.join([marks] * len(rows))}", [value for row in rows for value in row]
        )
