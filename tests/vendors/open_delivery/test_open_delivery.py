"""Open Delivery: four shapes of one protocol, and what goes wrong with each field."""

import json
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from orchestration.mapping.record_schema import Open, leaves
from orchestration.vendors import discover
from tests.support.goldens import Outcome, normalise

VENDOR = "open_delivery"
DOCUMENTED = Path(__file__).parent / "documented_fields.txt"


def read(stream: str, *records: dict[str, Any] | bytes, **account: str) -> Outcome:
    return normalise(VENDOR, stream, list(records), **account)


def identifiers(outcome: Outcome) -> list[tuple[str, str, bool]]:
    return [(row["id_type"], row["id_value"], row["is_valid"]) for row in outcome.rows("customer_identifiers")]


def price(value: Any, currency: str = "BRL") -> dict[str, Any]:
    return {"value": value, "currency": currency}


# -- the published examples --------------------------------------------------------------------------------------------

EXAMPLES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("customers", {"identifier": {"type": "phone", "value": "+5511999999999"}}, {}),
    (
        "customers",
        {
            "identifier": {"type": "external_id", "value": "crm:customer:93821"},
            "name": "Maria Silva",
            "contacts": {"emails": [{"email": "maria.silva@example.com", "isPrimary": True}]},
            "externalIds": [
                {"source": "PDV", "sourceName": "PDV Loja Centro", "key": "customerCode", "value": "C12345"}
            ],
            "metadata": {
                "restrictions": ["requiresManualReview"],
                "customRules": {"requiresManualReview": True},
                "customTags": ["vip"],
            },
        },
        {"PDV": "pdv", "PDV Loja Centro": "pdv loja centro", "customerCode": "customercode"},
    ),
    (
        "leads",
        {
            "id": "lead-001",
            "name": "Ana Souza",
            "contact": "ana.souza@example.com",
            "externalIds": [{"source": "CRM", "sourceName": "CRM Core", "key": "leadCode", "value": "L-1020"}],
        },
        {"CRM": "crm", "CRM Core": "crm core", "leadCode": "leadcode"},
    ),
    (
        "reviews",
        {
            "reviewId": "rev-001",
            "reviewType": "ORDER",
            "overallRating": {"ratingStyle": "STAR", "value": 4, "comment": "Fast delivery and good food."},
            "subject": {"orderId": "ord-001", "merchantId": "merchant-01"},
            "customer": {"customerId": "cust-001", "email": "maria.silva@example.com"},
            "reviewDate": "2026-02-01T12:00:00Z",
            "source": {"system": "CRM", "channel": "DELIVERY_APP"},
        },
        {"STAR": "stars", "2026-02-01T12:00:00Z": "2026-02-01 12:00:00"},
    ),
    (
        "events",
        {
            "eventType": "ORDER_COMPLETED",
            "occurredAt": "2026-02-01T12:30:00Z",
            "customerId": "cust-001",
            "data": {"orderId": "ord-001", "totalAmount": 7990, "currency": "BRL"},
        },
        {"2026-02-01T12:30:00Z": "2026-02-01 12:30:00"},
    ),
]


