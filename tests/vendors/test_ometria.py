"""Ometria's rules, one sentence each; whole records stand in the golden cases beside."""

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from orchestration.shapes import Leaf
from orchestration.vendors.ometria import ORDER_STATUS, PROFILE, VENDOR
from tests.vendors.harness import Outcome, lost_leaves, normalise


def profile(**fields: Any) -> dict[str, Any]:
    return {"@type": "profile", "id": "2695-c473e2-4aaf58", **fields}


def order(**fields: Any) -> dict[str, Any]:
    return {"@type": "order", "id": "F-2005", "timestamp": "2026-02-06T10:00:00+00:00", "currency": "EUR", "grand_total": 37.5, **fields}


def of_profile(**fields: Any) -> Outcome:
    return normalise("ometria", "profiles", [profile(**fields)])


def of_order(**fields: Any) -> Outcome:
    return normalise("ometria", "orders", [order(**fields)])


def test_no_field_of_the_profile_document_is_lost() -> None:
    record = profile(
        customer_id="55555",
        country="DE",
        date_of_birth="1984-04-22",
        dates={
            "acquired": "2014-11-01T15:34:35+00:00",
            "first_seen": "2014-12-01T05:44:55+00:00",
            "last_seen": "2015-02-01T05:44:56+00:00",
            "first_purchase": "2015-02-01T05:44:57+00:00",
            "last_purchase": "2015-02-01T05:44:58+00:00",
            "marketing_optin": "2014-11-09T15:34:35+00:00",
            "marketing_optout": "2014-11-10T15:34:35+00:00",
        },
        email="bob22@example.com",
        firstname="Robert",
        gender="m",
        identities=[{"id": "bob33@example.com", "type": "email"}],
        lastname="smith111",
        marketing_optin="NOT_SPECIFIED",
        middlename="Quentin",
        name="Robert Q. Smith",
        prefix="Sir",
        properties={"custom_key": "custom value"},
        seen=False,
        stats={"aov": 49.72, "orders": 2, "orders_attempted": 3, "revenue": 99.44, "total_items": 5, "visits": 20},
        suffix="Jr",
        tags=["Attended VIP event 2017"],
        lists=[{"id": 123, "title": "Title of the list", "type": "STATIC"}],
    )
    assert lost_leaves(normalise("ometria", "profiles", [record]), record) == set()


def test_only_the_type_word_is_dropped_and_says_why() -> None:
    dropped = {name: leaf.reason for name, leaf in PROFILE.items() if isinstance(leaf, Leaf) and leaf.kind == "drop"}
    assert dropped.keys() == {"@type"}
    assert dropped["@type"]


def test_an_address_told_twice_is_one_identifier() -> None:
    outcome = of_profile(email="bob22@example.com", identities=[{"id": "BOB22@example.com", "type": "email"}])
    assert [row["id_value"] for row in outcome.rows("customer_identifiers") if row["id_type"] == "email"] == ["bob22@example.com"]


def test_the_customer_id_is_the_shops_and_the_profile_id_ometrias() -> None:
    outcome = normalise("ometria", "profiles", [profile(customer_id="1001")], customer_id_namespace="ferngarten")
    found = {row["id_type"]: row["id_namespace"] for row in outcome.rows("customer_identifiers")}
    assert found == {"profile_id": "ometria:default", "customer_id": "ferngarten"}


def test_a_missing_country_stays_missing() -> None:
    assert not {"country_raw", "country_code"} & of_profile(country=None).row("customers").keys()


@pytest.mark.parametrize(
    ("word", "dates", "expected"),
    [
        (None, {}, [("unknown", True)]),
        ("NOT_SPECIFIED", {}, [("unknown", True)]),
        ("EXPLICITLY_OPTEDIN", {}, [("opt_in", True)]),
        ("explicitly_optedout", {}, [("opt_out", True)]),
        (True, {}, [("opt_in", True)]),
        (None, {"marketing_optin": "2014-11-09T15:34:35+00:00"}, [("opt_in", False)]),
        ("EXPLICITLY_OPTEDIN", {"marketing_optin": "2014-11-09T15:34:35+00:00"}, [("opt_in", False)]),
        ("EXPLICITLY_OPTEDOUT", {"marketing_optin": "2014-11-09T15:34:35+00:00"}, [("opt_in", False), ("opt_out", True)]),
        (None, {"marketing_optin": "2014-11-09T15:34:35+00:00", "marketing_optout": "2016-01-02T03:04:05+00:00"}, [("opt_in", False), ("opt_out", False)]),
    ],
)
def test_consent_follows_the_dates_and_the_word_only_where_they_are_silent(word: Any, dates: dict[str, str], expected: list[tuple[str, bool]]) -> None:
    told = of_profile(marketing_optin=word, dates=dates).rows("customer_consents")
    assert [(row["status"], row["is_effective_at_inferred"]) for row in told] == expected
    assert {row["channel"] for row in told} == {"email"}


