"""No leaf of the five documents the product was asked for with is lost: each makes a difference in staging, or is dropped for a reason.

A record that holds every leaf of a document is delivered once as it is, and once for each leaf with that leaf changed. A
leaf that is stored nowhere leaves no trace of the change. The records are written from the documents' schemas and examples.
"""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from orchestration.mapping.record_schema import leaves
from orchestration.vendors import discover
from tests.support import paths
from tests.support.goldens import normalise

DOCUMENTS = paths.SHARED / "seeds"


@dataclass(frozen=True)
class Seed:
    """One object of a document: the record that holds all its leaves, and the stream it comes by."""

    name: str
    vendor: str
    stream: str
    record: dict[str, Any]
    document: str


OPTIMIZELY = {
    "identifiers": {
        "email": "ana.souza@example.com",
        "customer_id": "1001",
        "vuid": "0a1b2c3d4e5f40718293a4b5c6d7e8f9",
    },
    "attributes": {
        "first_name": "Ana",
        "last_name": "Souza",
        "city": "Leipzig",
        "state": "SN",
        "country": "DE",
        "zip_code": "04109",
        "phone": "+4915123456701",
        "date_of_birth": "1990-02-03",
        "gender": "f",
    },
    "insights": {
        "total_revenue": 148.5,
        "order_count": 3,
        "average_order_value": 49.5,
        "first_order_date": "2025-01-02T03:04:05Z",
        "last_order_date": "2026-01-02T03:04:05Z",
        "engagement_score": 71.5,
    },
    "segments": ["vip"],
    "events": [
        {
            "type": "product",
            "action": "detail",
            "timestamp": "2026-02-01T10:00:00Z",
            "data": {"product_id": "fern-1", "page": "/ferns"},
        }
    ],
}
OMETRIA = {
    "@type": "profile",
    "id": "2695-c473e2-4aaf58",
    "customer_id": "55555",
    "email": "bob22@example.com",
    "country": "GB",
    "date_of_birth": "1984-04-22",
    "dates": {
        "acquired": "2014-11-07T15:34:35+00:00",
        "first_purchase": "2015-02-01T05:44:55+00:00",
        "first_seen": "2014-12-01T05:44:55+00:00",
        "last_purchase": "2015-02-02T05:44:55+00:00",
        "last_seen": "2015-02-03T05:44:55+00:00",
        "marketing_optin": "2014-11-09T15:34:35+00:00",
        "marketing_optout": "2014-11-10T15:34:35+00:00",
    },
    "firstname": "Bob",
    "lastname": "Smith",
    "middlename": "Lee",
    "name": "Bob Lee Smith",
    "prefix": "Mr",
    "suffix": "Jr",
    "gender": "m",
    "identities": [{"id": "bob.other@example.com", "type": "email"}],
    "lists": [{"id": 123, "title": "Title of the list", "type": "STATIC"}],
    "marketing_optin": "EXPLICITLY_OPTEDIN",
    "properties": {"custom_key": "custom value"},
    "seen": False,
    "stats": {"aov": 49.72, "orders": 2, "orders_attempted": 3, "revenue": 99.44, "total_items": 5, "visits": 20},
    "tags": ["Attended VIP event 2017"],
}
OPEN_DELIVERY_CUSTOMER = {
    "identifier": {"type": "external_id", "value": "crm:customer:93821"},
    "name": "Maria Silva",
    "contacts": {"emails": [{"email": "maria.silva@example.com", "isPrimary": True}]},
    "externalIds": [{"source": "PDV", "sourceName": "PDV Loja Centro", "key": "customerCode", "value": "C12345"}],
    "metadata": {
        "restrictions": ["requiresManualReview"],
        "customRules": {"requiresManualReview": True},
        "customTags": ["vip"],
    },
}
OPEN_DELIVERY_LEAD = {
    "id": "lead-001",
    "name": "Ana Souza",
    "contact": "ana.souza@example.com",
    "externalIds": [{"source": "CRM", "sourceName": "CRM Core", "key": "leadCode", "value": "L-1020"}],
}
OPEN_DELIVERY_REVIEW = {
    "reviewId": "rev-001",
    "reviewType": "ORDER",
    "overallRating": {"ratingStyle": "STAR", "value": 4, "comment": "Fast delivery and good food."},
    "subject": {"orderId": "ord-001", "merchantId": "merchant-01"},
    "customer": {"customerId": "cust-001", "email": "maria.silva@example.com"},
    "reviewDate": "2026-06-01T12:00:00Z",
    "source": {"system": "CRM", "channel": "DELIVERY_APP"},
}
OPEN_DELIVERY_EVENT = {
    "eventType": "ORDER_COMPLETED",
    "occurredAt": "2026-06-01T12:30:00Z",
    "customerId": "cust-001",
    "data": {"orderId": "ord-001", "totalAmount": 7990, "currency": "BRL"},
}
VOUCHERIFY = {
    "id": "cust_cwzFQcb3C5XgbgVknYPUNb1p",
    "object": "customer",
    "source_id": "trackcust5432",
    "name": "Andy Tonic",
    "email": "andy.tonic@example.com",
    "description": "a regular",
    "phone": "+4915123456701",
    "address": {
        "city": "Leipzig",
        "state": "Sachsen",
        "line_1": "Hauptstr. 1",
        "line_2": "Hof",
        "country": "Germany",
        "postal_code": "04109",
    },
    "birthdate": "1974-07-04",
    "summary": {
        "redemptions": {
            "total_redeemed": 5,
            "total_failed": 0,
            "total_succeeded": 5,
            "total_rolled_back": 0,
            "total_rollback_failed": 0,
            "total_rollback_succeeded": 0,
            "gift": {"redeemed_amount": 0, "amount_to_go": 0},
            "loyalty_card": {"redeemed_points": 0, "points_to_go": 200},
        },
        "orders": {
            "total_amount": 148800,
            "total_count": 5,
            "average_amount": 49600,
            "last_order_amount": 0,
            "last_order_date": "2021-04-12T12:51:26Z",
        },
    },
    "loyalty": {
        "points": 340,
        "referred_customers": 1,
        "campaigns": {
            "loyalty easy": {"points": 200, "referred_customers": 0},
            "Loyalty Upgrade 01/2021": {"points": 140, "referred_customers": 0},
        },
    },
    "metadata": {"lang": "en"},
    "system_metadata": {
        "consents": {
            "unsubscribed": {"date": "2021-04-08T11:50:07.466Z", "value": False},
            "cnst_61uGQeWeTGYxQHwkt6QiF2Xe": {"date": "2021-04-08T11:50:07.466Z", "value": False},
        }
    },
    "created_at": "2021-04-07T08:04:03Z",
    "updated_at": "2021-04-12T12:51:27Z",
    "referrals": {
        "campaigns": [
            {
                "campaign_id": "camp_E2g0p1efx6wgpyF9Evkr5khL",
                "referrer_id": "cust_squ42iWjpBdRBMyJQre7tfLZ",
                "related_object_id": "r_oQCQjy86OIhmn8icxKUm3sFv",
                "related_object_type": "redemption",
                "date": "2021-04-16T11:49:44Z",
            }
        ],
        "total": 1,
    },
    "assets": {"cockpit_url": "https://cockpits.example.com/customers?token=U2FsdGVkX1"},
}
OMNISEND = {
    "eventName": "paid for order",
    "eventTime": "2026-02-01T10:00:00Z",
    "eventID": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "origin": "api",
    "contact": {"contactID": "64b7f3", "email": "ana.souza@example.com", "phone": "+4915123456701"},
    "properties": {"campaign": "spring"},
    "order": {
        "orderID": "o-1",
        "orderNumber": "F-2001",
        "totalPrice": 23.5,
        "subTotalPrice": 27.0,
        "currency": "EUR",
        "discountCode": "SUMMER20",
        "discountValue": 3.5,
        "paymentStatus": "paid",
        "fulfillmentStatus": "unfulfilled",
        "cartID": "cart-1",
        "cartRecoveryURL": "https://shop.example.com/cart/1",
    },
    "lineItems": [
        {
            "productID": "fern-1",
            "variantID": "fern-1-l",
            "title": "Fern",
            "vendor": "Green",
            "sku": "F1L",
            "quantity": 1,
            "price": 27.0,
            "discount": 3.5,
            "imageUrl": "https://shop.example.com/f.png",
            "productUrl": "https://shop.example.com/f",
            "categoryIDs": ["plants"],
            "tags": ["green"],
        }
    ],
}