def values(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [found for inner in document.values() for found in values(inner)]
    if isinstance(document, list):
        return [found for inner in document for found in values(inner)]
    return [document]


@pytest.mark.parametrize(("stream", "example", "normalised"), EXAMPLES)
def test_no_value_of_a_published_example_is_lost(
    stream: str, example: dict[str, Any], normalised: dict[str, str]
) -> None:
    outcome = read(stream, example)
    staged = json.dumps([outcome.rows(table) for table in outcome.normalised.frames], default=str).lower()
    lost = [value for value in values(example) if normalised.get(str(value), str(value)).lower() not in staged]
    assert (lost, outcome.rejects, outcome.drift) == ([], [], {})


def test_every_documented_field_has_a_place() -> None:
    homeless = []
    for line in DOCUMENTED.read_text(encoding="utf-8").splitlines():
        stream, name, path = line.split()
        dialect = next(
            dialect
            for dialect in discover()[VENDOR].streams[stream].dialects
            if dialect.name == f"open_delivery.{name}"
        )
        if not has_place(dialect.shape, path):
            homeless.append(line)
    assert homeless == []


def has_place(shape: Any, path: str) -> bool:
    for step in path.split("."):
        while isinstance(shape, list):
            shape = shape[0]
        if isinstance(shape, Open):
            return True
        if not isinstance(shape, dict):
            return True
        if step not in shape:
            return False
        shape = shape[step]
    return True


def test_no_kept_field_stands_two_lists_deep_where_rows_are_made_of_the_outer_list() -> None:
    """Kept fields of an inner list have no way into `extra`, unless the outer list is kept whole."""
    for stream in discover()[VENDOR].streams.values():
        for dialect in stream.dialects:
            made_into_rows = {f"{select.each}[]." for select in dialect.rows if isinstance(select.each, str)}
            deep = [
                path
                for path, leaf in leaves(dialect.shape)
                if getattr(leaf, "kind", "") == "extra" and path.count("[]") > 1
            ]
            assert [path for path in deep if any(path.startswith(start) for start in made_into_rows)] == []


def test_dialects_that_overlap_are_reported_apart_by_the_fit() -> None:
    overlapping = {
        (stream.name, one.name, other.name)
        for stream in discover()[VENDOR].streams.values()
        for one, other in combinations(stream.dialects, 2)
        if one.has <= other.shape.keys() and other.has <= one.shape.keys()
    }
    assert {stream for stream, _, _ in overlapping} == {"customers", "leads", "orders", "events"}


# -- which shape it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "record", "dialect"),
    [
        ("customers", {"identifier": {"type": "phone", "value": "+5511999990001"}}, "draft"),
        (
            "customers",
            {"identifier": {"type": "phone", "value": "+5511999990001"}, "contacts": {"emails": []}},
            "draft",
        ),
        ("customers", {"identifier": {"type": "phone", "value": "+5511999990001"}, "contacts": None}, "draft"),
        (
            "customers",
            {
                "identifier": {"type": "phone", "value": "+5511999990001"},
                "contacts": [{"type": "email", "value": "a@example.com"}],
            },
            "rc2",
        ),
        (
            "customers",
            {
                "identifier": {"type": "phone", "value": "+5511999990001"},
                "contacts": [{"type": "email", "value": "a@example.com"}],
                "new": 1,
            },
            "rc2",
        ),
        (
            "customers",
            {
                "identifier": {"type": "phone", "value": "+5511999990001"},
                "contacts": {"emails": [{"email": "a@example.com"}]},
                "new": 1,
            },
            "draft",
        ),
        (
            "customers",
            {"identifier": {"type": "phone", "value": "+5511999990001"}, "createdAt": "2026-01-01T00:00:00Z"},
            "rc2",
        ),
        ("customers", {"id": "c", "externalIds": ["app:1"]}, "transport"),
        ("customers", {"customer": {"id": "c", "externalIds": ["app:1"]}}, "transport.wrapped"),
        ("leads", {"id": "l", "contact": "a@example.com"}, "draft"),
        ("leads", {"id": "l", "contact": {"type": "email", "value": "a@example.com"}}, "rc2"),
        ("leads", {"id": "l", "contact": {"type": "email", "value": "a@example.com"}, "new": 1}, "rc2"),
        ("orders", {"id": "o", "status": "CONFIRMED", "customer": {"id": "c"}}, "v1.3"),
        ("orders", {"id": "o", "fulfillment": {"orderType": "TAKEOUT"}, "total": {"orderAmount": price(1)}}, "v2"),
        ("orders", {"id": "o", "totalAmount": 4590}, "rc2"),
        ("orders", {"id": "o", "items": [{"sku": "A", "quantity": 1, "unitPrice": 100}]}, "rc2"),
        (
            "orders",
            {"id": "o", "items": [{"sku": "A", "quantity": 1, "unitPrice": 100, "new": 1}], "totalAmount": 100},
            "rc2",
        ),
        ("orders", {"id": "o", "items": [{"id": "i", "quantity": 1, "unitPrice": price(1), "new": 1}]}, "v1.3"),
        (
            "orders",
            {"id": "o", "items": [{"id": "i", "quantity": 1, "pricing": {"unitPrice": price(1)}, "new": 1}]},
            "v2",
        ),
        ("orders", {"orderId": "o", "customerId": "c", "salesChannel": "app", "timestamps": {}}, "transport"),
        ("reviews", {"overallRating": {"ratingStyle": "STAR", "value": 4}}, "draft"),
        ("reviews", {"ratings": []}, "rc2"),
        ("reviews", {"id": "r", "score": 4}, "transport"),
        ("events", {"eventType": "ORDER_COMPLETED", "occurredAt": "2026-01-01T00:00:00Z", "data": {}}, "draft"),
        (
            "events",
            {"id": "e", "eventType": "order.created", "occurredAt": "2026-01-01T00:00:00Z", "payload": {}},
            "rc2",
        ),
        (
            "events",
            {"eventType": "order.created", "entityType": "order", "occurredAt": "2026-01-01T00:00:00Z", "payload": {}},
            "transport",
        ),
        (
            "events",
            {"eventId": "e", "eventType": "CREATED", "orderId": "o", "createdAt": "2026-01-01T00:00:00Z"},
            "order_event",
        ),
    ],
)
def test_a_record_is_known_by_its_shape(stream: str, record: dict[str, Any], dialect: str) -> None:
    assert read(stream, record).dialects == {f"open_delivery.{dialect}": 1}


def test_the_shape_of_a_record_does_not_depend_on_the_records_before_it() -> None:
    ambiguous = {"identifier": {"type": "phone", "value": "+5511999990001"}}
    rc2 = {"id": "c-1", "identifier": {"type": "phone", "value": "+5511999990002"}}
    assert read("customers", rc2, ambiguous).dialects == {"open_delivery.rc2": 1, "open_delivery.draft": 1}


@pytest.mark.parametrize("stream", ["orders", "reviews", "events", "customers", "loyalty_accounts"])
def test_a_record_of_no_known_shape_is_rejected(stream: str) -> None:
    assert read(stream, {"surprise": 1}).rejects == [(1, "unknown_shape", None)]


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "record_id"),
    [
        ("phone", "(11) 99999-0001", "phone:+5511999990001"),
        ("email", " Ana.Souza@Example.com ", "email:ana.souza@example.com"),
        ("document", "529.982.247-25", "document:cpf:52998224725"),
        ("cpf", "52998224725", "document:cpf:52998224725"),
        ("external_id", "crm:customer:93821", "external_id:crm:customer:93821"),
        ("loyaltyCard", "77", "loyaltycard:77"),
    ],
)
def test_a_draft_customer_is_known_by_its_normalised_identifier(kind: str, value: str, record_id: str) -> None:
    assert (
        read("customers", {"identifier": {"type": kind, "value": value}}).row("customers")["source_record_id"]
        == record_id
    )


@pytest.mark.parametrize("identifier", [None, {}, {"type": "phone"}, {"value": "1"}, {"type": " ", "value": " "}, "x"])
def test_a_customer_without_an_identifier_is_rejected(identifier: Any) -> None:
    assert read("customers", {"identifier": identifier, "name": "Ana"}).rejects == [(1, "missing_identity", None)]


def test_an_rc2_customer_is_known_by_the_id_of_its_host_and_carries_it_as_an_identifier() -> None:
    outcome = read("customers", {"id": "c-1", "identifier": {"type": "email", "value": "ana@example.com"}})
    assert outcome.row("customers")["source_record_id"] == "c-1"
    assert sorted(identifiers(outcome)) == [("customer_id", "c-1", True), ("email", "ana@example.com", True)]


@pytest.mark.parametrize(
    ("first", "emails"),
    [
        ("maria@example.com", [{"email": "maria@example.com"}, {"email": "alt@example.com"}]),
        ("maria@example.com", [{"email": "alt@example.com"}, {"email": "Maria@example.com", "isPrimary": True}]),
        ("work@example.com", [{"email": "maria@example.com"}, {"email": "work@example.com", "isPrimary": True}]),
    ],
)
def test_the_address_shown_is_the_one_marked_first_else_the_canonical_one(first: str, emails: list[Any]) -> None:
    outcome = read(
        "customers", {"identifier": {"type": "email", "value": "maria@example.com"}, "contacts": {"emails": emails}}
    )
    assert [row["id_value"] for row in outcome.rows("customer_identifiers") if row.get("is_primary")] == [first]