def test_an_unreadable_consent_date_is_booked_and_the_time_flagged() -> None:
    outcome = of_profile(dates={"marketing_optin": "last week"})
    assert ("effective_at", "unparseable", "last week") in outcome.issues
    assert outcome.row("customer_consents")["is_effective_at_inferred"]


def test_a_list_number_becomes_text() -> None:
    outcome = of_profile(lists=[{"id": 123, "title": "Gardeners", "type": "STATIC"}])
    assert ("123", "static_list") in [(row.get("segment_id"), row["kind"]) for row in outcome.rows("segment_memberships")]


def test_an_empty_list_of_lists_ends_stays_and_an_absent_one_does_not() -> None:
    assert {row["kind"] for row in of_profile(lists=[]).rows("segment_memberships")} == {"static_list", "dynamic_segment"}
    assert of_profile().rows("segment_memberships") == []


@pytest.mark.parametrize(("word", "status"), ORDER_STATUS.items())
def test_every_status_word_has_its_status(word: str, status: str) -> None:
    assert of_order(status=word.upper()).row("orders")["status"] == status


def test_blanks_and_hyphens_stand_for_the_underscores_of_a_status() -> None:
    assert of_order(status="Partially Refunded").row("orders")["status"] == "partially_refunded"
    assert of_order(status=" pending-payment ").row("orders")["status"] == "pending_payment"


def test_a_word_of_the_merchant_falls_back_to_the_state() -> None:
    assert of_order(status="shipped_by_dhl", state="complete").row("orders")["status"] == "completed"
    assert of_order(status="shipped_by_dhl").row("orders")["status"] == "unknown"


def test_the_vendors_own_validity_stands_beside_the_status() -> None:
    told = of_order(status="canceled", is_valid=True).row("orders")
    assert (told["status"], told["is_valid_source"]) == ("canceled", True)


def test_validity_as_text_is_repaired_and_booked() -> None:
    outcome = of_order(is_valid="false", status="refunded")
    assert outcome.row("orders")["is_valid_source"] is False
    assert outcome.issues == [("is_valid", "flag_as_text", "false")]


@pytest.mark.parametrize("total", [59.9, "59.9", "59.9000"])
def test_amounts_are_numbers_or_decimal_texts(total: Any) -> None:
    outcome = of_order(grand_total=total)
    assert outcome.row("orders")["total"] == Decimal("59.9000")
    assert outcome.issues == []


def test_a_naive_time_is_utc_and_says_so() -> None:
    told = of_order(timestamp="2026-02-06 10:00:00").row("orders")
    assert (told["ordered_at"].isoformat(), told["is_ordered_at_inferred"]) == ("2026-02-06T10:00:00+00:00", True)


def test_a_discount_has_no_sign() -> None:
    outcome = of_order(discount="-5.0000", lineitems=[{"product_id": "1", "discount": -2.5}])
    assert outcome.row("orders")["discount_total"] == 5
    assert outcome.row("order_lines")["discount"] == Decimal("2.5")


def test_a_negative_order_is_a_refund_of_the_order_it_names() -> None:
    outcome = of_order(id="F-2005-R", grand_total="-37.50", original_order_id="F-2005", lineitems=[{"product_id": "1", "quantity": -1}])
    assert outcome.rows("orders") == outcome.rows("order_lines") == outcome.rows("events") == []
    refund = outcome.row("order_adjustments")
    assert (refund["order_match_key"], refund["action"], refund["amount_kind"], refund["amount"]) == ("F-2005", "refund", "delta", Decimal("37.5"))


def test_a_negative_order_that_names_none_keeps_its_own_number() -> None:
    assert of_order(id="R-1", grand_total=-1).row("order_adjustments")["order_match_key"] == "R-1"


