"""Ometria's rules, one sentence each; whole records stand in the golden cases beside."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from orchestration.mapping.record_schema import Leaf
from orchestration.vendors.ometria import VENDOR
from orchestration.vendors.ometria.profiles import PROFILE
from orchestration.vendors.ometria.words import ORDER_STATUS
from tests.support.goldens import Outcome, lost_leaves, normalise


def profile(**fields: Any) -> dict[str, Any]:
    return {"@type": "profile", "id": "2695-c473e2-4aaf58", **fields}


def order(**fields: Any) -> dict[str, Any]:
    return {
        "@type": "order",
        "id": "F-2005",
        "timestamp": "2026-02-06T10:00:00+00:00",
        "currency": "EUR",
        "grand_total": 37.5,
        **fields,
    }


def of_profile(**fields: Any) -> Outcome:
    return normalise("ometria", "profiles", [profile(**fields)])


def of_order(**fields: Any) -> Outcome:
    return normalise("ometria", "orders", [order(**fields)])


def ometria(stream: str, *records: dict[str, Any]) -> Outcome:
    return normalise("ometria", stream, list(records))


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


def test_an_address_reported_twice_is_one_identifier() -> None:
    outcome = of_profile(email="bob22@example.com", identities=[{"id": "BOB22@example.com", "type": "email"}])
    assert [row["id_value"] for row in outcome.rows("customer_identifiers") if row["id_type"] == "email"] == [
        "bob22@example.com"
    ]


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
        (
            "EXPLICITLY_OPTEDOUT",
            {"marketing_optin": "2014-11-09T15:34:35+00:00"},
            [("opt_in", False), ("opt_out", True)],
        ),
        (
            None,
            {"marketing_optin": "2014-11-09T15:34:35+00:00", "marketing_optout": "2016-01-02T03:04:05+00:00"},
            [("opt_in", False), ("opt_out", False)],
        ),
    ],
)
def test_consent_follows_the_dates_and_the_word_only_where_they_are_silent(
    word: Any, dates: dict[str, str], expected: list[tuple[str, bool]]
) -> None:
    reported = of_profile(marketing_optin=word, dates=dates).rows("customer_consents")
    assert [(row["status"], row["is_effective_at_inferred"]) for row in reported] == expected
    assert {row["channel"] for row in reported} == {"email"}


def test_an_unreadable_consent_date_is_logged_and_the_time_flagged() -> None:
    outcome = of_profile(dates={"marketing_optin": "last week"})
    assert ("effective_at", "unparseable", "last week") in outcome.issues
    assert outcome.row("customer_consents")["is_effective_at_inferred"]


def test_a_list_number_becomes_text() -> None:
    outcome = of_profile(lists=[{"id": 123, "title": "Gardeners", "type": "STATIC"}])
    assert ("123", "static_list") in [
        (row.get("segment_id"), row["kind"]) for row in outcome.rows("segment_memberships")
    ]


def test_an_empty_list_of_lists_ends_stays_and_an_absent_one_does_not() -> None:
    assert {row["kind"] for row in of_profile(lists=[]).rows("segment_memberships")} == {
        "static_list",
        "dynamic_segment",
    }
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
    reported = of_order(status="canceled", is_valid=True).row("orders")
    assert (reported["status"], reported["is_valid_source"]) == ("canceled", True)


def test_validity_as_text_is_repaired_and_logged() -> None:
    outcome = of_order(is_valid="false", status="refunded")
    assert outcome.row("orders")["is_valid_source"] is False
    assert outcome.issues == [("is_valid", "flag_as_text", "false")]


@pytest.mark.parametrize("total", [59.9, "59.9", "59.9000"])
def test_amounts_are_numbers_or_decimal_texts(total: Any) -> None:
    outcome = of_order(grand_total=total)
    assert outcome.row("orders")["total"] == Decimal("59.9000")
    assert outcome.issues == []


def test_a_naive_time_is_utc_and_says_so() -> None:
    reported = of_order(timestamp="2026-02-06 10:00:00").row("orders")
    assert (reported["ordered_at"].isoformat(), reported["is_ordered_at_inferred"]) == (
        "2026-02-06T10:00:00+00:00",
        True,
    )


def test_a_discount_has_no_sign() -> None:
    outcome = of_order(discount="-5.0000", lineitems=[{"product_id": "1", "discount": -2.5}])
    assert outcome.row("orders")["discount_total"] == 5
    assert outcome.row("order_lines")["discount"] == Decimal("2.5")


def test_a_negative_order_is_a_refund_of_the_order_it_names() -> None:
    outcome = of_order(id="F-2005-R", grand_total="-37.50", original_order_id="F-2005")
    assert outcome.rows("orders") == outcome.rows("events") == []
    refund = outcome.row("order_adjustments")
    assert (refund["order_match_key"], refund["action"], refund["amount_kind"], refund["amount"]) == (
        "F-2005",
        "refund",
        "delta",
        Decimal("37.5"),
    )


def test_the_lines_of_a_negative_order_are_what_was_returned_and_stand_beside_its_adjustment() -> None:
    line = {"product_id": "1", "quantity": -2, "unit_price": 18.75, "total": "-37.50"}
    outcome = of_order(id="F-2005-R", grand_total="-37.50", original_order_id="F-2005", lineitems=[line])
    reported = outcome.row("order_lines")
    assert (reported["source_order_id"], reported["product_id"], reported["quantity"], reported["total"]) == (
        "F-2005",
        "1",
        -2,
        Decimal("-37.5"),
    )
    assert (outcome.rows("orders"), outcome.row("order_adjustments")["source_order_id"]) == ([], "F-2005")


def test_a_negative_order_that_names_none_keeps_its_own_number() -> None:
    assert of_order(id="R-1", grand_total=-1).row("order_adjustments")["order_match_key"] == "R-1"


@pytest.mark.parametrize(
    ("order_id", "number", "key"), [("501", "#", "501"), ("501", " # ", "501"), ("#", None, "#"), ("501", "#7", "7")]
)
def test_an_order_with_an_empty_number_is_known_by_its_id(order_id: str, number: str | None, key: str) -> None:
    assert of_order(id=order_id, increment_id=number).row("orders")["order_match_key"] == key


def test_refunded_lines_stand_in_for_a_missing_total() -> None:
    lines = [{"product_id": "1", "refunded": 20}, {"product_id": "2", "refunded": "4.50"}, {"product_id": "3"}]
    assert of_order(lineitems=lines).row("orders")["refunded_total"] == Decimal("24.5")
    assert of_order(lineitems=lines, total_refunded="30.0000").row("orders")["refunded_total"] == 30


@pytest.mark.parametrize(
    ("figures", "refunded"),
    [
        ({"base_grand_total": "120.00", "base_total_refunded": "60.00"}, 50),
        ({"base_grand_total": "120.00", "base_total_refunded": "-120.00"}, 100),
        ({"base_grand_total": "120.00", "base_total_refunded": "60.00", "total_refunded": "40.00"}, 40),
        ({"base_grand_total": "0.00", "base_total_refunded": "60.00"}, None),
        ({"base_total_refunded": "60.00"}, None),
    ],
)
def test_a_refund_told_in_the_account_s_currency_alone_counts_by_its_share_of_the_total(
    figures: dict[str, str], refunded: int | None
) -> None:
    row = of_order(currency="GBP", base_currency="EUR", grand_total="100.00", **figures).row("orders")
    assert (row["currency"], row["total"], row.get("refunded_total")) == ("GBP", 100, refunded)


def test_an_order_of_a_name_alone_belongs_to_nobody() -> None:
    outcome = of_order(customer={"firstname": "Greta", "lastname": "Lind"})
    assert outcome.rows("contacts") == []
    assert "owner_record_id" not in outcome.row("orders")


@pytest.mark.parametrize(
    ("customer", "is_guest"),
    [
        ({"id": "1005"}, False),
        ({"id": 0, "email": "a@example.com"}, True),
        ({"email": "a@example.com"}, True),
        (None, True),
    ],
)
def test_a_guest_names_no_customer_id(customer: Any, *, is_guest: bool) -> None:
    assert of_order(customer=customer).row("orders")["is_guest"] is is_guest


def test_an_order_reported_in_the_accounts_currency_alone_takes_that() -> None:
    reported = of_order(grand_total=None, currency=None, base_grand_total="7.00", base_currency="GBP").row("orders")
    assert (reported["total"], reported["currency"]) == (7, "GBP")


def test_one_id_in_two_collections_is_two_contacts() -> None:
    contacts = [
        {"@type": "contact", "@collection": collection, "id": "c1", "email": f"{collection}@example.com"}
        for collection in ("crm", "newsletter")
    ]
    outcome = normalise("ometria", "contacts", contacts)
    assert [row["source_record_id"] for row in outcome.rows("customers")] == ["crm:c1", "newsletter:c1"]


def test_a_contact_csv_may_be_latin_1() -> None:
    outcome = normalise(
        "ometria",
        "contacts",
        "email,firstname\njos\xe9@example.com,Jos\xe9\n".encode("latin-1"),
        file_name="contacts.csv",
    )
    assert outcome.row("customers")["first_name"] == "José"
    address = outcome.row("customer_identifiers")
    assert (address["id_value"], address["is_valid"], address["invalid_reason"]) == (
        "josé@example.com",
        True,
        "non_ascii_local_part",
    )


def test_own_columns_of_a_contact_csv_are_attributes_and_no_drift() -> None:
    outcome = normalise("ometria", "contacts", b"email,properties.size\na@example.com,M\n", file_name="contacts.csv")
    assert outcome.row("customers")["attributes"] == '{"size":"M"}'
    assert outcome.drift == {}


def test_leading_zeros_of_a_contact_id_survive_a_csv() -> None:
    outcome = normalise("ometria", "contacts", b"id,email\n00055,a@example.com\n", file_name="contacts.csv")
    assert outcome.row("customers")["source_record_id"] == "00055"


def test_a_change_of_a_list_needs_to_say_what_happened() -> None:
    assert normalise(
        "ometria", "lists", [{"list_id": "1", "email": "a@example.com", "event": "looked at"}]
    ).rejects == [(1, "missing_action", "event")]


def test_an_unsubscription_is_an_opt_out_with_its_reason() -> None:
    outcome = normalise(
        "ometria",
        "unsubscribes",
        [
            {
                "email_address": "a@example.com",
                "reason": "too_many",
                "reason_text": "Too many",
                "time_stamp": "2026-02-01T00:00:00+00",
            }
        ],
    )
    reported = outcome.row("customer_consents")
    assert (reported["status"], reported["channel"], reported["reason"]) == ("opt_out", "email", "too_many: Too many")


@pytest.mark.parametrize(
    ("field", "value", "id_type"),
    [
        ("email", "a@example.com", "email"),
        ("customer_id", "u-1", "customer_id"),
        ("phone_number", "+447911205384", "phone"),
    ],
)
def test_an_unsubscription_that_names_its_person_as_other_records_do_is_heard(
    field: str, value: str, id_type: str
) -> None:
    outcome = normalise("ometria", "unsubscribes", [{"@type": "unsubscribe", field: value}])
    assert outcome.row("customer_consents")["status"] == "opt_out"
    assert (outcome.row("customer_identifiers")["id_type"], outcome.row("customer_identifiers")["id_value"]) == (
        id_type,
        value,
    )


def test_a_custom_event_without_a_type_is_rejected() -> None:
    assert normalise("ometria", "custom_events", [{"@type": "custom_event", "id": "e1"}]).rejects == [
        (1, "missing_event_type", "event_type")
    ]


@pytest.mark.parametrize("stream", VENDOR.streams)
def test_no_record_fits_two_dialects(stream: str) -> None:
    """A row of a table may be what an object is, and is it where the two say the same."""
    for one, other in combinations(VENDOR.streams[stream].dialects, 2):
        is_table = other.name.startswith("ometria.csv_")
        assert one.has & other.lacks or other.has & one.lacks or is_table


def test_the_address_shown_is_the_profile_s_own_and_none_of_its_identities() -> None:
    identities = [{"id": "alt@shop.example", "type": "email"}, {"id": "own@shop.example", "type": "email"}]
    outcome = of_profile(email="own@shop.example", identities=identities)
    addresses = [row for row in outcome.rows("customer_identifiers") if row["id_type"] == "email"]
    assert {row["id_value"]: row.get("is_primary", False) for row in addresses} == {
        "own@shop.example": True,
        "alt@shop.example": False,
    }


def test_consent_is_reported_by_channel_and_purpose() -> None:
    channels = {
        "sms": {
            "allow_marketing": True,
            "allow_transactional": "false",
            "dt_updated_marketing": "2026-02-01T08:00:00Z",
        },
        "email": {"allow_marketing": False},
        "carrier pigeon": {"allow_marketing": True},
    }
    outcome = ometria(
        "contacts",
        {"@type": "contact", "@collection": "web", "id": "1", "email": "a@example.com", "channels": channels},
    )
    reported = {
        (row.get("channel"), row["purpose"], row["status"], row["is_effective_at_inferred"])
        for row in outcome.rows("customer_consents")
    }
    assert reported == {
        ("email", "marketing", "unknown", True),
        ("sms", "marketing", "opt_in", False),
        ("sms", "transactional", "opt_out", True),
        ("email", "marketing", "opt_out", True),
        (None, "marketing", "opt_in", True),
    }
    assert outcome.issues == [("channel", "unknown_word", "carrier pigeon")]


def test_a_contact_csv_states_consent_by_channel() -> None:
    outcome = normalise(
        "ometria", "contacts", b"email,channels.sms.allow_marketing\na@example.com,false\n", file_name="contacts.csv"
    )
    assert [(row["channel"], row["status"]) for row in outcome.rows("customer_consents")] == [("sms", "opt_out")]
    assert not outcome.drift


@pytest.mark.parametrize(
    "names",
    [
        {"identity_account_id": "u-1"},
        {"customer_id": "u-1"},
        {"email": "a@example.com"},
        {"identity_email": "a@example.com"},
    ],
)
@pytest.mark.parametrize("when", ["timestamp", "time_stamp"])
def test_an_event_names_its_person_and_its_time_in_several_ways(names: dict[str, str], when: str) -> None:
    outcome = ometria(
        "custom_events",
        {"@type": "custom_event", "id": "1", "event_type": "visit", when: "2026-02-12T14:00:00Z", **names},
    )
    assert [row["id_value"] for row in outcome.rows("customer_identifiers")] == list(names.values())
    assert outcome.row("events")["occurred_at"] == datetime(2026, 2, 12, 14, tzinfo=UTC)
    assert not outcome.drift


@pytest.mark.parametrize(
    ("stream", "record", "table", "column"),
    [
        ("orders", {"@type": "order", "id": "1"}, "orders", "ordered_at"),
        ("list_changes", {"list_id": "1", "profile_id": "p", "event": "enter"}, "segment_memberships", "observed_at"),
        ("unsubscribes", {"profile_id": "p"}, "customer_consents", "effective_at"),
    ],
)
@pytest.mark.parametrize("when", ["timestamp", "time_stamp"])
def test_a_time_may_be_spelled_either_way(
    stream: str, record: dict[str, Any], table: str, column: str, when: str
) -> None:
    assert ometria(stream, {**record, when: "2026-02-12T14:00:00Z"}).row(table)[column] == datetime(
        2026, 2, 12, 14, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("word", "channel"), [("mass", "email"), (None, "email"), ("sms", "sms"), ("all", "all"), ("smoke signs", "all")]
)
def test_an_unsubscription_says_from_what(word: str | None, channel: str | None) -> None:
    outcome = ometria("unsubscribes", {"profile_id": "p", "email_address": "a@example.com", "type": word})
    assert outcome.row("customer_consents").get("channel") == channel
    assert [code for _, code, _ in outcome.issues] == (["unknown_word"] if word == "smoke signs" else [])


def test_both_addresses_of_an_order_are_kept_and_one_of_them_is_the_buyers() -> None:
    bill, ship = (
        {"city": "Paris", "country_code": "FR"},
        {"firstname": "Ylva", "lastname": "Granqvist", "city": "Berlin", "postcode": "10115", "company": "Gran"},
    )
    outcome = ometria("orders", order(billing_address=bill, shipping_address=ship, customer={"email": "a@example.com"}))
    contact = outcome.row("contacts")
    assert (contact["city"], contact.get("postal_code"), contact["country_raw"], contact.get("last_name")) == (
        "Paris",
        None,
        "FR",
        None,
    )
    assert json.loads(outcome.row("orders")["attributes"]) == {"billing_address": bill, "shipping_address": ship}


def test_an_order_in_the_accounts_currency_leaves_its_lines_in_theirs() -> None:
    lines = [
        {"sku": "a", "quantity": 1, "unit_price": "20.00", "total": "20.00"},
        {"sku": "b", "quantity": 1, "base_unit_price": "6.00", "base_total": "6.00"},
    ]
    record = order(grand_total=None, base_grand_total="26.00", currency="GBP", base_currency="USD", lineitems=lines)
    outcome = ometria("orders", record)
    assert (outcome.row("orders")["total"], outcome.row("orders")["currency"]) == (26, "USD")
    assert [(row["unit_price"], row["total"], row["currency"]) for row in outcome.rows("order_lines")] == [
        (20, 20, "GBP"),
        (6, 6, "USD"),
    ]


@pytest.mark.parametrize(
    ("status", "state", "ours", "unknown"),
    [("wrapped", None, "unknown", ["wrapped"]), ("wrapped", "complete", "completed", ["wrapped"])],
)
def test_a_status_that_no_table_knows_is_logged(status: str, state: str | None, ours: str, unknown: list[str]) -> None:
    outcome = ometria("orders", order(status=status, state=state))
    assert outcome.row("orders")["status"] == ours
    assert [given for _, code, given in outcome.issues if code == "unknown_word"] == unknown


def test_a_later_order_without_an_address_takes_none_away() -> None:
    lund, moved = {"city": "Lund", "postcode": "22100", "country_code": "SE"}, {"city": "Ystad"}
    buyer = {"email": "nora@example.com", "firstname": "Nora", "lastname": "Vik"}

    def reported(*places: dict[str, str] | None) -> dict[str, Any]:
        orders = [
            order(id=str(number), customer=buyer, timestamp=f"2026-03-0{number}T10:00:00Z", billing_address=place)
            for number, place in enumerate(places, 1)
        ]
        return {
            name: value
            for name, value in ometria("orders", *orders).row("contacts").items()
            if name in ("city", "postal_code", "country_code")
        }

    assert reported(lund, None) == {"city": "Lund", "postal_code": "22100", "country_code": "SE"}
    assert reported(lund, moved, None) == {"city": "Ystad", "country_code": "SE"}
    assert reported(lund, {"country_code": "DE"}) == {"city": "Lund", "postal_code": "22100", "country_code": "SE"}


@pytest.mark.parametrize("header", ["@collection", "@type", "id"])
def test_a_table_states_consent_by_channel_whatever_it_says_of_its_rows(header: str) -> None:
    file = f"{header},email,channels.sms.allow_marketing,properties.size\ncontact,a@mailbox.test,false,M\n".encode()
    outcome = normalise("ometria", "contacts", file, file_name="contacts.csv")
    assert [(row["channel"], row["status"]) for row in outcome.rows("customer_consents")] == [("sms", "opt_out")]
    assert outcome.row("customers")["attributes"] == '{"size":"M"}'


def test_a_table_of_profiles_states_consent_and_figures_in_columns() -> None:
    file = (
        b"id,email,dates.marketing_optout,stats.orders,channels.sms.allow_marketing\n"
        b"p1,a@mailbox.test,2026-01-01T00:00:00Z,3,false\n"
    )
    outcome = normalise("ometria", "profiles", file, file_name="profiles.csv")
    consents = {(row["channel"], row["status"]) for row in outcome.rows("customer_consents")}
    assert consents == {("email", "opt_out"), ("sms", "opt_out")}
    assert outcome.row("vendor_stats")["metric"] == "order_count"


def test_contacts_and_profiles_are_known_apart_in_either_folder() -> None:
    contact = {"id": "1", "email": "a@mailbox.test", "timestamp_unsubscribed": "2026-01-01T00:00:00Z"}
    profile = {"id": "1", "email": "a@mailbox.test", "dates": {"marketing_optout": "2026-01-01T00:00:00Z"}}
    for stream, record in (("profiles", contact), ("contacts", profile)):
        consent = normalise("ometria", stream, [record]).row("customer_consents")
        assert (consent["channel"], consent["status"]) == ("email", "opt_out")


@pytest.mark.parametrize("nothing", ["0000-00-00 00:00:00", "1970-01-01T00:00:00Z", "-", "None"])
def test_a_date_of_consent_that_stands_for_none_is_no_consent(nothing: str) -> None:
    contact = {"@type": "contact", "@collection": "crm", "id": "1", "timestamp_subscribed": nothing}
    outcome = normalise("ometria", "contacts", [contact])
    assert outcome.row("customer_consents")["status"] == "unknown"
    assert outcome.issues == [("timestamp_subscribed", "unparseable", nothing)]