def test_ids_invented_for_one_order_leave_the_document_to_join_its_orders() -> None:
    orders = [
        {"id": f"o{number}", "customer": {"id": f"generated-{number}", "name": "Ana", "documentNumber": written}}
        for number, written in enumerate(("529.982.247-25", "52998224725"))
    ]
    outcome = read("orders", *orders)
    assert [found for found in identifiers(outcome) if found[0] == "document"] == [
        ("document", "cpf:52998224725", True)
    ] * 2


@pytest.mark.parametrize("written", ["111.111.111-11", "529.982.247-24", "***.982.247-**", "0"])
def test_a_document_that_cannot_be_one_is_kept_and_does_not_link(written: str) -> None:
    outcome = read("orders", {"id": "o", "customer": {"id": "c", "documentNumber": written}})
    assert [is_valid for kind, _, is_valid in identifiers(outcome) if kind == "document"] == [False]


def test_a_phone_with_an_extension_is_a_call_centre_and_does_not_link() -> None:
    outcome = read(
        "orders", {"id": "o", "customer": {"id": "c", "phone": {"number": "+5511988880001", "extension": "4711"}}}
    )
    [phone] = [row for row in outcome.rows("customer_identifiers") if row["id_type"] == "phone"]
    assert (phone["is_valid"], phone["invalid_reason"], phone.get("id_link_value")) == (False, "extension", None)


@pytest.mark.parametrize("extension", [None, "", " "])
def test_a_blank_extension_leaves_a_personal_phone(extension: str | None) -> None:
    outcome = read(
        "orders", {"id": "o", "customer": {"id": "c", "phone": {"number": "11 98888-0001", "extension": extension}}}
    )
    assert ("phone", "+5511988880001", True) in identifiers(outcome)


def test_a_number_without_country_code_follows_the_plan_of_the_account() -> None:
    record = {"identifier": {"type": "phone", "value": "030 12345678"}}
    assert read("customers", record, phone_region="DE").row("customers")["source_record_id"] == "phone:+493012345678"


def test_the_same_external_id_at_two_merchants_is_not_the_same_identifier() -> None:
    def customer(merchant: str, phone: str) -> dict[str, Any]:
        return {
            "merchantId": merchant,
            "identifier": {"type": "phone", "value": phone},
            "externalIds": [{"source": "pdv", "value": "C1"}],
        }

    outcome = read("customers", customer("m-1", "+5511988880001"), customer("m-2", "+5511988880002"))
    namespaces = {
        row["id_namespace"] for row in outcome.rows("customer_identifiers") if row["id_type"] == "external_id"
    }
    assert namespaces == {"open_delivery:default:m-1/pdv", "open_delivery:default:m-2/pdv"}


def test_the_same_external_id_of_two_points_of_sale_is_not_the_same_identifier() -> None:
    def customer(shop: str, phone: str) -> dict[str, Any]:
        external = {"source": "PDV", "sourceName": shop, "key": "customerCode", "value": "C1"}
        return {"identifier": {"type": "phone", "value": phone}, "externalIds": [external]}

    outcome = read("customers", customer("Centro", "+5511988880001"), customer("Norte", "+5511988880002"))
    assert (
        len({row["id_namespace"] for row in outcome.rows("customer_identifiers") if row["id_type"] == "external_id"})
        == 2
    )


def test_an_order_at_a_store_finds_a_customer_kept_without_a_store_only_weakly() -> None:
    order = {
        "id": "o",
        "storeId": "m-1",
        "customer": {"externalIds": [{"source": "pdv", "value": "C1"}]},
        "totalAmount": 1,
    }
    found = {row["id_namespace"]: row["merge_confidence"] for row in read("orders", order).rows("customer_identifiers")}
    assert found == {"open_delivery:default:m-1/pdv": "high", "open_delivery:default:pdv": "low"}


def test_an_order_names_the_customer_that_a_customer_record_is() -> None:
    customer = read("customers", {"identifier": {"type": "external_id", "value": "cust-001"}})
    review = read(
        "reviews",
        {"reviewId": "r", "overallRating": {"ratingStyle": "STAR", "value": 5}, "customer": {"customerId": "cust-001"}},
    )
    assert ("customer_id", "cust-001", True) in set(identifiers(customer)) & set(identifiers(review))


def test_tags_are_trimmed_lower_case_and_an_empty_list_closes_what_was_there() -> None:
    def memberships(metadata: Any) -> list[tuple[str | None, str]]:
        outcome = read("customers", {"identifier": {"type": "email", "value": "a@example.com"}, "metadata": metadata})
        return [(row.get("segment_id"), row["state"]) for row in outcome.rows("segment_memberships")]

    assert memberships({"customTags": [" VIP ", ""], "restrictions": ["Blocked"]}) == [
        ("vip", "member"),
        ("blocked", "member"),
    ]
    assert memberships({"customTags": []}) == [(None, "none")]
    assert memberships({"customRules": {}}) == []


@pytest.mark.parametrize(
    ("status", "canonical"),
    [
        ("opt_in", "opt_in"),
        ("OPT_OUT", "opt_out"),
        ("revoked", "opt_out"),
        ("legal_consent", "unknown"),
        ("maybe", "unknown"),
        (None, "unknown"),
    ],
)
def test_only_an_explicit_yes_is_one(status: str | None, canonical: str) -> None:
    outcome = read(
        "customers",
        {
            "id": "c",
            "identifier": {"type": "email", "value": "a@example.com"},
            "consents": [{"channel": "email", "status": status}],
        },
    )
    assert [row["status"] for row in outcome.rows("customer_consents")] == [canonical]


def test_a_revoked_consent_reports_both_changes() -> None:
    consent = {
        "purpose": "Marketing",
        "channel": "E-mail",
        "status": "revoked",
        "grantedAt": "2026-01-01T00:00:00Z",
        "revokedAt": "2026-02-01T00:00:00-03:00",
    }
    rows = read(
        "customers", {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}, "consents": [consent]}
    ).rows("customer_consents")
    assert sorted((str(row["effective_at"]), row["channel"], row["purpose"], row["status"]) for row in rows) == [
        ("2026-01-01 00:00:00+00:00", "email", "marketing", "opt_in"),
        ("2026-02-01 03:00:00+00:00", "email", "marketing", "opt_out"),
    ]


