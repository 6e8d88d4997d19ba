"""The published traps, end to end: the vendors' own examples and what they must become."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.support.installation import EXPORT_DATES, Installation

pytestmark = pytest.mark.long


def land(installation: Installation) -> None:
    export_date, second = EXPORT_DATES[0], EXPORT_DATES[1]
    _land_ometria(installation, export_date)
    _land_omnisend(installation, export_date)
    _land_open_delivery(installation, export_date)
    _land_optimizely(installation, export_date)
    _land_voucherify(installation, export_date)
    installation.land(
        "ometria/contacts",
        second,
        "t_moved.ndjson",
        {"@type": "contact", "@collection": "customers", "id": "c1", "customer_id": "9", "email": "t.new@example.com"},
    )


def _land_ometria(installation: Installation, export_date: str) -> None:
    published = {
        "@type": "profile",
        "country": None,
        "customer_id": "55555",
        "date_of_birth": "1984-04-22",
        "dates": {
            "acquired": "2014-11-01T15:34:35+00:00",
            "first_purchase": "2015-02-01T05:44:55+00:00",
            "first_seen": "2014-12-01T05:44:55+00:00",
            "last_seen": "2015-02-01T05:44:55+00:00",
        },
        "email": "bob22@example.com",
        "firstname": None,
        "gender": "m",
        "id": "2695-c473e2-4aaf58",
        "identities": [{"id": "bob22@example.com", "type": "email"}],
        "lastname": "smith111",
        "marketing_optin": None,
        "middlename": None,
        "name": "smith111",
        "prefix": None,
        "properties": {"custom_key": "custom value"},
        "seen": False,
        "stats": {"aov": 99.17, "orders": 1, "orders_attempted": 1, "revenue": 99.17, "total_items": 5, "visits": 20},
        "suffix": None,
        "tags": ["Attended VIP event 2017"],
    }
    installation.land("ometria/profiles", export_date, "t_page.json", json.dumps([published]))
    installation.land(
        "ometria/contacts",
        export_date,
        "t_merge.ndjson",
        {"@type": "contact", "@collection": "customers", "id": "c1", "customer_id": "9", "email": "t.old@example.com"},
        {"@type": "contact", "@collection": "newsletter", "id": "n1", "email": "t.new@example.com"},
    )
    installation.land(
        "ometria/contacts",
        export_date,
        "t_latin1.csv",
        bytes.fromhex("656d61696c2c66697273746e616d650a6a6f73e940782e636f6d2c4a6f73e90a"),
    )


def _land_omnisend(installation: Installation, export_date: str) -> None:
    placed = {
        "eventName": "placed order",
        "origin": "api",
        "eventID": "f3f61bc6-07b8-4645-92d8-189d882dbcb1",
        "eventVersion": "v2",
        "eventTime": "2021-07-01T00:00:00Z",
        "contact": {"email": "[email protected]"},
        "properties": {
            "orderID": "4122111",
            "createdAt": "2023-11-10T07:00:00",
            "currency": "EUR",
            "discounts": [{"amount": "-", "code": "SUMMER20", "type": "-"}],
            "fulfillmentStatus": "unfulfilled",
            "billingAddress": {"country": "USA", "stateCode": "CA", "zip": "90210", "phone": "+443031237300"},
            "lineItems": [
                {
                    "productID": "1",
                    "productSKU": 200,
                    "productQuantity": 2,
                    "productPrice": 19.99,
                    "productDiscount": 10.19,
                    "productVariantID": "123",
                    "productTitle": "The best product",
                },
            ],
            "totalPrice": 39.98,
        },
    }
    viewed = [
        {
            "eventID": "t-u1",
            "eventName": "viewed product",
            "eventTime": moment,
            "contact": {"email": "t.viewer@example.com"},
        }
        for moment in ("2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", "2024-05-02T10:00:00Z")
    ]
    twin = {
        "eventName": "placed order",
        "eventID": "t-x",
        "eventTime": "2021-01-01T00:00:00Z",
        "contact": {"email": "john.doe@example.com"},
        "properties": {
            "orderID": "order-1",
            "totalPrice": 31.2,
            "currency": "EUR",
            "createdAt": "2021-01-01T00:00:00Z",
        },
    }
    installation.land("omnisend/events", export_date, "t_events.ndjson", placed, *viewed, twin)
    order = {
        "orderID": "order-1",
        "email": "john.doe@example.com",
        "orderNumber": 10001,
        "currency": "EUR",
        "orderSum": 3120,
        "createdAt": "2021-01-01T00:00:00Z",
        "paymentStatus": "paid",
        "fulfillmentStatus": "fulfilled",
        "orderItems": [
            {"productID": "product-1", "price": 1560, "quantity": 1},
            {"productID": "product-2", "price": 1560, "quantity": 1},
        ],
    }
    installation.land("omnisend/orders", export_date, "t_orders.ndjson", order)
    contact = {
        "email": "t.recorded@example.com",
        "contactID": "663cf8de1f539fef85c321f9",
        "createdAt": "2024-05-09T16:25:02Z",
        "country": "Lithuania",
        "countryCode": "LT",
        "state": "Vilnius",
        "postalCode": "LT-12345",
        "gender": "",
        "phone": None,
        "birthdate": "1990-01-01",
        "tags": ["tag1", "tag2"],
        "segments": ["663a31f0438b8341a1c52d56"],
        "statuses": [{"channel": "email", "status": "subscribed", "date": "2024-05-09T16:25:02.332Z"}],
        "consents": None,
        "identifiers": [
            {
                "id": "t.recorded@example.com",
                "type": "email",
                "channels": {"email": {"status": "subscribed", "statusDate": "2024-05-09T16:25:02.353Z"}},
            }
        ],
    }
    installation.land(
        "omnisend/contacts",
        export_date,
        "t_contact.json",
        json.dumps({"contacts": [contact], "paging": {"next": None}}),
    )


def _land_open_delivery(installation: Installation, export_date: str) -> None:
    def order(number: str, customer: str, document: str) -> dict[str, object]:
        money = {"value": 10.0, "currency": "BRL"}
        return {
            "id": number,
            "createdAt": "2026-02-01T10:00:00Z",
            "lastEvent": "CONCLUDED",
            "items": [],
            "total": {"orderAmount": money},
            "customer": {"id": customer, "name": "Ana", "documentNumber": document},
        }

    installation.land(
        "open_delivery/orders",
        export_date,
        "t_orders.ndjson",
        order("t-o1", "aaaa", "390.533.447-05"),
        order("t-o2", "bbbb", "39053344705"),
    )
    installation.land(
        "open_delivery/customers",
        export_date,
        "t_customers.json",
        '[{"identifier": {"type": "phone", "value": "+5511999999999"}}]',
    )
    installation.land(
        "open_delivery/leads",
        export_date,
        "t_leads.ndjson",
        {"id": "t-lead-1", "name": "Lea Dado", "contact": "t.lead@example.com"},
        {"id": "t-lead-2", "name": "Lea Dado", "contact": {"type": "email", "value": "T.Lead@example.com"}},
        {"id": "t-lead-3", "name": "Vera", "contact": "t.recorded@example.com"},
    )
    installation.land(
        "open_delivery/reviews",
        export_date,
        "t_reviews.ndjson",
        {
            "reviewId": "t-rev-001",
            "reviewType": "ORDER",
            "overallRating": {"ratingStyle": "STAR", "value": 4},
            "reviewDate": "2026-02-01T12:00:00Z",
        },
        {
            "id": "t-rev-002",
            "ratings": [
                {"method": "nps", "value": 9, "scaleMin": 0, "scaleMax": 10, "isOverall": True},
                {"method": "binary", "value": True, "category": "delivery"},
                {"method": "stars", "value": "4.5", "scaleMin": 1, "scaleMax": 5, "category": "food_quality"},
            ],
            "createdAt": "2026-02-01T09:00:00-03:00",
        },
    )
    installation.land(
        "open_delivery/events",
        export_date,
        "t_events.ndjson",
        {
            "eventType": "ORDER_COMPLETED",
            "occurredAt": "2026-02-01T12:30:00Z",
            "customerId": "t-cust",
            "data": {"orderId": "t-ord-001", "totalAmount": 7990, "currency": "BRL"},
        },
    )


def _land_optimizely(installation: Installation, export_date: str) -> None:
    def login(moment: int, **identifiers: str) -> dict[str, object]:
        return {"type": "account", "action": "login", "identifiers": identifiers, "data": {"ts": moment}}

    installation.land(
        "optimizely/events",
        export_date,
        "t_merge.ndjson",
        login(1, email="t.john@example.com", shopify_mystore_id="ABC"),
        login(2, email="t.john@example.org", shopify_mystore_id="XYZ"),
        {
            "type": "pageview",
            "identifiers": {"email": "t.john@example.org", "shopify_mystore_id": "ABC"},
            "data": {"ts": 3},
        },
    )
    installation.land(
        "optimizely/consents",
        export_date,
        "t_consents.ndjson",
        {
            "identifier_value": "tyler@optimizely.com",
            "identifier_field_name": "email",
            "consent": True,
            "consent_update_reason": "reason",
            "consent_update_ts": "ts",
        },
        {
            "identifier_value": "email",
            "identifier_field_name": "brian@optimizely.com",
            "consent": False,
            "consent_update_reason": "reason",
            "consent_update_ts": "ts",
        },
    )
    installation.land(
        "optimizely/profiles",
        export_date,
        "t_profile.ndjson",
        {
            "identifiers": {
                "email": " Sample@Shop.example ",
                "customer_id": "00055",
                "vuid": "vuid_2c5d8a0f4b6e4f0f9a1b2c3d4e5",
            },
            "attributes": {
                "state": "Virginia",
                "country": "United States",
                "zip": "02101",
                "phone": "555-867-5309",
                "timezone": "America/New_York",
                "gender": "F",
            },
        },
    )
    installation.land(
        "optimizely/lists",
        export_date,
        "zaius_list_yourlistidhere.csv",
        "email, action\nt.ragged1@example.com, subscribe\nt.ragged2@example.com, subscribe\ne@f.com",
    )
    installation.land(
        "optimizely/reachability",
        export_date,
        "t_bounce.ndjson",
        '{"identifier_field_name":"email","identifier_value":"t.bounced@example.com","reachable":false,"reachable_update_type":"hard_bounce","reachable_update_ts":1572721108,"zaius_id":3355837520960160000}\n',
    )


def _land_voucherify(installation: Installation, export_date: str) -> None:
    installation.land(
        "voucherify/customers",
        export_date,
        "t_customers.ndjson",
        *(
            {"id": f"t-meta-{number}", "object": "customer", "metadata": metadata}
            for number, metadata in enumerate(({"test": True}, {"test": "yes", "n": 1.5}, {}))
        ),
        {
            "id": "cust_cwzFQcb3C5XgbgVknYPUNb1p",
            "source_id": "trackcust5432",
            "name": "Andy Tonic",
            "email": "[email protected]",
            "summary": {
                "orders": {
                    "total_amount": 148800,
                    "total_count": 5,
                    "average_amount": 49600,
                    "last_order_amount": 0,
                    "last_order_date": "2021-04-12T12:51:26Z",
                }
            },
            "loyalty": {"points": 340, "referred_customers": 1},
            "assets": {"cockpit_url": "https://cockpits.example/customers?token=U2FsdGVkX1secret"},
        },
    )


# -- ometria


def test_the_published_profile_of_ometria(world: Installation) -> None:
    person = world.customer_of("ometria", "2695-c473e2-4aaf58")
    assert world.row(
        "select first_name, last_name, country, email, birth_date, gender from marts.dim_customers where customer_id = ?",
        person,
    ) == (
        None,
        "smith111",
        None,
        "bob22@example.com",
        date(1984, 4, 22),
        "m",
    )
    identifiers = world.rows(
        "select identifier_type, identifier_value from marts.bridge_customer_identifiers where customer_id = ? and identifier_type in ('email', 'customer_id') order by 1",
        person,
    )
    assert identifiers == [("customer_id", "55555"), ("email", "bob22@example.com")]
    assert world.rows("select channel, status from marts.fct_consents where customer_id = ?", person) == [
        ("email", "unknown")
    ]
    assert world.rows(
        "select segment_id, segment_name, segment_kind from marts.fct_segment_memberships where customer_id = ?", person
    ) == [("attended vip event 2017", "Attended VIP event 2017", "tag")]
    stats = dict(
        world.rows(
            "select metric, vendor_value from marts.customer_stat_reconciliation where customer_id = ? and vendor_value is not null",
            person,
        )
    )
    assert stats == {
        "average_order_value": Decimal("99.17"),
        "order_count": 1,
        "orders_attempted": 1,
        "total_revenue": Decimal("99.17"),
        "total_items": 5,
        "visits": 20,
    }


def test_contacts_merge_on_the_customer_id_then_on_the_address(world: Installation) -> None:
    people = world.column(
        "select distinct customer_id from marts.bridge_customer_identifiers where identifier_value in ('t.old@example.com', 't.new@example.com')"
    )
    assert len(people) == 1
    assert world.value("select email from marts.dim_customers where customer_id = ?", people[0]) == "t.new@example.com"
    assert world.value("select count(*) from marts.bridge_customer_records where customer_id = ?", people[0]) == 2


def test_a_file_in_latin_1_keeps_its_letters(world: Installation) -> None:
    assert world.column("select first_name from staging.customers where source_file like '%t_latin1.csv'") == ["José"]
    assert world.column(
        "select coalesce(id_value, id_value_raw) from staging.customer_identifiers where source_file like '%t_latin1.csv' and id_type = 'email'"
    ) == ["josé@x.com"]


# -- omnisend


def test_the_published_placed_order_of_omnisend(world: Installation) -> None:
    assert world.order("4122111", "total_amount", "currency", "ordered_at", "customer_id") == (
        Decimal("39.98"),
        "EUR",
        datetime(2023, 11, 10, 7, tzinfo=UTC),
        world.order("4122111", "customer_id")[0],
    )
    assert world.rows(
        "select sku, quantity, unit_price from marts.fct_order_lines join marts.fct_orders using (order_id) where order_number = '4122111'"
    ) == [("200", 2, Decimal("19.99"))]
    assert world.rows("select * from marts.dim_customers where email like '%protected%'") == []
    assert world.value("select is_ordered_at_inferred from staging.orders where source_order_id = '4122111'")


def test_cents_and_decimals_of_one_order_are_one_amount(world: Installation) -> None:
    rows = world.rows(
        "select total_amount, sources, source from marts.fct_orders where order_number in ('10001', 'ORDER-1') or order_id in (select order_id from marts.bridge_order_sources where source_record_id = 'order-1')"
    )
    assert rows == [(Decimal("31.20"), ["omnisend"], "omnisend")]


def test_an_event_id_is_unique(world: Installation) -> None:
    assert world.column("select occurred_at from marts.fct_events where event_id like '%t-u1'") == [
        datetime(2024, 5, 2, 10, tzinfo=UTC)
    ]


def test_a_recorded_contact_of_omnisend(world: Installation) -> None:
    person = world.customer_of("omnisend", "663cf8de1f539fef85c321f9")
    assert (
        world.row(
            "select gender, country, state, postal_code, birth_date from marts.dim_customers where customer_id = ?",
            person,
        )[0]
        is None
    )
    assert world.row(
        "select country, postal_code, birth_date from marts.dim_customers where customer_id = ?", person
    ) == ("LT", "LT-12345", date(1990, 1, 1))
    assert world.rows("select channel, status, effective_at from marts.fct_consents where customer_id = ?", person) == [
        ("email", "opt_in", datetime(2024, 5, 9, 16, 25, 2, 353000, tzinfo=UTC))
    ]
    assert world.column(
        "select segment_id from marts.fct_segment_memberships where customer_id = ? order by 1", person
    ) == [
        "663a31f0438b8341a1c52d56",
        "tag1",
        "tag2",
    ]


# -- open delivery


def test_ids_made_up_per_order_are_one_person_by_document(world: Installation) -> None:
    people = world.column("select distinct customer_id from marts.fct_orders where order_number in ('T-O1', 'T-O2')")
    assert len(people) == 1
    assert world.rows(
        "select identifier_value, is_linking from marts.bridge_customer_identifiers where customer_id = ? and identifier_type = 'document'",
        people[0],
    ) in (
        [("cpf:39053344705", True)],
        [("39053344705", True)],
    )


def test_a_lead_is_no_customer(world: Installation) -> None:
    leads = world.rows(
        "select lead_id, customer_id, contact_type, contact_value from marts.fct_leads where lead_id like 't-lead-%' order by 1"
    )
    assert leads[:2] == [
        ("t-lead-1", None, "email", "t.lead@example.com"),
        ("t-lead-2", None, "email", "t.lead@example.com"),
    ]
    assert leads[2][1] == world.customer_of("omnisend", "663cf8de1f539fef85c321f9")
    assert (
        world.rows("select * from marts.bridge_customer_identifiers where identifier_value = 't.lead@example.com'")
        == []
    )


def test_reviews_have_one_score_each(world: Installation) -> None:
    assert world.rows(
        "select review_id, score_0_1, reviewed_at from marts.fct_reviews where review_id like 't-rev%' order by 1"
    ) == [
        ("t-rev-001", Decimal("0.75"), datetime(2026, 2, 1, 12, tzinfo=UTC)),
        ("t-rev-002", Decimal("0.9"), datetime(2026, 2, 1, 12, tzinfo=UTC)),
    ]
    assert world.value("select count(*) from staging.review_ratings where review_id like 't-rev%'") == 4


def test_a_draft_event_reports_an_order_in_cents(world: Installation) -> None:
    assert world.order("T-ORD-001", "total_amount", "currency", "status", "source") == (
        Decimal("79.90"),
        "BRL",
        "completed",
        "open_delivery",
    )


# -- optimizely


def test_a_custom_identifier_makes_one_person(world: Installation) -> None:
    assert world.customer_with("t.john@example.com") == world.customer_with("t.john@example.org")


def test_a_consent_with_name_and_value_swapped_is_rejected_and_never_lost(world: Installation) -> None:
    person = world.customer_with("tyler@optimizely.com")
    assert world.rows("select channel, status from marts.fct_consents where customer_id = ?", person) == [
        ("email", "opt_in")
    ]
    assert (
        len(
            world.rows(
                "select raw from meta.rejects where file_path like '%t_consents.ndjson' and raw like '%brian@optimizely.com%'"
            )
        )
        == 1
    )


def test_zeros_in_front_survive(world: Installation) -> None:
    person = world.customer_of("optimizely", "00055")
    assert world.row(
        "select country, postal_code, email, phone from marts.dim_customers where customer_id = ?", person
    ) == (
        "US",
        "02101",
        "sample@shop.example",
        None,
    )
    assert world.rows(
        "select identifier_value from marts.bridge_customer_identifiers where customer_id = ? and identifier_type = 'customer_id'",
        person,
    ) == [("00055",)]


def test_a_ragged_list_loses_only_its_ragged_row(world: Installation) -> None:
    assert world.value("select count(*) from marts.fct_segment_memberships where segment_id = 'yourlistidhere'") == 2
    assert world.column(
        "select row_number from meta.rejects where file_path like '%zaius_list_yourlistidhere.csv'"
    ) == [3]


def test_a_bounce_is_no_opt_out_and_an_id_beyond_doubles_stays_exact(world: Installation) -> None:
    person = world.customer_with("t.bounced@example.com")
    assert world.rows("select * from marts.fct_consents where customer_id = ? and status = 'opt_out'", person) == []
    assert (
        world.value(
            "select count(*) from marts.bridge_customer_identifiers where customer_id = ? and identifier_value = '3355837520960160000'",
            person,
        )
        == 1
    )


# -- voucherify


def test_open_metadata_keep_their_types(world: Installation) -> None:
    kept = [
        json.loads(text)
        for text in world.column(
            "select attributes from staging.customers where source_record_id like 't-meta-%' order by source_record_id"
        )
    ]
    assert [entry.get("metadata", entry) for entry in kept] == [{"test": True}, {"test": "yes", "n": 1.5}, {}]


def test_the_published_customer_of_voucherify(world: Installation) -> None:
    person = world.customer_of("voucherify", "cust_cwzFQcb3C5XgbgVknYPUNb1p")
    assert world.row("select full_name, email from marts.dim_customers where customer_id = ?", person) == (
        "Andy Tonic",
        None,
    )
    stats = dict(
        world.rows("select metric, vendor_value from marts.customer_stat_reconciliation where customer_id = ?", person)
    )
    assert (stats["total_revenue"], stats["order_count"], stats["average_order_value"], stats["last_order_amount"]) == (
        1488,
        5,
        496,
        0,
    )
    assert (
        world.value(
            "select verdict from marts.customer_stat_reconciliation where customer_id = ? and metric = 'average_order_value'",
            person,
        )
        == "inconsistent_at_source"
    )


def test_a_secret_is_left_out_everywhere(world: Installation) -> None:
    assert b"U2FsdGVkX1secret" not in (world.data / "warehouse.duckdb").read_bytes()
    assert (
        world.rows(
            "select * from staging.customers where cast(extra as varchar) like '%U2FsdGVkX1secret%' or cast(attributes as varchar) like '%U2FsdGVkX1secret%'"
        )
        == []
    )