SEEDS = (
    Seed("optimizely profile", "optimizely", "profiles", OPTIMIZELY, "optimizely_customer_profile.schema.txt"),
    Seed("ometria profile", "ometria", "profiles", OMETRIA, "ometria_profile_api.txt"),
    Seed(
        "open_delivery customer",
        "open_delivery",
        "customers",
        OPEN_DELIVERY_CUSTOMER,
        "open_delivery_customer_capability.txt",
    ),
    Seed("open_delivery lead", "open_delivery", "leads", OPEN_DELIVERY_LEAD, "open_delivery_customer_capability.txt"),
    Seed(
        "open_delivery review",
        "open_delivery",
        "reviews",
        OPEN_DELIVERY_REVIEW,
        "open_delivery_customer_capability.txt",
    ),
    Seed(
        "open_delivery event", "open_delivery", "events", OPEN_DELIVERY_EVENT, "open_delivery_customer_capability.txt"
    ),
    Seed("voucherify customer", "voucherify", "customers", VOUCHERIFY, "voucherify_customer.txt"),
    Seed("omnisend event", "omnisend", "events", OMNISEND, "omnisend_event.schema.txt"),
)
Steps = tuple[str | int, ...]


def paths(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """Way to every leaf of a record."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield steps
    else:
        for step, below in inner:
            yield from paths(below, (*steps, step))


def dotted(steps: Steps) -> str:
    return re.sub(r"\.\[", "[", ".".join("[]" if isinstance(step, int) else step for step in steps))


OTHER_WORDS = {
    "EUR": "USD",
    "BRL": "USD",
    "STATIC": "DYNAMIC",
    "EXPLICITLY_OPTEDIN": "EXPLICITLY_OPTEDOUT",
    "STAR": "NPS",
    "paid": "refunded",
    "DE": "FR",
    "GB": "FR",
}


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if value in OTHER_WORDS:
        return OTHER_WORDS[value]
    if re.match(r"\d{4}-\d\d-\d\d", value):
        year = int(value[:4]) - 1
        return f"{year:04d}{value[4:]}"
    return (
        f"x{value}"
        if "@" in value
        else value[:-1] + ("7" if value[-1] != "7" else "8")
        if value[-1].isdigit()
        else f"{value}x"
    )


def variants(record: dict[str, Any]) -> Iterator[tuple[Steps, dict[str, Any]]]:
    for steps in paths(record):
        variant = copy.deepcopy(record)
        place = variant
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = changed(place[steps[-1]])
        yield steps, variant


def stored(outcome: Any) -> dict[int, set[str]]:
    """Rows of each record as text, without what follows from its hash."""
    found: dict[int, set[str]] = {}
    for table in outcome.normalised.frames:
        for row in outcome.rows(table):
            reported = {
                name: value
                for name, value in row.items()
                if name not in ("source_row", "content_key") and not str(value).startswith("derived:")
            }
            found.setdefault(row["source_row"], set()).add(f"{table} {reported}")
    return found


def dropped(seed: Seed) -> dict[str, str]:
    dialects = discover()[seed.vendor].streams[seed.stream].dialects
    return {
        path: leaf.reason
        for dialect in dialects
        for path, leaf in leaves(dialect.shape)
        if getattr(leaf, "kind", "") == "drop"
    }


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_the_record_loads_whole_with_nothing_unknown_repaired_or_set_to_null(seed):
    outcome = normalise(seed.vendor, seed.stream, [seed.record], export_date=date(2026, 6, 2))
    assert outcome.rejects == []
    assert outcome.issues == []
    assert outcome.drift == {}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_every_leaf_makes_a_difference_in_staging_or_is_dropped_for_a_reason(seed):
    reported = list(variants(seed.record))
    outcome = normalise(
        seed.vendor, seed.stream, [seed.record, *(variant for _, variant in reported)], export_date=date(2026, 6, 2)
    )
    rejected = {number for number, _, _ in outcome.rejects}
    rows, reasons = stored(outcome), dropped(seed)
    lost = [
        dotted(steps)
        for number, (steps, _) in enumerate(reported, 2)
        if number not in rejected and not rows.get(number, set()) - rows[1] and not reasons.get(dotted(steps))
    ]
    assert lost == []


def test_an_undeclared_field_counts_as_found_only_because_extra_keeps_it():
    outcome = normalise("voucherify", "customers", [{**VOUCHERIFY, "never_heard_of": {"x": 1}}])
    assert outcome.drift == {("voucherify.customer", "never_heard_of", "new_field", "object"): 1}
    assert any("never_heard_of" in row.get("extra", "") for row in outcome.rows("customers"))


# -- the documents themselves, where they are at hand


def _schema_leaves(schema: dict[str, Any], definitions: dict[str, Any], path: str = "") -> Iterator[str]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if "items" in schema:
        yield from _schema_leaves(schema["items"], definitions, f"{path}[]")
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from _schema_leaves(inner, definitions, f"{path}.{name}" if path else name)
    elif not schema.get("additionalProperties"):
        yield path


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object or array of objects that stands in a text."""
    decoder, position = json.JSONDecoder(), 0
    while match := re.compile(r"^[\[{]", re.MULTILINE).search(text, position):
        try:
            value, position = decoder.raw_decode(text, match.start())
        except ValueError:
            position = match.end()
            continue
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _open(path: str) -> str:
    """Keys below an open object are data and no names."""
    return re.sub(r"^(loyalty\.campaigns|system_metadata\.consents)\.[^.]+(?:\.\d[^.]*)?", r"\1.*", path)


def _known(vendor: str) -> set[str]:
    return {_open(dotted(steps)) for seed in SEEDS if seed.vendor == vendor for steps in paths(seed.record)}


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the documents are not at hand")
@pytest.mark.parametrize(("vendor", "document"), sorted({(seed.vendor, seed.document) for seed in SEEDS}))
def test_the_records_here_hold_every_leaf_of_the_documents(vendor, document):
    text = (DOCUMENTS / document).read_text(encoding="utf-8")
    named: set[str] = set()
    for value in _objects(text):
        if "$schema" in value:
            named |= set(_schema_leaves(value, value["$defs"]))
        elif vendor != "ometria" or "@type" in value:
            named |= {_open(dotted(steps)) for steps in paths(value)}
    assert named, f"nothing found in {document}"
    if vendor == "open_delivery":
        named -= {"identifier.type", "identifier.value"}
    assert {path for path in named if path not in _known(vendor)} == set()