def test_a_lead_is_the_same_in_both_shapes() -> None:
    outcome = read(
        "leads",
        {"id": "l-1", "contact": "Ana.Souza@example.com"},
        {"id": "l-2", "contact": {"type": "email", "value": "ana.souza@example.com"}},
    )
    assert {(row["contact_type"], row["contact_value"]) for row in outcome.rows("leads")} == {
        ("email", "ana.souza@example.com")
    }
    assert all(row["is_lead_only"] for row in outcome.rows("contacts"))


# -- orders ------------------------------------------------------------------------------------------------------------


def test_the_unit_of_money_follows_from_the_shape_and_never_from_the_size() -> None:
    outcome = read("orders", {"id": "major", "total": {"orderAmount": price(79900)}}, {"id": "minor", "totalAmount": 3})
    found = {
        row["source_order_id"]: (row["total"], row["amount_unit"], row["is_amount_unit_inferred"])
        for row in outcome.rows("orders")
    }
    assert found == {"major": (Decimal("79900.0000"), "major", False), "minor": (Decimal("0.0300"), "minor", True)}


def test_cents_of_a_currency_without_cents_are_whole_units() -> None:
    assert read("orders", {"id": "o", "totalAmount": 4590}, default_currency="CLP").row("orders")["total"] == Decimal(
        "4590.0000"
    )


@pytest.mark.parametrize(
    ("unit", "total", "is_inferred"), [(None, "79.00", True), ("minor", "79.00", False), ("major", "7900.00", False)]
)
def test_the_account_settles_a_unit_that_the_format_leaves_open(
    unit: str | None, total: str, *, is_inferred: bool
) -> None:
    outcome = read(
        "orders",
        {"id": "o", "totalAmount": 7900, "items": [{"sku": "a", "quantity": 1, "unitPrice": 7900}]},
        amount_unit=unit,
    )
    order = outcome.row("orders")
    assert (order["total"], order["is_amount_unit_inferred"], outcome.row("order_lines")["unit_price"]) == (
        Decimal(total),
        is_inferred,
        Decimal(total),
    )


def test_an_event_amount_is_in_cents_of_its_currency() -> None:
    event = {
        "eventType": "ORDER_COMPLETED",
        "occurredAt": "2026-02-01T12:30:00Z",
        "data": {"orderId": "o", "totalAmount": 7990, "currency": "BRL"},
    }
    order = read("events", event).row("orders")
    assert (
        order["total"],
        order["currency"],
        order["is_amount_unit_inferred"],
        order["status"],
        order["is_from_event"],
    ) == (
        Decimal("79.9000"),
        "BRL",
        True,
        "completed",
        True,
    )


def test_an_order_without_a_currency_says_that_it_is_inferred() -> None:
    rows = {
        row["source_order_id"]: row
        for row in read(
            "orders", {"id": "a", "totalAmount": 1}, {"id": "b", "total": {"orderAmount": price(1, "ars")}}
        ).rows("orders")
    }
    assert [(rows[name]["currency"], rows[name]["is_currency_inferred"]) for name in "ab"] == [
        ("BRL", True),
        ("ARS", False),
    ]


@pytest.mark.parametrize("amount", [31.2, "31.2"])
def test_a_plain_number_for_an_amount_is_the_amount_without_its_currency(amount: float | str) -> None:
    outcome = read(
        "orders", {"id": "o", "displayId": "1", "createdAt": "2026-06-01T10:00:00Z", "total": {"orderAmount": amount}}
    )
    [order] = outcome.rows("orders")
    assert (order["total"], order["currency"], order["is_currency_inferred"]) == (Decimal("31.2"), "BRL", True)
    assert ("total.orderAmount", "number_for_amount", "31.2") in outcome.issues


FEES = [{"type": "DELIVERY_FEE", "price": price(5)}, {"type": "TIP", "price": price(2)}]


@pytest.mark.parametrize("version", [{}, {"fulfillment": {"orderType": "DELIVERY"}}])
@pytest.mark.parametrize(
    ("parts", "total"),
    [
        ({"total": {"itemsPrice": price(50), "otherFees": price(7), "discount": price(4)}}, "53.00"),
        ({"total": {"itemsPrice": price(50), "discount": price(4)}, "otherFees": FEES}, "53.00"),
        ({"total": {"itemsPrice": price(50)}, "discounts": [{"amount": price(4)}]}, "46.00"),
        ({"total": {"itemsPrice": price(50), "discount": price(80)}}, "0.00"),
        ({"total": {"itemsPrice": price(50), "orderAmount": price(48), "discount": price(4)}}, "48.00"),
        ({"total": {"itemsPrice": price(50), "discount": price("some")}}, None),
        ({"total": {"otherFees": price(7), "discount": price(4)}}, None),
    ],
)
def test_an_order_without_a_total_has_its_items_and_fees_less_discounts(
    version: dict[str, Any], parts: dict[str, Any], total: str | None
) -> None:
    order = {"id": "o", "displayId": "1", "createdAt": "2026-06-01T10:00:00Z", **version, **parts}
    [row] = read("orders", order).rows("orders")
    assert row.get("total") == (None if total is None else Decimal(total))
    assert row.get("is_total_inferred", False) is (
        "itemsPrice" in parts["total"] and "orderAmount" not in parts["total"]
    )


def test_fees_are_shipping_or_fees_and_options_are_inside_the_item() -> None:
    order = {
        "id": "o",
        "items": [
            {
                "id": "i",
                "name": "Pizza",
                "quantity": 2,
                "unitPrice": price("30.00"),
                "optionsPrice": price(5.5),
                "options": [{"id": "borda"}],
            }
        ],
        "otherFees": [
            {"type": "DELIVERY_FEE", "price": price(7.9)},
            {"type": "SERVICE_FEE", "price": price(1.1)},
            {"type": "TIP", "price": price(2)},
        ],
        "discounts": [{"amount": price(4)}, {"amount": price(6)}],
        "total": {"itemsPrice": price(71), "orderAmount": price(72)},
    }
    outcome = read("orders", order)
    found = outcome.row("orders")
    assert [found[name] for name in ("subtotal", "shipping_total", "fees_total", "discount_total", "total")] == [
        Decimal(text) for text in ("71", "7.9", "3.1", "10", "72")
    ]
    line = outcome.row("order_lines")
    assert (line["total"], line["unit_price"], json.loads(line["extra"])["options"]) == (
        Decimal("71"),
        Decimal("30"),
        [{"id": "borda"}],
    )