def test_refunded_lines_stand_in_for_a_missing_total() -> None:
    lines = [{"product_id": "1", "refunded": 20}, {"product_id": "2", "refunded": "4.50"}, {"product_id": "3"}]
    assert of_order(lineitems=lines).row("orders")["refunded_total"] == Decimal("24.5")
    assert of_order(lineitems=lines, total_refunded="30.0000").row("orders")["refunded_total"] == 30


def test_an_order_of_a_name_alone_belongs_to_nobody() -> None:
    outcome = of_order(customer={"firstname": "Greta", "lastname": "Lind"})
    assert outcome.rows("contacts") == []
    assert "owner_record_id" not in outcome.row("orders")


@pytest.mark.parametrize(
    ("customer", "is_guest"), [({"id": "1005"}, False), ({"id": 0, "email": "a@example.com"}, True), ({"email": "a@example.com"}, True), (None, True)]
)
def test_a_guest_names_no_customer_id(customer: Any, *, is_guest: bool) -> None:
    assert of_order(customer=customer).row("orders")["is_guest"] is is_guest


def test_an_order_told_in_the_accounts_currency_alone_takes_that() -> None:
    told = of_order(grand_total=None, currency=None, base_grand_total="7.00", base_currency="GBP").row("orders")
    assert (told["total"], told["currency"]) == (7, "GBP")


def test_one_id_in_two_collections_is_two_contacts() -> None:
    contacts = [{"@type": "contact", "@collection": collection, "id": "c1", "email": f"{collection}@example.com"} for collection in ("crm", "newsletter")]
    outcome = normalise("ometria", "contacts", contacts)
    assert [row["source_record_id"] for row in outcome.rows("customers")] == ["crm:c1", "newsletter:c1"]


def test_a_contact_csv_may_be_latin_1() -> None:
    outcome = normalise("ometria", "contacts", "email,firstname\njos\xe9@example.com,Jos\xe9\n".encode("latin-1"), file_name="contacts.csv")
    assert outcome.row("customers")["first_name"] == "José"
    address = outcome.row("customer_identifiers")
    assert (address["id_value"], address["is_valid"], address["invalid_reason"]) == ("josé@example.com", True, "non_ascii_local_part")


def test_own_columns_of_a_contact_csv_are_attributes_and_no_drift() -> None:
    outcome = normalise("ometria", "contacts", b"email,properties.size\na@example.com,M\n", file_name="contacts.csv")
    assert outcome.row("customers")["attributes"] == '{"size":"M"}'
    assert outcome.drift == {}


def test_leading_zeros_of_a_contact_id_survive_a_csv() -> None:
    outcome = normalise("ometria", "contacts", b"id,email\n00055,a@example.com\n", file_name="contacts.csv")
    assert outcome.row("customers")["source_record_id"] == "00055"


def test_a_change_of_a_list_needs_to_say_what_happened() -> None:
    assert normalise("ometria", "lists", [{"list_id": "1", "email": "a@example.com", "event": "looked at"}]).rejects == [(1, "missing_action", "event")]


def test_an_unsubscription_is_an_opt_out_with_its_reason() -> None:
    outcome = normalise(
        "ometria", "unsubscribes", [{"email_address": "a@example.com", "reason": "too_many", "reason_text": "Too many", "time_stamp": "2026-02-01T00:00:00+00"}]
    )
    told = outcome.row("customer_consents")
    assert (told["status"], told["channel"], told["reason"]) == ("opt_out", "email", "too_many: Too many")


def test_a_custom_event_without_a_type_is_rejected() -> None:
    assert normalise("ometria", "custom_events", [{"@type": "custom_event", "id": "e1"}]).rejects == [(1, "missing_event_type", "event_type")]


@pytest.mark.parametrize("stream", VENDOR.streams)
def test_no_record_fits_two_dialects(stream: str) -> None:
    for one, other in combinations(VENDOR.streams[stream].dialects, 2):
        assert one.has & other.lacks or other.has & one.lacks


def test_the_address_shown_is_the_profile_s_own_and_none_of_its_identities() -> None:
    identities = [{"id": "alt@shop.example", "type": "email"}, {"id": "own@shop.example", "type": "email"}]
    outcome = of_profile(email="own@shop.example", identities=identities)
    addresses = [row for row in outcome.rows("customer_identifiers") if row["id_type"] == "email"]
    assert {row["id_value"]: row.get("is_primary", False) for row in addresses} == {"own@shop.example": True, "alt@shop.example": False}
