"""What ODP delivers and what it becomes: its forms, its oddities, and what must not happen to an order, a consent or an identifier."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import formats, landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normaliser, shape_paths
from orchestration.vendors.optimizely import VENDOR
from orchestration.vendors.optimizely.event_fields import EVENT_FIELDS
from tests.support.goldens import EXPORT_DATE, Outcome, normalise

HERE = Path(__file__).parent
PUBLISHED_PROFILE = {
    "identifiers": {"email": "ana.souza@example.com", "customer_id": "1001", "vuid": "2c5d8a0f-4b6e"},
    "attributes": {
        "first_name": "Ana",
        "last_name": "Souza",
        "city": "Dresden",
        "state": "Sachsen",
        "country": "DE",
        "zip_code": "01159",
        "phone": "+4915123456701",
        "date_of_birth": "1990-02-03",
        "gender": "female",
    },
    "insights": {
        "total_revenue": 112.5,
        "order_count": 3,
        "average_order_value": 37.5,
        "first_order_date": "2025-01-01T08:00:00Z",
        "last_order_date": "2026-01-01T08:00:00Z",
        "engagement_score": 55.25,
    },
    "segments": ["vip"],
    "events": [
        {"type": "product", "action": "detail", "timestamp": "2026-02-01T10:00:00Z", "data": {"product_id": "fern"}}
    ],
}


def odp(stream: str, *records: Any, **more: Any) -> Outcome:
    return normalise("optimizely", stream, list(records), **more)


def order_event(action: str, **order: Any) -> dict[str, Any]:
    return {
        "type": "order",
        "action": action,
        "identifiers": {"email": "bo@example.com"},
        "data": {"ts": 1772359200, "order": {"order_id": "F-1", **order}},
    }


def landed(tmp_path: Path, stream: str, name: str, content: bytes) -> Outcome:
    """A file as the landing zone reads it."""
    path = tmp_path / "landing" / "optimizely" / stream / str(EXPORT_DATE) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    relative = str(path.relative_to(tmp_path))
    file = LandedFile(EXPORT_DATE, "optimizely", stream, relative, path, len(content), 0, is_full=False)
    described = VENDOR.streams[stream]
    records = [record for block in formats.blocks(file, tmp_path, Options(), described) for record in block]
    file_value = landing_zone.value_in_name(described.file_value, name) if described.file_value else None
    normaliser = Normaliser(
        VENDOR, Origin(Settings(tmp_path).account(VENDOR), stream, EXPORT_DATE, relative, 1, file_value), Bounds()
    )
    normalised = normaliser.block(records)
    return Outcome(
        normalised,
        dict(normaliser.decoder.drift),
        dict(normaliser.decoder.dialect_records),
        dict(normaliser.decoder.coverage),
    )


# -- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", sorted(VENDOR.streams))
def test_no_record_can_be_of_two_forms(stream: str) -> None:
    for one, other in combinations(VENDOR.streams[stream].dialects, 2):
        assert not (one.has <= other.shape.keys() and other.has <= one.shape.keys()), (one.name, other.name)


@pytest.mark.parametrize("stream", sorted(VENDOR.streams))
def test_what_distinguishes_forms_agrees_with_their_fields(stream: str) -> None:
    for dialect in VENDOR.streams[stream].dialects:
        assert dialect.has <= dialect.shape.keys()
        assert not dialect.lacks & dialect.shape.keys()


@pytest.mark.parametrize(
    ("stream", "record", "form"),
    [
        ("profiles", PUBLISHED_PROFILE, "optimizely.profile"),
        ("profiles", {"attributes": {"email": "a@example.com", "zip": "1", "street1": "x"}}, "optimizely.attributes"),
        ("customers", {"email": "a@example.com", "first_name": "A"}, "optimizely.customers"),
        ("customers", {"customer.email": "a@example.com"}, "optimizely.customers"),
        ("events", {"type": "pageview", "identifiers": {"vuid": "v"}, "data": {}}, "optimizely.event"),
        ("events", {"type": "pageview", "data": {}}, "optimizely.anonymous_event"),
        ("events", {"event_type": "pageview", "customer.email": "a@example.com"}, "optimizely.events"),
        ("events", {"type": "pageview", "email": "a@example.com"}, "optimizely.events"),
        (
            "events",
            {"identifier_field_name": "email", "identifier_value": "a@example.com", "consent": True},
            "optimizely.consent",
        ),
        ("orders", order_event("purchase", total=1), "optimizely.event"),
        ("orders", {"order_id": "1", "items": [{"product_id": "a"}]}, "optimizely.order"),
        ("orders", {"order_id": "1", "item_product_id": "a", "email": "a@example.com"}, "optimizely.orders"),
        ("orders", {"event_type": "order", "action": "purchase", "order_id": "1"}, "optimizely.events"),
        ("lists", {"list_id": "n", "email": "a@example.com", "action": "subscribe"}, "optimizely.list"),
        ("segments", {"customer.email": "a@example.com", "segment": "vip"}, "optimizely.segment"),
        (
            "reachability",
            {"identifier_field_name": "email", "identifier_value": "a@example.com", "reachable": True},
            "optimizely.reachability",
        ),
    ],
)
def test_a_record_is_known_by_its_form(stream: str, record: dict[str, Any], form: str) -> None:
    outcome = odp(stream, record)
    assert outcome.dialects == {form: 1}
    assert not outcome.rejects
    assert not outcome.drift


@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_files_are_read_whatever_stands_between_their_cells(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ("email", "action", "order_id", "total", "ts"),
        ("bo@example.com", "purchase", "0015", "27.00", "1508773855"),
    ]
    content = "\n".join(delimiter.join(row) for row in rows).encode()
    order = landed(tmp_path, "orders", "zaius_orders_x.csv", content).row("orders")
    assert (order["source_order_id"], order["total"]) == ("0015", Decimal("27.0000"))


@pytest.mark.parametrize(
    ("stated", "at", "is_inferred"),
    [
        ("1508773855", datetime(2017, 10, 23, 15, 50, 55, tzinfo=UTC), False),
        ("2017-10-23T15:50:55Z", datetime(2017, 10, 23, 15, 50, 55, tzinfo=UTC), False),
        ("2017-10-23T12:30:00-07:00", datetime(2017, 10, 23, 19, 30, tzinfo=UTC), False),
        ("2017-10-23", datetime(2017, 10, 23, tzinfo=UTC), True),
        ("10/23/2017 15:50:55", datetime(2017, 10, 23, 15, 50, 55, tzinfo=UTC), True),
        ("10/23/2017 15:50", datetime(2017, 10, 23, 15, 50, tzinfo=UTC), True),
        ("09/01/14 13:34", datetime(2014, 9, 1, 13, 34, tzinfo=UTC), True),
        ("12/1/10 8:26", datetime(2010, 12, 1, 8, 26, tzinfo=UTC), True),
        ("10/23/2017", datetime(2017, 10, 23, tzinfo=UTC), True),
        ("10/23/17", datetime(2017, 10, 23, tzinfo=UTC), True),
        ("1508773855000", datetime(2017, 10, 23, 15, 50, 55, tzinfo=UTC), True),
    ],
)
def test_every_time_format_of_the_import_is_read(stated: str, at: datetime, *, is_inferred: bool) -> None:
    event = odp("events", {"type": "pageview", "email": "a@example.com", "ts": stated}).row("events")
    assert (event["occurred_at"], event["is_time_inferred"]) == (at, is_inferred)


def test_a_counter_in_place_of_a_time_costs_the_time_and_not_the_event() -> None:
    outcome = odp("events", {"type": "pageview", "identifiers": {"vuid": "v"}, "data": {"ts": 0}})
    event = outcome.row("events")
    assert event["occurred_at"] == datetime(EXPORT_DATE.year, EXPORT_DATE.month, EXPORT_DATE.day, tzinfo=UTC)
    assert event["is_time_inferred"]
    assert outcome.issues == [("ts", "unparseable", "0")]


# -- profiles --------------------------------------------------------------------------------------------------------


def values_of(found: Any) -> set[str]:
    if isinstance(found, dict):
        return {value for inner in found.values() for value in values_of(inner)}
    if isinstance(found, list):
        return {value for inner in found for value in values_of(inner)}
    return {str(found)}


def paths_of(found: Any, path: str = "") -> set[str]:
    if isinstance(found, dict):
        return {below for key, inner in found.items() for below in paths_of(inner, f"{path}.{key}" if path else key)}
    if isinstance(found, list):
        return {below for inner in found for below in paths_of(inner, f"{path}[]")}
    return {path}


def test_every_value_of_the_published_profile_is_in_staging() -> None:
    outcome = odp("profiles", PUBLISHED_PROFILE)
    rows = [row for table in outcome.normalised.frames for row in outcome.rows(table)]
    staged = " ".join(str(value) for row in rows for value in row.values())
    expected = {
        value.replace("T", " ").replace("Z", "+00:00") if value.endswith("Z") else value
        for value in values_of(PUBLISHED_PROFILE)
    }
    assert [value for value in sorted(expected) if value not in staged] == []


def test_every_field_of_the_published_profile_is_declared() -> None:
    declared = {path for name, path in shape_paths(VENDOR, "profiles") if name == "optimizely.profile"}
    open_fields = {"identifiers", "events[].data"}
    paths = {
        next((start for start in open_fields if path.startswith(f"{start}.")), path)
        for path in paths_of(PUBLISHED_PROFILE)
    }
    assert paths <= declared


@pytest.mark.parametrize(
    ("identifiers", "record_id"),
    [
        ({"customer_id": "00055", "vuid": "v", "email": "a@example.com"}, "00055"),
        ({"customer_id": 55}, "55"),
        ({"vuid": "v", "email": "a@example.com"}, "v"),
        ({"email": " Ana@Example.com "}, "email:ana@example.com"),
        ({"customer_id": "0", "email": "a@example.com"}, "email:a@example.com"),
        ({"customer_id": "null", "vuid": "v"}, "v"),
        ({"emails": ["a@example.com"]}, "email:a@example.com"),
        ({"loyalty_card_number": "77"}, "loyalty_card_number:77"),
    ],
)
def test_a_profile_is_known_by_customer_id_else_device_else_address(
    identifiers: dict[str, Any], record_id: str
) -> None:
    assert odp("profiles", {"identifiers": identifiers}).row("customers")["source_record_id"] == record_id


def test_ids_and_post_codes_keep_their_zeros_in_files(tmp_path: Path) -> None:
    outcome = landed(
        tmp_path, "customers", "zaius_customers_x.csv", b"customer_id,zip,email\n00055,02101,a@example.com\n"
    )
    assert outcome.row("customers")["source_record_id"] == "00055"
    assert outcome.row("customers")["postal_code"] == "02101"


def test_a_device_never_links_as_strongly_as_an_address() -> None:
    found = odp(
        "profiles",
        {
            "identifiers": {
                "email": "a@example.com",
                "vuid": "12345678901234567890123456789012345",
                "web_push_token": "t",
            }
        },
    ).rows("customer_identifiers")
    assert {row["id_type"]: row["merge_confidence"] for row in found} == {
        "email": "high",
        "vuid": "low",
        "push_token": "low",
    }
    assert "12345678901234567890123456789012345" in {row["id_value"] for row in found}


def test_custom_identifiers_are_unique_under_their_name_only() -> None:
    found = odp("profiles", {"identifiers": {"email": "a@example.com", "shopify_a_id": "1", "shopify_b_id": "1"}}).rows(
        "customer_identifiers"
    )
    custom = {row["id_namespace"] for row in found if row["id_type"] == "custom"}
    assert custom == {"optimizely:default:shopify_a_id", "optimizely:default:shopify_b_id"}


def test_a_column_that_is_only_named_like_an_identifier_links_weakly_or_not_at_all() -> None:
    found = odp(
        "customers", {"email": "a@example.com", "shopify_a_id": "1", "ip_address": "203.0.113.7", "phone_number": "5"}
    ).rows("customer_identifiers")
    assert {(row["id_type"], row["id_value"], row["merge_confidence"]) for row in found} == {
        ("email", "a@example.com", "high"),
        ("custom", "1", "low"),
    }


def test_what_cannot_be_an_identifier_is_logged() -> None:
    outcome = odp("profiles", {"identifiers": {"email": "a@example.com", "brian@example.com": "email"}})
    assert outcome.issues == [("identifiers", "unparseable", "brian@example.com: email")]


def test_an_unreadable_event_does_not_cost_the_profile() -> None:
    outcome = odp(
        "profiles",
        {
            "identifiers": {"customer_id": "1"},
            "events": [{"action": "open"}, {"type": "pageview", "timestamp": "soon"}, {"type": "pageview"}],
        },
    )
    assert outcome.normalised.rows_loaded == 1
    assert len(outcome.rows("events")) == 1
    assert [(field, given) for field, _, given in outcome.issues] == [("events[]", "open"), ("events[]", "soon")]


def test_a_profile_in_no_segment_says_so() -> None:
    membership = odp("profiles", {"identifiers": {"customer_id": "1"}, "segments": []}).row("segment_memberships")
    assert (membership["state"], membership["is_full_snapshot"]) == ("none", True)
    assert "segment_id" not in membership


def test_a_profile_that_says_nothing_of_segments_says_nothing_of_them() -> None:
    assert odp("profiles", {"identifiers": {"customer_id": "1"}}).rows("segment_memberships") == []


def test_insights_stay_the_vendors_figures() -> None:
    stats = {row["metric"]: row for row in odp("profiles", PUBLISHED_PROFILE).rows("vendor_stats")}
    assert stats["total_revenue"]["value_num"] == Decimal("112.5")
    assert stats["total_revenue"]["currency"] == "EUR"
    assert stats["last_order_at"]["value_ts"] == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert stats["engagement_score"]["definition_id"] == "insights.engagement_score"


# -- orders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [-30, 30, "-30.00", " 30 "])
def test_what_a_refund_takes_back_has_no_sign(amount: Any) -> None:
    outcome = odp("events", order_event("refund", total=amount))
    adjustment = outcome.row("order_adjustments")
    assert (adjustment["action"], adjustment["amount_kind"], adjustment["amount"]) == (
        "refund",
        "delta",
        Decimal("30.0000"),
    )


@pytest.mark.parametrize("action", ["refund", "return", "cancel"])
def test_what_is_taken_back_never_makes_an_order(action: str) -> None:
    reported = odp("events", order_event(action, total=-10))
    filed = odp("orders", {"email": "a@example.com", "action": action, "order_id": "F-1", "total": "-10"})
    assert reported.rows("orders") == filed.rows("orders") == []
    assert reported.row("order_adjustments")["action"] == filed.row("order_adjustments")["action"] == action


def test_a_cancellation_without_an_amount_has_none() -> None:
    assert "amount" not in odp("events", order_event("cancel")).row("order_adjustments")


def test_tax_in_a_refund_is_what_is_left_of_it_and_is_not_taken_back() -> None:
    adjustment = odp("events", order_event("refund", subtotal=-8, total=-10, tax=4)).row("order_adjustments")
    assert (adjustment["amount"], adjustment["subtotal_amount"]) == (Decimal(10), Decimal(8))


def test_one_refund_reported_by_event_and_by_file_has_one_id() -> None:
    reported = odp("events", order_event("refund", total=-10)).row("order_adjustments")
    filed = odp(
        "orders",
        {"email": "bo@example.com", "action": "refund", "order_id": " #f-1", "total": "10.00", "ts": "1772359200"},
    ).row("order_adjustments")
    assert reported["adjustment_id"] == filed["adjustment_id"]


@pytest.mark.parametrize("action", ["refund", "return", "cancel"])
def test_items_in_a_file_of_refunds_are_lines_of_a_record_that_is_no_order(action: str) -> None:
    listed = {
        "action": action,
        "order_id": "1",
        "total": "10.00",
        "items": [{"product_id": "p", "quantity": 2, "price": "5.00"}],
    }
    flat = {
        "action": action,
        "order_id": "1",
        "total": "10.00",
        "item_product_id": "p",
        "item_quantity": 2,
        "item_price": "5.00",
    }
    for record in (listed, flat):
        outcome = normalise("optimizely", "orders", [record])
        line = outcome.row("order_lines")
        assert (
            line["product_id"],
            line["quantity"],
            outcome.rows("orders"),
            len(outcome.rows("order_adjustments")),
        ) == ("p", 2, [], 1)


def test_two_refunds_of_one_order_are_two() -> None:
    later = order_event("refund", total=-10)
    later["data"]["ts"] += 60
    outcome = odp("events", order_event("refund", total=-10), later)
    assert len({row["adjustment_id"] for row in outcome.rows("order_adjustments")}) == 2


def test_returned_lines_of_one_moment_are_reported_apart_by_product() -> None:
    lines = [
        {
            "event_type": "order",
            "action": "return",
            "order_id": "7",
            "product_id": product,
            "subtotal": "-2",
            "ts": "1454034935",
        }
        for product in "AB"
    ]
    assert len({row["adjustment_id"] for row in odp("events", *lines).rows("order_adjustments")}) == 2


def test_totals_repeated_on_every_item_are_one_statement() -> None:
    outcome = normalise(
        "optimizely", "orders", (HERE / "zaius_orders_march.csv").read_bytes(), file_name="zaius_orders_march.csv"
    )
    rows = [row for row in outcome.rows("orders") if row["source_order_id"] == "0015"]
    assert {(row["total"], row["subtotal"], row["discount_total"], row["tax_total"]) for row in rows} == {
        (27, 25, 5, 1)
    }
    assert [
        (row["sku"], row["quantity"], row.get("discount"), row["total"])
        for row in outcome.rows("order_lines")
        if row["source_order_id"] == "0015"
    ] == [
        ("Z-1453", 5, 5, 20),
        ("Z-1353", 1, None, 5),
    ]


@pytest.mark.parametrize(
    ("line", "discount", "total"),
    [
        ({"price": 5, "quantity": 5, "discount": 5, "subtotal": 20}, "5", "20"),
        ({"price": 10, "quantity": 2, "discount": 1, "subtotal": 18}, "2", "18"),
        ({"price": 10, "quantity": 2, "discount": 1}, "2", "18"),
        ({"price": 10, "quantity": 2}, None, "20"),
        ({"price": 10, "quantity": 1, "discount": -2, "subtotal": 8}, "2", "8"),
    ],
)
def test_a_discount_is_that_of_the_whole_line(line: dict[str, Any], discount: str | None, total: str) -> None:
    found = odp("events", order_event("purchase", total=1, items=[{"product_id": "a", **line}])).row("order_lines")
    assert found.get("discount") == (Decimal(discount) if discount else None)
    assert found["total"] == Decimal(total)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("cancelled", "canceled"),
        ("Canceled", "canceled"),
        ("Partially Refunded", "partially_refunded"),
        ("confirmed", "unknown"),
        (None, "paid"),
    ],
)
def test_an_order_has_the_status_its_word_says(word: str | None, status: str) -> None:
    assert odp("orders", {"order_id": "1", "total": "5", "status": word}).row("orders")["status"] == status


def test_a_line_reported_alone_says_nothing_of_the_orders_subtotal() -> None:
    data = {
        "ts": 1508773855,
        "order_id": "7",
        "product_id": "a",
        "price": 10,
        "quantity": 2,
        "discount": 1,
        "subtotal": 18,
    }
    outcome = odp(
        "events", {"type": "order", "action": "purchase", "identifiers": {"email": "a@example.com"}, "data": data}
    )
    assert {"subtotal", "discount_total", "total"}.isdisjoint(outcome.row("orders"))
    assert outcome.row("order_lines")["total"] == Decimal(18)


def test_an_order_without_a_time_takes_the_export_date_and_says_so() -> None:
    order = odp("orders", {"order_id": "1", "total": "5"}).row("orders")
    assert (order["ordered_at"].date(), order["is_ordered_at_inferred"]) == (EXPORT_DATE, True)


def test_a_purchase_without_an_order_id_is_an_event_and_no_order() -> None:
    event = order_event("purchase", total=5)
    del event["data"]["order"]["order_id"]
    outcome = odp("events", event)
    assert outcome.rows("orders") == []
    assert outcome.row("events")["event_action"] == "purchase"


def test_the_buyer_an_order_names_is_not_merged_with_the_visitor() -> None:
    event = order_event("purchase", total=5, email="gift@example.com", first_name="Gus")
    found = odp("events", event)
    assert [row["id_value"] for row in found.rows("customer_identifiers")] == ["bo@example.com"]
    assert "first_name" not in found.row("contacts")
    event["identifiers"] = {}
    assert [row["id_value"] for row in odp("events", event).rows("customer_identifiers")] == ["gift@example.com"]


@pytest.mark.parametrize(("customer_id", "is_guest"), [("1002", False), ("0", True), (None, True)])
def test_an_order_that_names_no_customer_is_a_guests(customer_id: str | None, *, is_guest: bool) -> None:
    event = order_event("purchase", total=5)
    event["identifiers"]["customer_id"] = customer_id
    assert odp("events", event).row("orders")["is_guest"] is is_guest
    assert (
        odp("orders", {"order_id": "1", "customer_id": customer_id, "email": "a@example.com"}).row("orders")["is_guest"]
        is is_guest
    )


# -- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "action", "ours"),
    [
        ("order", "purchase", ("order", "purchase", "purchase", True)),
        ("order", "refund", ("order", "refund", "none", False)),
        ("product", "detail", ("product", "view", "browse", True)),
        ("product", "add_to_cart", ("product", "add_to_cart", "intent", True)),
        ("product", "remove_from_cart", ("product", "remove_from_cart", "browse", True)),
        ("pageview", None, ("pageview", "view", "browse", True)),
        ("email", "open", ("email", "open", "open", True)),
        ("push", "click", ("push", "click", "click", True)),
        ("email", "sent", ("email", "sent", "none", False)),
        ("email", "spamreport", ("email", "spamreport", "none", False)),
        ("list", "subscribe", ("list", "subscribe", "none", False)),
        ("account", "login", ("account", "login", "visit", True)),
        ("navigation", "search", ("navigation", "search", "browse", True)),
        ("loyalty", "tier_earned", ("loyalty", "tier_earned", "loyalty", False)),
        ("consent", "opt-in", ("consent", "opt-in", "none", False)),
        ("Quiz", "Finished", ("quiz", "finished", "custom", True)),
    ],
)
def test_an_event_counts_as_what_it_is(kind: str, action: str | None, ours: tuple[Any, ...]) -> None:
    event = odp(
        "events",
        {"type": kind, "action": action, "identifiers": {"email": "a@example.com"}, "data": {"ts": 1508773855}},
    ).row("events")
    assert (event["event_type"], event["event_action"], event["engagement_class"], event["is_active"]) == ours


def test_the_vendors_word_on_activity_beats_ours() -> None:
    assert (
        odp("events", {"type": "pageview", "active_event": False, "identifiers": {"vuid": "v"}}).row("events")[
            "is_active"
        ]
        is False
    )


def test_two_products_put_into_the_cart_in_one_second_are_two_events() -> None:
    shared = {"type": "product", "action": "add_to_cart", "email": "a@example.com", "ts": "1508773855"}
    known = odp("events", shared | {"product_id": "a"}, shared | {"product_id": "b"}).rows("events")
    unknown = odp("events", shared | {"color": "red"}, shared | {"color": "blue"}).rows("events")
    assert len({row["event_id"] for row in known}) == len({row["event_id"] for row in unknown}) == 2
    assert json.loads(unknown[0]["properties"]) == {"color": "red"}


def test_an_event_that_names_nobody_belongs_to_nobody() -> None:
    event = odp("events", {"type": "pageview", "data": {"ts": 1508773855}}).row("events")
    assert "owner_record_id" not in event


def test_every_field_of_an_event_is_declared_in_each_of_its_forms() -> None:
    declared = {path for _, path in shape_paths(VENDOR, "events")}
    assert {path for name in EVENT_FIELDS for path in (name, f"data.{name}")} <= declared


def test_points_taken_away_are_negative_whatever_their_sign() -> None:
    events = [
        {
            "type": "loyalty",
            "action": "points_removed",
            "identifiers": {"customer_id": "1"},
            "data": {"ts": 1508773855 + step, "loyalty_change_in_points": points},
        }
        for step, points in enumerate((20, -20))
    ]
    assert [row["points_delta"] for row in odp("events", *events).rows("loyalty_transactions")] == [
        Decimal(-20),
        Decimal(-20),
    ]


def test_the_same_points_in_two_deliveries_of_a_profile_have_one_id() -> None:
    event = {
        "type": "loyalty",
        "action": "points_added",
        "timestamp": "2026-02-01T10:00:00Z",
        "data": {"loyalty_change_in_points": 5},
    }
    deliveries = [
        {"identifiers": {"customer_id": "1"}, "events": [event], "attributes": {"city": city}}
        for city in ("Bonn", "Ulm")
    ]
    assert (
        len({odp("profiles", delivery).row("loyalty_transactions")["transaction_id"] for delivery in deliveries}) == 1
    )


@pytest.mark.parametrize("written", ["1984-04-02", "04/02/1984", "4/2/1984", "1984-04-02T00:00:00Z"])
def test_a_date_of_birth_may_be_written_month_first(written: str) -> None:
    assert odp("profiles", {"identifiers": {"customer_id": "1"}, "attributes": {"date_of_birth": written}}).row(
        "customers"
    )["birth_date"] == date(1984, 4, 2)


@pytest.mark.parametrize(
    ("event", "reported"),
    [
        ({"type": "consent", "action": "opt-out", "data": {}}, ("all", "opt_out")),
        ({"type": "consent", "data": {"consent": False}}, ("all", "opt_out")),
        ({"type": "list", "action": "unsubscribe", "data": {}}, ("all", "opt_out")),
        ({"type": "consent", "action": "opt_in", "data": {}}, ("email", "opt_in")),
    ],
)
def test_a_consent_reported_by_an_event_is_heard(event: dict[str, Any], reported: tuple[str, str]) -> None:
    identifiers = {"email": "a@example.com"}
    of_event = odp("events", {**event, "ts": 1508773855, "identifiers": identifiers}).row("customer_consents")
    of_profile = odp("profiles", {"identifiers": identifiers, "events": [{**event, "timestamp": 1508773855}]}).row(
        "customer_consents"
    )
    for row in (of_event, of_profile):
        assert (row["channel"], row["status"], row["purpose"], row["effective_at"].year) == (
            *reported,
            "marketing",
            2017,
        )


@pytest.mark.parametrize(("action", "heard"), [("opt_out", ["opt_out"]), ("opt_in", [])])
def test_a_no_among_a_profile_s_events_is_heard_although_its_time_cannot_be_read(action: str, heard: list[str]) -> None:
    event = {"type": "consent", "action": action, "timestamp": "yesterday", "data": {}}
    outcome = odp("profiles", {"identifiers": {"email": "a@example.com"}, "events": [event]})
    consents = outcome.rows("customer_consents")
    assert [row["status"] for row in consents] == heard
    assert all(row["is_effective_at_inferred"] for row in consents)
    assert ("events[]", "unparseable", "yesterday") in outcome.issues


def test_a_word_on_consent_that_is_not_known_is_logged() -> None:
    outcome = odp(
        "events",
        {"type": "consent", "action": "perhaps", "identifiers": {"email": "a@example.com"}, "data": {"ts": 1508773855}},
    )
    assert outcome.rows("customer_consents") == []
    assert outcome.issues == [("action", "unknown_word", "consent/perhaps")]


# -- lists, segments, consent, reachability --------------------------------------------------------------------------


def test_a_list_file_is_read_as_the_vendor_ships_it(tmp_path: Path) -> None:
    outcome = landed(
        tmp_path,
        "lists",
        "zaius_list_yourlistidhere.csv",
        b"email, action\na@b.com, subscribe\nc@d.com, subscribe\ne@f.com",
    )
    assert [(row["segment_id"], row["state"]) for row in outcome.rows("segment_memberships")] == [
        ("yourlistidhere", "subscribed")
    ] * 2
    assert outcome.rejects == [(3, "ragged_row", "action")]


def test_a_list_id_in_the_row_beats_the_one_in_the_name(tmp_path: Path) -> None:
    outcome = landed(
        tmp_path,
        "lists",
        "zaius_list_example.csv.gz",
        gzip.compress(b"list_id,email,action\nfoo,a@b.com,subscribe\nbar,c@d.com,unsubscribe\n"),
    )
    assert [row["segment_id"] for row in outcome.rows("segment_memberships")] == ["foo", "bar"]


def test_a_row_that_does_not_say_what_happened_is_no_subscription() -> None:
    outcome = normalise("optimizely", "lists", b"email,action,list_id\na@b.com,,news\n", file_name="x.csv")
    assert outcome.rejects == [(1, "missing_action", "action")]


def test_a_list_file_without_a_word_of_what_happened_names_who_is_subscribed() -> None:
    outcome = normalise("optimizely", "lists", b"email,customer_id\na@b.com,1\n,2\n", file_name="zaius_list_news.csv")
    assert [(row["segment_id"], row["state"]) for row in outcome.rows("segment_memberships")] == [
        ("news", "subscribed")
    ] * 2
    assert outcome.row("customer_consents")["status"] == "opt_in"


@pytest.mark.parametrize("header", ["status", "Opt-In", "subscription_state"])
def test_a_list_file_that_may_say_what_happened_in_other_words_subscribes_nobody(header: str) -> None:
    outcome = normalise(
        "optimizely", "lists", f"email,{header}\na@b.com,unsubscribed\n".encode(), file_name="zaius_list_news.csv"
    )
    assert outcome.rejects == [(1, "missing_action", "action")]


@pytest.mark.parametrize(
    ("word", "state"),
    [("1", "subscribed"), ("no", "unsubscribed"), ("Subscribe", "subscribed"), ("FALSE", "unsubscribed")],
)
def test_a_subscription_may_be_a_yes_or_no(word: str, state: str) -> None:
    outcome = normalise(
        "optimizely", "lists", f"email,subscribed\na@b.com,{word}\n".encode(), file_name="zaius_list_news.csv"
    )
    assert outcome.row("segment_memberships")["state"] == state


def test_a_subscription_is_consent_for_that_list_alone() -> None:
    consent = odp(
        "lists", {"list_id": "news", "email": "a@b.com", "subscribed": True, "ts_status_updated": 1508773855}
    ).row("customer_consents")
    assert (consent["purpose"], consent["channel"], consent["status"], consent["effective_at"].year) == (
        "list:news",
        "email",
        "opt_in",
        2017,
    )


def test_a_segment_is_named_by_its_file(tmp_path: Path) -> None:
    content = gzip.compress(
        b"customer.zaius_id,customer.email,valid_time,qualifications\n3355837520960160000,a@example.com,1508773855,\n"
    )
    outcome = landed(tmp_path, "segments", "high_value_2026_0_0_0.csv.gz", content)
    membership = outcome.row("segment_memberships")
    assert (membership["segment_id"], membership["kind"], membership["is_full_snapshot"]) == (
        "high_value_2026",
        "realtime_segment",
        False,
    )
    assert ("profile_id", "3355837520960160000") in {
        (row["id_type"], row["id_value"]) for row in outcome.rows("customer_identifiers")
    }


def test_a_segment_file_without_a_name_is_rejected() -> None:
    assert odp("segments", {"customer.email": "a@example.com"}).rejects == [(1, "missing_segment_id", "segment_id")]


@pytest.mark.parametrize(
    ("consent", "status"), [(True, "opt_in"), (False, "opt_out"), (None, "unknown"), ("false", "opt_out")]
)
def test_no_word_on_consent_is_no_refusal(consent: Any, status: str) -> None:
    record = {"identifier_field_name": "email", "identifier_value": "a@example.com", "consent": consent}
    assert odp("consents", record).row("customer_consents")["status"] == status


@pytest.mark.parametrize(("says", "channel"), [(True, "phone"), (False, "all"), (None, "phone")])
def test_a_no_of_a_number_is_one_to_calls_and_to_messages(says: bool | None, channel: str) -> None:
    record = {"identifier_field_name": "phone", "identifier_value": "+4915123456704", "consent": says}
    assert odp("consents", record).row("customer_consents")["channel"] == channel


def test_a_refusal_with_name_and_value_swapped_is_rejected_and_not_lost() -> None:
    outcome = odp(
        "consents", {"identifier_field_name": "brian@example.com", "identifier_value": "email", "consent": False}
    )
    assert outcome.rejects == [(1, "unknown_identifier_name", "identifier_field_name")]


def test_a_bounce_is_no_refusal() -> None:
    word = b'{"identifier_field_name":"email","identifier_value":"a@example.com","reachable":false,"reachable_update_type":"hard_bounce",'
    raw = word + b'"reachable_update_ts":1572721108,"zaius_id":3355837520960160000}'
    outcome = odp("reachability", raw)
    found = {row["id_type"]: row for row in outcome.rows("customer_identifiers")}
    assert outcome.rows("customer_consents") == []
    assert (found["email"]["is_deliverable"], found["email"]["deliverability_reason"]) == (False, "hard_bounce")
    assert found["profile_id"]["id_value"] == "3355837520960160000"
    assert ("zaius_id", "precision_suspect", "3355837520960160000") in outcome.issues


def test_the_latest_word_on_reachability_counts() -> None:
    word = {"identifier_field_name": "email", "identifier_value": "a@example.com"}
    later = word | {"reachable": True, "reachable_update_ts": 1508773999}
    earlier = word | {"reachable": False, "reachable_update_type": "soft_bounce", "reachable_update_ts": 1508773855}
    for records in ((later, earlier), (earlier, later)):
        assert odp("reachability", *records).row("customer_identifiers")["is_deliverable"] is True


# -- what lands twice ------------------------------------------------------------------------------------------------


def test_a_record_repeated_in_its_file_is_a_duplicate() -> None:
    event = order_event("refund", total=-10)
    outcome = odp("events", event, event)
    assert (outcome.normalised.rows_loaded, outcome.normalised.rows_duplicate) == (1, 1)


def test_an_event_has_the_same_id_on_every_export_date() -> None:
    event = {"type": "pageview", "identifiers": {"vuid": "v"}, "data": {"page": "/"}}
    event_ids = [odp("events", event, export_date=date(2026, 3, day)).row("events")["event_id"] for day in (1, 2)]
    assert len(set(event_ids)) == 1


# -- nested otherwise --------------------------------------------------------------------------------------------------

ORDER = {
    "order_id": "S-1",
    "total": 45.5,
    "subtotal": 40,
    "shipping": 5.5,
    "items": [{"product_id": "P", "quantity": 2, "price": 20}],
}
NESTINGS = {
    "all in data": {"type": "order", "data": {"action": "purchase", "email": "d@example.com", "customer_id": "7", "ts": 1772280000, "order": ORDER}},
    "identifiers in data": {"type": "order", "data": {"action": "purchase", "identifiers": {"email": "d@example.com", "customer_id": "7"}, "ts": 1772280000, "order": ORDER}},
    "type in data": {"data": {"type": "order", "action": "purchase", "email": "d@example.com", "customer_id": "7", "ts": 1772280000, "order": ORDER}},
    "order beside": {"ts": 1772280000, "ip": "192.0.2.1", "email": "d@example.com", "customer_id": "7", "action": "purchase", "order": ORDER},
    "order alone": {"ts": 1772280000, "email": "d@example.com", "customer_id": "7", "order": ORDER},
    "order beside identifiers": {"type": "order", "action": "purchase", "timestamp": "2026-02-28T12:00:00Z", "identifiers": {"email": "d@example.com", "customer_id": "7"}, "order": ORDER},
    "order beside data": {"type": "order", "action": "purchase", "identifiers": {"email": "d@example.com", "customer_id": "7"}, "data": {"ts": 1772280000}, "order": ORDER},
    "customer in data beside a device": {"type": "order", "action": "purchase", "identifiers": {"vuid": "0a1b"}, "data": {"ts": 1772280000, "email": "d@example.com", "customer_id": "7", "order": ORDER}},
    "plural type": {"type": "Orders", "action": "Purchased", "identifiers": {"email": "d@example.com", "customer_id": "7"}, "data": {"ts": 1772280000, "order": ORDER}},
    "fields beside identifiers": {"type": "order", "action": "purchase", "identifiers": {"email": "d@example.com", "customer_id": "7"}, "ts": 1772280000, "product_id": "P", "quantity": 2, "price": 20, "order_id": "S-1", "total": 45.5, "shipping": 5.5},
}  # fmt: skip


@pytest.mark.parametrize("stream", ["events", "orders"])
@pytest.mark.parametrize("nesting", NESTINGS)
def test_an_order_is_read_however_it_is_nested(nesting: str, stream: str) -> None:
    outcome = odp(stream, NESTINGS[nesting])
    assert not outcome.rejects
    order, line, event = outcome.row("orders"), outcome.row("order_lines"), outcome.row("events")
    assert (order["source_order_id"], order["total"], order["shipping_total"], order["status"]) == (
        "S-1",
        Decimal("45.5"),
        Decimal("5.5"),
        "paid",
    )
    assert (order["ordered_at"], order["is_guest"], order["customer_id_value"]) == (
        datetime(2026, 2, 28, 12, tzinfo=UTC),
        False,
        "7",
    )
    assert (line["product_id"], line["quantity"], line["unit_price"]) == ("P", 2, 20)
    assert (event["event_type"], event["event_action"], event["is_active"]) == ("order", "purchase", True)
    assert json.loads(event["properties"])
    assert {row["id_value"] for row in outcome.rows("customer_identifiers")} >= {"d@example.com", "7"}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_a_refund_is_read_however_it_is_nested(nesting: str) -> None:
    refund = json.loads(
        json.dumps(NESTINGS[nesting])
        .replace('"purchase"', '"refund"')
        .replace('"Purchased"', '"refunded"')
        .replace("45.5", "-14.95")
    )
    if nesting == "order alone":
        refund["action"] = "refund"
    outcome = odp("events", refund)
    assert outcome.rows("orders") == []
    change = outcome.row("order_adjustments")
    assert (change["source_order_id"], change["action"], change["amount"]) == ("S-1", "refund", Decimal("14.95"))


@pytest.mark.parametrize(
    "identifiers", [{"vuid": None}, {"email": " ", "customer_id": None}, {"emails": [], "vuid": ""}, {"vuid": "0a1b"}]
)
def test_identifiers_that_name_nobody_leave_the_buyer_whom_the_order_names(identifiers: dict[str, Any]) -> None:
    event = {
        "type": "order",
        "action": "purchase",
        "identifiers": identifiers,
        "data": {"order": {**ORDER, "email": "dee@example.com", "first_name": "Dee"}},
    }
    outcome = odp("events", event)
    assert "dee@example.com" in [row["id_value"] for row in outcome.rows("customer_identifiers")]
    assert outcome.row("contacts")["first_name"] == "Dee"
    assert outcome.row("orders")["email_value"] == "dee@example.com"


@pytest.mark.parametrize(
    ("word", "status"), [("canceled", "canceled"), ("purchased", "paid"), (None, "paid"), ("on hold", "unknown")]
)
def test_a_purchase_has_the_status_that_its_order_has(word: str | None, status: str) -> None:
    flat = {
        "event_type": "order",
        "action": "purchase",
        "ts": 1772359200,
        "customer.customer_id": "1",
        "order.order_id": "1",
        "order.status": word,
    }
    nested = order_event("purchase", total=5, status=word)
    for outcome in (odp("events", flat), odp("events", nested)):
        assert outcome.row("orders")["status"] == status
        assert [issue for issue in outcome.issues if issue[1] == "unknown_word"] == (
            [("status", "unknown_word", word)] if status == "unknown" else []
        )


@pytest.mark.parametrize(
    ("event", "issue"),
    [
        ({"type": "order", "action": "exchange"}, ("action", "unknown_word", "order/exchange")),
        ({"type": "order", "action": None}, ("action", "unknown_word", "order")),
        ({"type": "ordre", "action": "purchase"}, ("type", "unknown_word", "ordre/purchase")),
        ({"type": "list", "action": "paused"}, ("action", "unknown_word", "list/paused")),
        ({"type": "loyalty", "action": "doubled"}, ("action", "unknown_word", "loyalty/doubled")),
    ],
)
def test_a_type_or_action_that_is_none_of_odps_is_logged_where_something_hangs_on_it(
    event: dict[str, Any], issue: tuple[str, str, str]
) -> None:
    outcome = odp(
        "events",
        {**event, "identifiers": {"email": "a@example.com"}, "data": {"order_id": "1", "list_id": "news", "total": 5}},
    )
    assert outcome.issues == [issue]
    assert outcome.rows("orders") == outcome.rows("segment_memberships") == outcome.rows("loyalty_transactions") == []


@pytest.mark.parametrize("place", ["head", "data"])
def test_a_time_and_a_flag_of_an_event_that_came_as_text_are_repaired_and_logged(place: str) -> None:
    stated = {"ts": "1772359200", "active_event": "false"}
    event = {"type": "product", "action": "detail", "identifiers": {"email": "dee@example.com"}, "data": {}}
    outcome = odp("events", event | (stated if place == "head" else {"data": stated}))
    row, path = outcome.row("events"), "" if place == "head" else "data."
    assert (f"{row['occurred_at']:%Y-%m-%d %H:%M}", row["is_active"]) == ("2026-03-01 10:00", False)
    assert sorted(outcome.issues) == [
        (f"{path}active_event", "flag_as_text", "false"),
        (f"{path}ts", "number_as_text", "1772359200"),
    ]


def test_an_accounts_own_event_is_no_unknown_word() -> None:
    assert not odp(
        "events", {"type": "quiz", "action": "finished", "identifiers": {"email": "a@example.com"}, "data": {}}
    ).issues


def test_a_profile_known_by_its_phone_alone_is_known_by_the_accounts_region() -> None:
    outcome = odp("customers", {"phone": "0171 2748305", "first_name": "Ada"}, phone_region="DE")
    assert outcome.row("customers")["source_record_id"] == "phone:+491712748305"


def test_what_a_file_says_of_points_and_referrals_is_kept() -> None:
    row = odp(
        "customers", {"customer_id": "1", "loyalty_referral_code_id": "REFX77", "loyalty_is_enrolled_member": "true"}
    ).row("customers")
    assert json.loads(row["extra"]) == {"loyalty_referral_code_id": "REFX77", "loyalty_is_enrolled_member": "true"}


@pytest.mark.parametrize("ts", ["2026-02-20T10:00:00Z", "2026-02-20T07:00:00-03:00", "1771581600"])
def test_an_event_whose_time_is_written_otherwise_is_the_same_event(ts: Any) -> None:
    def event_of(ts: Any, **data: Any) -> dict[str, Any]:
        return {
            "type": "product",
            "action": "detail",
            "identifiers": {"email": "a@example.com"},
            "data": data | {"ts": ts},
        }

    events = [event_of(1771581600, product_id="x"), event_of(ts, product_id="x"), event_of(ts, product_id="y")]
    first, again, other = (row["event_id"] for row in normalise("optimizely", "events", events).rows("events"))
    assert first == again != other


def test_events_whose_time_cannot_be_read_stay_as_many_as_they_were_written() -> None:
    events = [
        {"type": "account", "action": "login", "identifiers": {"email": "a@example.com"}, "data": {"ts": ts}}
        for ts in (1, 2)
    ]
    rows = normalise("optimizely", "events", events).rows("events")
    assert len({row["event_id"] for row in rows}) == len(events)


def test_an_event_that_a_profile_repeats_is_the_same_event_wherever_its_time_stands() -> None:
    who = {"customer_id": "c1"}
    event = {"type": "product", "action": "detail", "data": {"ts": 1771581600, "product_id": "x"}}
    apart = {"type": "product", "action": "detail", "timestamp": "2026-02-20T10:00:00Z", "data": {"product_id": "x"}}
    identified = odp("events", event | {"identifiers": who}).rows("events")
    repeated = odp("profiles", {"identifiers": who, "events": [event, apart]}).rows("events")
    assert {row["content_key"] for row in identified + repeated} == {identified[0]["content_key"]}


@pytest.mark.parametrize("product", ["product_id", "product.product_id"])
def test_a_line_is_one_however_an_export_of_events_names_its_product(tmp_path: Path, product: str) -> None:
    head = f"event_type,action,ts,customer.email,order.order_id,order.total,order.subtotal,{product},price,quantity,subtotal"
    cells = "order,purchase,1771581600,bo@example.com,F-1,75,70,p1,35,1,35"
    outcome = landed(tmp_path, "events", "events.csv", f"{head}\n{cells}\n".encode())
    line, order = outcome.row("order_lines"), outcome.row("orders")
    assert (line["product_id"], line["unit_price"], line["subtotal"]) == ("p1", Decimal(35), Decimal(35))
    assert (order["total"], order["subtotal"]) == (Decimal(75), Decimal(70))
    assert outcome.row("events")["product_id"] == "p1"


@pytest.mark.parametrize("stream", ["customers", "profiles", "lists", "consents"])
def test_a_row_of_a_list_is_one_in_every_stream(stream: str) -> None:
    row = {"list_id": "news", "email": "a@mailbox.test", "subscribed": "false"}
    consent = normalise("optimizely", stream, [row]).row("customer_consents")
    assert (consent["purpose"], consent["status"]) == ("list:news", "opt_out")


@pytest.mark.parametrize("stream", ["customers", "profiles", "orders", "lists"])
def test_a_row_of_an_order_is_one_in_every_stream(stream: str) -> None:
    row = {"order_id": "O1", "email": "a@mailbox.test", "total": 20, "ts": 1769900000, "item_product_id": "p1"}
    outcome = normalise("optimizely", stream, [row])
    assert outcome.rows("customers") == []
    assert (outcome.row("orders")["source_order_id"], outcome.row("order_lines")["product_id"]) == ("O1", "p1")


@pytest.mark.parametrize(
    ("kind", "action"),
    [("email", "unsubscribe"), ("sms", "opt_out"), ("push", "opted-out"), ("email", "spam_complaint")],
)
def test_a_no_in_answer_to_a_message_is_one_to_its_channel(kind: str, action: str) -> None:
    event = {"type": kind, "action": action, "identifiers": {"email": "a@mailbox.test"}, "data": {"ts": 1769900000}}
    consent = normalise("optimizely", "events", [event]).row("customer_consents")
    assert (consent["channel"], consent["status"]) == (kind, "opt_out")