def test_an_item_may_weigh_a_third_of_a_kilogram() -> None:
    line = read(
        "orders", {"id": "o", "items": [{"id": "i", "unit": "KG", "quantity": 0.335, "unitPrice": price(80)}]}
    ).row("order_lines")
    assert (line["quantity"], line["unit"], line["total"]) == (Decimal("0.3350"), "KG", Decimal("26.8000"))


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ({"lastEvent": "CREATED"}, "created"),
        ({"lastEvent": "PICKUP_AREA_ASSIGNED"}, "in_progress"),
        ({"status": "in_delivery"}, "shipped"),
        ({"status": "CONFIRMED", "lastEvent": "DELIVERED"}, "completed"),
        ({"lastEvent": "CANCELLED"}, "canceled"),
        ({"status": "CANCELED"}, "canceled"),
        ({"status": "CONFIRMED", "lastEvent": "CANCELLED_DENIED"}, "in_progress"),
        ({"status": "CONFIRMED", "lastEvent": "ORDER_CANCELLATION_REQUEST"}, "in_progress"),
        ({"lastEvent": "CANCELLED_DENIED"}, None),
        ({"lastEvent": "CANCELLATION_REQUEST_ACCEPTED"}, None),
        ({"status": "ON_FIRE"}, "unknown"),
        ({"lastEvent": "PICKED_UP"}, "completed"),
        ({}, None),
    ],
)
def test_a_refused_cancellation_cancels_nothing(words: dict[str, str], status: str | None) -> None:
    assert read("orders", {"id": "o", "displayId": "1", **words}).row("orders").get("status") == status


@pytest.mark.parametrize("word", ["order.cancelled", "order.canceled", "ORDER_CANCELLED", "ORDER_CANCELED"])
def test_both_spellings_of_a_cancellation_cancel(word: str) -> None:
    outcome = read("events", {"id": "e", "eventType": word, "occurredAt": "2026-02-01T12:30:00Z", "orderId": "o"})
    assert (outcome.row("orders")["status"], outcome.row("order_adjustments")["action"]) == ("canceled", "cancel")


def test_an_operational_event_says_the_bare_state() -> None:
    events = [
        {"eventId": f"e-{state}", "eventType": state, "orderId": "o", "createdAt": "2026-02-01T12:30:00Z"}
        for state in ("CREATED", "CANCELLED_DENIED", "DELIVERED")
    ]
    outcome = read("events", *events)
    assert [(row["event_action"], row["engagement_class"]) for row in outcome.rows("events")] == [
        ("create", "intent"),
        ("cancelled_denied", "none"),
        ("purchase", "purchase"),
    ]
    assert [row.get("status") for row in outcome.rows("orders")] == ["created", None, "completed"]
    assert outcome.rows("order_adjustments") == []


def test_a_number_shown_to_people_does_not_join_two_orders() -> None:
    outcome = read(
        "orders", {"id": "a", "displayId": "42", "total": {"orderAmount": price(1)}}, {"id": "b", "displayId": "42"}
    )
    assert [
        (row["order_number"], row["order_match_key"], row["order_namespace"]) for row in outcome.rows("orders")
    ] == [
        ("42", "A", "delivery"),
        ("42", "B", "delivery"),
    ]


def test_an_order_without_an_id_is_rejected() -> None:
    assert read("orders", {"id": " ", "totalAmount": 1}).rejects == [(1, "missing_order_id", "source_order_id")]


@pytest.mark.parametrize(
    ("record", "reason", "field"),
    [
        ({"id": "o", "totalAmount": "a lot"}, "bad_money", "total"),
        ({"id": "o", "totalAmount": 79.9}, "bad_money", "total"),
        ({"id": "o", "total": {"orderAmount": price("NaN")}}, "bad_money", "total"),
        ({"id": "o", "total": {"orderAmount": "a lot"}}, "bad_money", "total"),
        ({"id": "o", "total": {"orderAmount": price(1, "REAIS")}}, "bad_currency", "currency"),
        ({"id": "o", "displayId": "1", "createdAt": "yesterday"}, "bad_time", "ordered_at"),
        ({"id": "o", "displayId": "1", "createdAt": "2026-13-01T00:00:00Z"}, "bad_time", "ordered_at"),
    ],
)
def test_an_order_of_unknown_money_or_time_is_rejected(record: dict[str, Any], reason: str, field: str) -> None:
    assert read("orders", record).rejects == [(1, reason, field)]


@pytest.mark.parametrize(
    ("order", "issue"),
    [
        (
            {
                "otherFees": [
                    {"type": "DELIVERY_FEE", "price": price("free")},
                    {"type": "DELIVERY_FEE", "price": price(1)},
                ]
            },
            ("shipping_total", "unparseable", "free"),
        ),
        ({"items": [{"id": "i", "quantity": "many", "unitPrice": price(1)}]}, ("quantity", "unparseable", "many")),
        ({"customer": {"id": "c", "birthDate": "31/02/1990"}}, ("birth_date", "unparseable", "31/02/1990")),
        ({"payments": {"methods": [{"value": "ten", "method": "PIX"}]}}, ("value", "unparseable", "ten")),
        ({"items": {"id": "i", "quantity": 1}}, ("items", "object_for_list", '{"id":"i","quantity":1}')),
        ({"customer": "Ana"}, ("customer", "wrong_shape", "Ana")),
    ],
)
def test_a_lesser_field_that_cannot_be_read_is_logged_and_the_order_stays(
    order: dict[str, Any], issue: tuple[str, str, str]
) -> None:
    outcome = read("orders", {"id": "o", "type": "DELIVERY", **order})
    assert outcome.rejects == []
    assert issue in outcome.issues


def test_a_local_time_is_converted_and_a_missing_one_is_said_to_be_inferred() -> None:
    reported = read(
        "orders", {"id": "a", "displayId": "1", "createdAt": "2026-02-28T21:30:00-03:00"}, {"id": "b", "displayId": "2"}
    )
    rows = {row["source_order_id"]: row for row in reported.rows("orders")}
    assert (str(rows["a"]["ordered_at"]), rows["a"]["is_ordered_at_inferred"]) == ("2026-03-01 00:30:00+00:00", False)
    assert (str(rows["b"]["ordered_at"]), rows["b"]["is_ordered_at_inferred"]) == ("2026-03-01 00:00:00+00:00", True)


def test_the_orders_a_customer_had_before_are_a_figure_of_the_vendor() -> None:
    outcome = read("orders", {"id": "o", "customer": {"id": "c", "ordersCountOnMerchant": 7}})
    stat = outcome.row("vendor_stats")
    assert (stat["metric"], stat["value_num"], stat["definition_id"]) == (
        "orders_count_on_merchant",
        Decimal(7),
        "customer.ordersCountOnMerchant",
    )


# -- reviews, events, loyalty ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "value", "scale", "score"),
    [
        ("stars", 4, {}, 0.75),
        ("stars", "4.5", {}, 0.875),
        ("stars", 8, {"scaleMin": 0, "scaleMax": 10}, 0.8),
        ("nps", 9, {}, 0.9),
        ("nps", 0, {}, 0.0),
        ("binary", True, {}, 1.0),
        ("binary", "false", {}, 0.0),
        ("binary", "up", {}, 1.0),
        ("score", 80, {"scaleMin": 0, "scaleMax": 100}, 0.8),
        ("score", 80, {}, None),
        ("other", "great", {}, None),
        ("stars", 0, {}, None),
        ("stars", 6, {}, None),
        ("score", 1, {"scaleMin": 1, "scaleMax": 1}, None),
    ],
)
def test_a_rating_is_put_on_its_own_scale(method: str, value: Any, scale: dict[str, int], score: float | None) -> None:
    outcome = read("reviews", {"id": "r", "ratings": [{"method": method, "value": value, **scale}]})
    rating = outcome.row("review_ratings")
    assert rating.get("score_0_1") == score
    assert rating["value_raw"] == (json.dumps(value) if isinstance(value, bool) else str(value))


def test_a_review_without_an_id_keeps_its_ratings() -> None:
    outcome = read(
        "reviews", {"overallRating": {"ratingStyle": "STAR", "value": 5}, "reviewDate": "2026-02-01T12:00:00Z"}
    )
    assert outcome.row("review_ratings")["review_id"] == outcome.row("reviews")["review_id"]


def test_a_review_of_an_unreadable_time_is_rejected() -> None:
    assert read("reviews", {"id": "r", "ratings": [], "createdAt": "soon"}).rejects == [(1, "bad_time", "reviewed_at")]


def test_an_event_reported_again_in_another_file_has_the_same_id() -> None:
    event = {
        "eventType": "ORDER_COMPLETED",
        "occurredAt": "2026-02-01T12:30:00Z",
        "customerId": "c",
        "data": {"orderId": "o"},
    }
    assert (
        read("events", event).row("events")["event_id"]
        == read("events", {"eventType": "X", "occurredAt": None}, event).rows("events")[-1]["event_id"]
    )


def test_an_event_that_names_no_order_makes_none() -> None:
    outcome = read(
        "events", {"id": "e", "eventType": "cart.abandoned", "occurredAt": "2026-02-01T12:30:00Z", "orderId": "o"}
    )
    assert outcome.rows("orders") == []


@pytest.mark.parametrize(("word", "status"), [("customer.opted_in", "opt_in"), ("CUSTOMER_OPTED_OUT", "opt_out")])
def test_opting_by_event_is_a_consent_for_all_channels_unless_it_names_one(word: str, status: str) -> None:
    row = read("events", {"id": "e", "eventType": word, "occurredAt": "2026-02-01T12:30:00Z", "customerId": "c"}).row(
        "customer_consents"
    )
    assert (row["channel"], row["purpose"], row["status"]) == ("all", "marketing", status)


def test_an_event_without_a_type_is_rejected() -> None:
    assert read("events", {"eventType": None, "occurredAt": "2026-02-01T12:30:00Z"}).rejects == [
        (1, "missing_event_type", "event_type")
    ]


@pytest.mark.parametrize(
    ("stream", "record", "field", "known"),
    [
        ("loyalty_transactions", {"id": "t", "amount": 5}, "type", ["earn", "coupon_use", "tierChange", "other"]),
        ("loyalty_accounts", {"id": "a", "balance": 5}, "balanceType", ["points", "CASHBACK", "other"]),
        (
            "customers",
            {"id": "c", "identifier": {"type": "phone", "value": "+5511987654321"}},
            "contacts[].type",
            ["phone", "Email", "mobile", "other"],
        ),
        ("leads", {"id": "l", "name": "Ana"}, "contact.type", ["phone", "email", "other"]),
    ],
)
def test_a_type_that_no_table_knows_is_logged_and_costs_no_record(
    stream: str, record: dict[str, Any], field: str, known: list[str]
) -> None:
    def said(word: str) -> Outcome:
        contact = {"type": word, "value": "ana.souza@souza.example"}
        of_field = {"contacts[].type": {"contacts": [contact]}, "contact.type": {"contact": contact}}
        return read(stream, record | of_field.get(field, {field: word}))

    assert [issue for word in known for issue in said(word).issues if issue[1] == "unknown_word"] == []
    assert (field, "unknown_word", "wobbly") in said("wobbly").issues
    assert said("wobbly").rejects == []


@pytest.mark.parametrize(
    ("kind", "amount", "delta", "is_normalised"),
    [
        ("earn", 100, "100", False),
        ("earn", -5, "-5", False),
        ("burn", 40, "-40", True),
        ("redeem", -40, "-40", False),
        ("expire", 10, "-10", True),
        ("adjust", -3, "-3", False),
        ("coupon_use", 1, "1", False),
    ],
)
def test_what_takes_points_away_is_negative_whatever_its_sign(
    kind: str, amount: int, delta: str, *, is_normalised: bool
) -> None:
    row = read("loyalty_transactions", {"id": "t", "type": kind, "amount": amount}).row("loyalty_transactions")
    assert (row["points_delta"], row["is_sign_normalised"]) == (Decimal(delta), is_normalised)


def test_a_coupon_is_worth_its_value_in_major_units() -> None:
    row = read(
        "redemptions",
        {"redemptionId": "r", "coupon": {"code": "SAVE10", "value": 10, "currency": "BRL", "customerId": "c"}},
    ).row("redemptions")
    assert (row["money_amount"], row["currency"], row["voucher_code"]) == (Decimal(10), "BRL", "SAVE10")


@pytest.mark.parametrize("stream", ["customers", "leads", "orders", "reviews", "events"])
def test_a_line_that_is_no_json_costs_itself_only(stream: str) -> None:
    good = {
        "customers": {"identifier": {"type": "email", "value": "a@example.com"}},
        "leads": {"id": "l", "contact": "a@example.com"},
        "orders": {"id": "o", "totalAmount": 1},
        "reviews": {"id": "r", "ratings": []},
        "events": {"eventType": "ORDER_COMPLETED", "occurredAt": "2026-02-01T12:30:00Z"},
    }[stream]
    outcome = read(stream, b'{"identifier": {"type": ', good)
    assert (outcome.rejects, outcome.normalised.rows_loaded) == ([(1, "invalid_json", None)], 1)


CONSENT = {"purpose": "marketing", "channel": "sms", "status": "opt_out", "revokedAt": "2026-02-01T21:00:00-03:00"}


def reported_consents(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(row["channel"], row["status"], str(row["effective_at"])[:16]) for row in outcome.rows("customer_consents")]


@pytest.mark.parametrize(
    "body",
    [
        {"consents": [CONSENT]},
        {"consent": CONSENT},
        {"purpose": "marketing", "channel": "sms", "status": "revoked"},
        {"consent": {**CONSENT, "status": None}},
    ],
)
@pytest.mark.parametrize("name", ["customer.consent.updated", "CUSTOMER_CONSENT_UPDATED"])
def test_a_consent_event_is_heard_in_each_of_its_forms(name: str, body: dict[str, Any]) -> None:
    event = {"eventType": name, "occurredAt": "2026-02-01T21:00:00-03:00"}
    customer = {"customerIdentifier": {"type": "email", "value": "ana@example.com"}}
    for record in (
        {"id": "e", **event, **customer, "payload": body},
        {**event, "data": {"customerId": "c", **body}},
        {"event": {**event, "payload": body}},
    ):
        assert reported_consents(read("events", record)) == [("sms", "opt_out", "2026-02-02 00:00")], record


def test_a_consent_without_a_word_is_reported_by_its_times() -> None:
    granted, revoked = {"grantedAt": "2025-01-10T00:00:00Z"}, {"revokedAt": "2026-02-01T00:00:00Z"}
    consents = [{"channel": "email", **granted, **revoked}, {"channel": "sms", **granted}]
    outcome = read(
        "customers", {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}, "consents": consents}
    )
    assert sorted(reported_consents(outcome)) == [
        ("email", "opt_in", "2025-01-10 00:00"),
        ("email", "opt_out", "2026-02-01 00:00"),
        ("sms", "opt_in", "2025-01-10 00:00"),
    ]


def test_a_revocation_beside_a_yes_is_heard() -> None:
    consent = {
        "channel": "email",
        "status": "opt_in",
        "grantedAt": "2025-01-10T00:00:00Z",
        "revokedAt": "2026-02-01T00:00:00Z",
    }
    outcome = read(
        "customers", {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}, "consents": [consent]}
    )
    assert sorted(reported_consents(outcome)) == [
        ("email", "opt_in", "2025-01-10 00:00"),
        ("email", "opt_out", "2026-02-01 00:00"),
    ]


@pytest.mark.parametrize(
    ("customer", "since"),
    [
        ({}, "2026-03-01 00:00"),
        ({"updatedAt": "2026-02-01T00:00:00Z"}, "2026-02-01 00:00"),
        ({"updatedAt": "2025-01-01T00:00:00Z"}, "2025-01-10 00:00"),
    ],
)
@pytest.mark.parametrize("word", ["opt_out", "revoked"])
def test_a_no_that_states_a_time_of_agreement_alone_has_none_of_its_own(
    word: str, customer: dict[str, str], since: str
) -> None:
    consent = {"channel": "email", "status": word, "grantedAt": "2025-01-10T00:00:00Z"}
    identified = {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}}
    outcome = read("customers", {**identified, **customer, "consents": [consent]})
    assert reported_consents(outcome) == [("email", "opt_out", since)]
    assert outcome.row("customer_consents")["is_effective_at_inferred"]


def test_a_no_of_an_event_that_states_a_time_of_agreement_alone_is_of_the_event() -> None:
    consent = {"channel": "email", "status": "revoked", "grantedAt": "2025-01-10T00:00:00Z"}
    event = {"id": "e", "eventType": "customer.consent.updated", "occurredAt": "2026-02-01T00:00:00Z"}
    outcome = read("events", event | {"customerId": "c", "payload": {"consent": consent}})
    assert reported_consents(outcome) == [("email", "opt_out", "2026-02-01 00:00")]
    assert not outcome.row("customer_consents")["is_effective_at_inferred"]


@pytest.mark.parametrize("says", [True, False])
def test_the_last_change_of_a_customer_is_no_stated_time_of_its_consent(*, says: bool) -> None:
    customer = {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}, "consent": {"marketing": says}}
    row = read("customers", customer | {"updatedAt": "2026-02-01T00:00:00Z"}).row("customer_consents")
    assert (str(row["effective_at"])[:10], row["is_effective_at_inferred"]) == ("2026-02-01", True)


YES_TO_ALL = {"status": "opt_in", "grantedAt": "2026-03-05T09:00:00Z"}


@pytest.mark.parametrize("changed", [{}, {"updatedAt": "2026-03-04T00:00:00Z"}])
@pytest.mark.parametrize(
    "said",
    [
        {"consent": {"marketing": False}, "consents": [YES_TO_ALL]},
        {"consents": [{"channel": "email", "status": "revoked"}, YES_TO_ALL]},
        {
            "consent": {"marketing": True, "updatedAt": "2026-03-05T09:00:00Z"},
            "consents": [{"channel": "email", "status": "revoked"}],
        },
    ],
)
def test_a_no_without_a_time_came_after_every_yes_of_its_customer(
    said: dict[str, Any], changed: dict[str, str]
) -> None:
    """Both hold today; before, a yes of the export date undid it, for a no without a time counts from midnight."""
    customer = {"id": "c", "identifier": {"type": "email", "value": "a@example.com"}, **said, **changed}
    rows = normalise(VENDOR, "customers", [customer], export_date=date(2026, 3, 5)).rows("customer_consents")
    [refused] = [row for row in rows if row["status"] == "opt_out"]
    assert (str(refused["effective_at"])[:19], refused["is_effective_at_inferred"]) == ("2026-03-05 09:00:00", True)


@pytest.mark.parametrize(
    ("unit", "total"), [({}, 5400), ({"amount_unit": "minor"}, 54), ({"amount_unit": "major"}, 5400)]
)
def test_the_account_settles_the_unit_of_operational_orders_of_version_2(unit: dict[str, str], total: int) -> None:
    order = {
        "id": "o", "displayId": "1", "status": "CONCLUDED", "fulfillment": {"orderType": "DELIVERY"}, "timing": {},
        "items": [{"id": "i", "quantity": 2, "pricing": {"unitPrice": price(2500), "optionsPrice": price(300)}}],
        "total": {"orderAmount": price(5400)}, "payments": {"methods": [{"value": 5400, "currency": "BRL", "method": "PIX", "type": "PREPAID"}]},
    }  # fmt: skip
    outcome = read("orders", order, **unit)
    assert (outcome.row("orders")["total"], outcome.row("order_payments")["value"]) == (total, total)
    assert outcome.row("order_lines")["total"] == Decimal(5600) * total / 5400
    first = {
        "id": "o",
        "type": "DELIVERY",
        "displayId": "1",
        "orderTiming": "INSTANT",
        "total": {"orderAmount": price("12.50")},
    }
    assert read("orders", first, **unit).row("orders")["total"] == Decimal("12.50")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("IN DELIVERY", "shipped"),
        ("ready-for-pickup", "in_progress"),
        ("pickedUp", "completed"),
        ("Canceled", "canceled"),
    ],
)
def test_a_state_is_heard_however_its_words_are_joined(word: str, status: str) -> None:
    order = {"id": "1", "displayId": "1", "createdAt": "2026-02-01T00:00:00Z", "lastEvent": word}
    outcome = normalise("open_delivery", "orders", [order])
    assert (outcome.row("orders")["status"], outcome.issues) == (status, [])


NO_TO_MAIL = [{"purpose": "marketing", "channel": "email", "status": "opt_out", "revokedAt": "2026-01-01T00:00:00Z"}]


@pytest.mark.parametrize(
    ("customer", "channel"),
    [
        (
            {
                "identifier": {"type": "email", "value": "a@mailbox.test"},
                "contacts": {"emails": []},
                "consents": NO_TO_MAIL,
            },
            "email",
        ),
        (
            {
                "identifier": {"type": "email", "value": "a@mailbox.test"},
                "document": {},
                "consent": {"marketing": False},
            },
            "all",
        ),
        (
            {"id": "1", "identifier": {"type": "email", "value": "a@mailbox.test"}, "consent": {"marketing": False}},
            "all",
        ),
        ({"id": "1", "name": "Ana", "contacts": {"email": "a@mailbox.test"}, "consents": NO_TO_MAIL}, "email"),
        ({"customer": {"id": "1", "contacts": {"email": "a@mailbox.test"}, "consents": NO_TO_MAIL}}, "email"),
    ],
)
def test_a_no_of_another_version_of_the_protocol_is_heard(customer: dict[str, Any], channel: str) -> None:
    consent = normalise("open_delivery", "customers", [customer]).row("customer_consents")
    assert (consent["channel"], consent["status"]) == (channel, "opt_out")


@pytest.mark.parametrize("nothing", ["-", "n/a", "0001-01-01T00:00:00Z"])
def test_a_time_that_stands_for_none_grants_and_cancels_nothing(nothing: str) -> None:
    consents = [
        {"channel": "email", "grantedAt": nothing},
        {"channel": "sms", "status": "opt_in", "revokedAt": nothing},
    ]
    customer = {"id": "1", "identifier": {"type": "email", "value": "a@mailbox.test"}, "consents": consents}
    outcome = normalise("open_delivery", "customers", [customer])
    assert [row["status"] for row in outcome.rows("customer_consents")] == ["unknown", "opt_in"]
    order = {
        "orderId": "1",
        "customerId": "1",
        "timestamps": {"createdAt": "2026-02-01T00:00:00Z", "cancelledAt": nothing},
    }
    assert normalise("open_delivery", "orders", [order]).row("orders")["status"] == "created"


@pytest.mark.parametrize(
    "name",
    [
        "customer.opted-out",
        "customer.optedOut",
        "customer.unsubscribed",
        "customer.consent.revoked",
        "CUSTOMER_OPT_OUT",
        "customer.email.unsubscribed",
        "customer.complained",
    ],
)
def test_a_no_by_event_is_heard_however_the_event_is_called(name: str) -> None:
    event = {"id": "e", "eventType": name, "occurredAt": "2026-02-01T00:00:00Z", "payload": {"channel": "sms"}}
    outcome = normalise("open_delivery", "events", [event | {"customerId": "1"}])
    consent = outcome.row("customer_consents")
    assert (consent["channel"], consent["status"]) == ("sms", "opt_out")


@pytest.mark.parametrize("body", [{}, {"email": False}, {"newStatus": "opt_out"}])
def test_an_event_of_consent_out_of_which_none_is_read_is_logged(body: dict[str, Any]) -> None:
    event = {
        "id": "e",
        "eventType": "customer.consent.updated",
        "occurredAt": "2026-02-01T00:00:00Z",
        "customerId": "1",
    }
    outcome = normalise("open_delivery", "events", [event | {"payload": body}])
    assert outcome.issues == [("eventType", "unheard_consent", "customer.consent.updated")]
