"""Omnisend's rules, one sentence each; whole records stand in the golden cases beside."""

import json
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from orchestration.vendors.omnisend import VENDOR
from tests.support.goldens import Outcome, lost_leaves, normalise


def event(name: str, properties: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventTime": "2026-02-13T10:00:00Z",
        "contact": {"email": "kim.park@example.com"},
        "properties": properties or {},
        **fields,
    }


def of_events(*events: dict[str, Any]) -> Outcome:
    return normalise("omnisend", "events", events)


def of_contact(**fields: Any) -> Outcome:
    return normalise("omnisend", "contacts", [{"contactID": "663cf8de", **fields}])


def of_order(**fields: Any) -> Outcome:
    return normalise(
        "omnisend",
        "orders",
        [{"orderID": "o-1", "currency": "EUR", "orderSum": 3120, "createdAt": "2026-02-13T10:00:00Z", **fields}],
    )


def test_no_field_of_the_event_document_is_lost() -> None:
    record = {
        "eventName": "placed order",
        "eventTime": "2026-02-13T10:00:00Z",
        "eventID": "0b7c6d0e-9d4b",
        "origin": "pos",
        "contact": {"contactID": "65f0c0ffee", "email": "kim.park@example.com", "phone": "+4915123456711"},
        "properties": {"campaign": "spring", "gift": True, "score": 1.75},
        "order": {
            "orderID": "o-2012",
            "orderNumber": "F-2012",
            "totalPrice": 62.01,
            "subTotalPrice": 57.02,
            "currency": "EUR",
            "discountCode": "SPRING",
            "discountValue": 5.03,
            "paymentStatus": "partiallyPaid",
            "fulfillmentStatus": "unfulfilled",
            "cartID": "cart-77",
            "cartRecoveryURL": "https://shop.example.com/cart",
        },
        "lineItems": [
            {
                "productID": "fern-1",
                "variantID": "variant-1",
                "title": "Fern, large",
                "vendor": "Ferngarten",
                "sku": "SKU-88",
                "quantity": 7,
                "price": 31.04,
                "discount": 2.05,
                "imageUrl": "https://shop.example.com/image",
                "productUrl": "https://shop.example.com/product",
                "categoryIDs": ["plants"],
                "tags": ["indoor"],
            }
        ],
    }
    assert lost_leaves(of_events(record), record) == set()


def test_the_three_ways_of_reporting_an_order_give_the_same_amount() -> None:
    seed = of_events(event("placed order", order={"orderID": "o-1", "totalPrice": 31.2, "currency": "EUR"})).row(
        "orders"
    )
    v5 = of_events(event("placed order", {"orderID": "o-1", "totalPrice": 31.2, "currency": "EUR"})).row("orders")
    v3 = of_order().row("orders")
    assert {(reported["order_match_key"], reported["total"], reported["currency"]) for reported in (seed, v5, v3)} == {
        ("O-1", Decimal("31.2"), "EUR")
    }


@pytest.mark.parametrize("amount", [31.2, "31.20"])
def test_a_part_of_a_cent_is_no_amount_in_cents(amount: Any) -> None:
    order = {"orderID": "1", "currency": "EUR", "orderSum": amount, "createdAt": "2021-01-01T00:00:00Z"}
    assert normalise("omnisend", "orders", [order]).rejects == [(1, "bad_money", "total")]


@pytest.mark.parametrize("currency", ["JPY", "KWD", "EUR", "CLP"])
def test_an_order_states_its_amounts_times_100_in_every_currency(currency: str) -> None:
    row = of_order(currency=currency).row("orders")
    assert (row["total"], row["currency"], row["amount_unit"]) == (Decimal("31.2"), currency, "hundredths")


@pytest.mark.parametrize(
    ("payment", "fulfillment", "status"),
    [
        ("awaitingPayment", None, "pending_payment"),
        ("partiallyPaid", "unfulfilled", "pending_payment"),
        ("paid", "unfulfilled", "paid"),
        ("paid", "inProgress", "in_progress"),
        ("paid", "fulfilled", "shipped"),
        ("paid", "delivered", "completed"),
        ("paid", "restocked", "canceled"),
        ("partiallyRefunded", "fulfilled", "partially_refunded"),
        ("refunded", "restocked", "refunded"),
        ("voided", "unfulfilled", "canceled"),
        ("wired", "teleported", "unknown"),
    ],
)
def test_payment_and_fulfilment_make_one_status(payment: str, fulfillment: str | None, status: str) -> None:
    assert of_order(paymentStatus=payment, fulfillmentStatus=fulfillment).row("orders")["status"] == status


def test_refunds_in_events_are_running_totals_without_sign() -> None:
    refund = of_events(event("order refunded", {"orderID": "o-1", "totalPrice": 50, "totalRefundedAmount": -20})).row(
        "order_adjustments"
    )
    assert (refund["action"], refund["amount_kind"], refund["amount"]) == ("refund", "running_total", 20)


@pytest.mark.parametrize(("refunded", "status"), [(20, "partially_refunded"), (50, "refunded")])
def test_a_refund_event_without_a_payment_status_shows_it_by_the_amounts(refunded: int, status: str) -> None:
    assert (
        of_events(event("order refunded", {"orderID": "o-1", "totalPrice": 50, "totalRefundedAmount": refunded})).row(
            "orders"
        )["status"]
        == status
    )


def test_an_order_event_sent_again_without_an_id_is_the_same_event() -> None:
    first = event("placed order", {"orderID": "o-1"})
    again = first | {"eventTime": "2026-02-13T10:00:09Z"}
    other = event("placed order", {"orderID": "o-2"})
    ids = [row["event_id"] for row in of_events(first, again, other).rows("events")]
    assert ids[0] == ids[1] != ids[2]
    assert all(row["is_event_id_derived"] for row in of_events(first, again, other).rows("events"))


def test_two_products_of_an_order_are_two_line_events() -> None:
    events = [event("ordered product", {"orderID": "o-1", "productID": product}) for product in ("fern", "moss")]
    assert len({row["event_id"] for row in of_events(*events).rows("events")}) == 2


def test_a_viewed_product_without_an_id_is_reported_apart_by_its_time() -> None:
    first = event("viewed product", {"productID": "fern"})
    assert (
        len({row["event_id"] for row in of_events(first, first | {"eventTime": "2026-02-13T11:00:00Z"}).rows("events")})
        == 2
    )


def test_only_the_person_s_own_deeds_are_active() -> None:
    names = [
        "placed order",
        "paid for order",
        "order fulfilled",
        "order refunded",
        "order canceled",
        "viewed product",
        "Quiz",
    ]
    active = {
        row["event_name_raw"] for row in of_events(*[event(name) for name in names]).rows("events") if row["is_active"]
    }
    assert active == {"placed order", "viewed product", "Quiz"}


def test_an_obfuscated_address_is_no_address() -> None:
    outcome = of_events(event("viewed product", contact={"email": "[email protected]"}))
    assert outcome.rows("contacts") == []
    assert "owner_record_id" not in outcome.row("events")


def test_one_subscription_reported_in_two_places_is_one_consent() -> None:
    reported = of_contact(
        email="a@example.com",
        statuses=[{"channel": "email", "status": "subscribed", "date": "2024-05-09T16:25:02.332Z"}],
        identifiers=[
            {
                "id": "a@example.com",
                "type": "email",
                "channels": {"email": {"status": "subscribed", "statusDate": "2024-05-09T16:25:02.353Z"}},
            }
        ],
        optIns=[{"channel": "email", "date": "2024-05-09T16:25:02.300Z"}],
    ).row("customer_consents")
    assert (reported["status"], reported["effective_at"].isoformat()) == ("opt_in", "2024-05-09T16:25:02.353000+00:00")


def test_statuses_count_where_identifiers_say_nothing_of_the_channel() -> None:
    outcome = of_contact(
        statuses=[{"channel": "sms", "status": "unsubscribed", "date": "2025-01-01T00:00:00Z"}],
        identifiers=[{"id": "a@example.com", "type": "email", "channels": {"email": {"status": "subscribed"}}}],
    )
    assert [(row["channel"], row["status"]) for row in outcome.rows("customer_consents")] == [
        ("email", "opt_in"),
        ("sms", "opt_out"),
    ]


def test_not_subscribed_is_unknown_and_no_refusal() -> None:
    assert (
        of_contact(statuses=[{"channel": "email", "status": "nonSubscribed"}]).row("customer_consents")["status"]
        == "unknown"
    )


def test_an_empty_gender_is_none() -> None:
    assert not {"gender", "gender_raw"} & of_contact(gender="").row("customers").keys()


@pytest.mark.parametrize(
    "phone", ["+4915123456704", "'+49 1512 3456704", 4915123456704, [4915123456704], ["+49 1512 3456704"]]
)
def test_a_phone_is_a_text_a_number_or_a_list(phone: Any) -> None:
    found = [
        row["id_value"] for row in of_contact(phone=phone).rows("customer_identifiers") if row["id_type"] == "phone"
    ]
    assert found == ["+4915123456704"]


def test_a_contact_without_an_id_is_known_by_its_address_else_its_number() -> None:
    people = [
        {"email": "A@Example.com"},
        {"identifiers": [{"id": "+4915123456704", "type": "phone"}]},
        {"firstName": "Nobody"},
    ]
    outcome = normalise("omnisend", "contacts", people)
    assert [row["source_record_id"] for row in outcome.rows("customers")] == [
        "email:a@example.com",
        "phone:+4915123456704",
    ]
    assert outcome.rejects == [(3, "missing_identity", None)]


def test_a_date_without_a_time_in_an_import_means_noon() -> None:
    reported = normalise(
        "omnisend", "contacts", b"Email,Email Opt-in Date\na@example.com,2025-06-01\n", file_name="import.csv"
    ).row("customer_consents")
    assert (reported["effective_at"].isoformat(), reported["is_effective_at_inferred"]) == (
        "2025-06-01T12:00:00+00:00",
        True,
    )


def test_headers_of_an_import_may_be_written_in_any_case() -> None:
    outcome = normalise(
        "omnisend",
        "contacts",
        b"email,phone number,first_name,EMAIL OPT-IN DATE\na@example.com,'+4915123456704,Ana,2025-06-01\n",
        file_name="import.csv",
    )
    assert (outcome.row("customers")["first_name"], outcome.row("customer_consents")["status"], outcome.drift) == (
        "Ana",
        "opt_in",
        {},
    )
    assert {row["id_value"] for row in outcome.rows("customer_identifiers")} == {"a@example.com", "+4915123456704"}


def test_post_codes_of_an_import_keep_their_zeros() -> None:
    assert (
        normalise("omnisend", "contacts", b"Email,Postal Code\na@example.com,01067\n", file_name="import.csv").row(
            "customers"
        )["postal_code"]
        == "01067"
    )


@pytest.mark.parametrize("header", [b"contactID,email", b"Contact ID,Phone", b"id,Email"])
def test_a_contact_has_its_id_in_a_csv_file_too(header: bytes) -> None:
    reported = normalise(
        "omnisend",
        "contacts",
        header + b",createdAt,updated_at,Last Name\n663cf8de,,2026-01-05T10:00:00Z,2026-02-05T10:00:00Z,Lind\n",
        file_name="export.csv",
    )
    contact = reported.row("customers")
    assert (contact["source_record_id"], contact["created_at"].day, contact["source_updated_at"].month) == (
        "663cf8de",
        5,
        2,
    )
    assert ("contact_id", "663cf8de") in [
        (found["id_type"], found["id_value"]) for found in reported.rows("customer_identifiers")
    ]


def test_a_segment_exported_by_hand_is_named_by_its_file() -> None:
    outcome = normalise(
        "omnisend", "contacts", [{"contactID": "1"}], file_name="segment-663a31f0438b8341a1c52d56.ndjson"
    )
    assert outcome.row("segment_memberships")["segment_id"] == "663a31f0438b8341a1c52d56"


def test_tags_of_an_event_never_end_other_tags() -> None:
    outcome = of_events(event("viewed product", contact={"email": "a@example.com", "tags": ["Garden"]}))
    reported = outcome.row("segment_memberships")
    assert (reported["segment_id"], reported["is_full_snapshot"]) == ("garden", False)


@pytest.mark.parametrize(
    ("fields", "reject"),
    [
        ({"eventTime": "soon"}, (1, "bad_time", "occurred_at")),
        ({"order": {"orderID": "1", "totalPrice": "12,50"}}, (1, "bad_money", "total")),
        ({"order": {"orderID": "1", "currency": "EURO"}}, (1, "bad_currency", "currency")),
        ({"eventName": " "}, (1, "missing_event_type", "event_type")),
    ],
)
def test_an_event_of_unknown_time_money_or_kind_is_rejected(
    fields: dict[str, Any], reject: tuple[int, str, str]
) -> None:
    assert of_events(event("placed order") | fields).rejects == [reject]


def test_a_number_as_text_is_repaired_and_logged() -> None:
    outcome = of_events(event("placed order", order={"orderID": "1", "totalPrice": "12.50"}))
    assert outcome.row("orders")["total"] == Decimal("12.5")
    assert outcome.issues == [("order.totalPrice", "number_as_text", "12.50")]


@pytest.mark.parametrize("stream", VENDOR.streams)
def test_no_record_fits_two_dialects(stream: str) -> None:
    for one, other in combinations(VENDOR.streams[stream].dialects, 2):
        assert (
            one.has & other.lacks
            or other.has & one.lacks
            or (one.shape.keys() ^ other.shape.keys()) <= one.lacks | other.lacks
        )


def test_a_comma_in_a_phone_harms_nothing() -> None:
    assert of_contact(phone='"0151,4915123456704').normalised.rows_loaded == 1


@pytest.mark.parametrize("phone", [{}, {"number": "1"}, [["+4915123456704"]], [{"number": "1"}]])
def test_a_phone_of_an_unknown_shape_is_logged(phone: Any) -> None:
    outcome = of_contact(phone=phone)
    assert [(field, code) for field, code, _ in outcome.issues] == [("phone", "unparseable")]
    assert {row["id_type"] for row in outcome.rows("customer_identifiers")} == {"contact_id"}


def test_an_event_without_an_id_is_the_same_however_its_file_is_laid_out() -> None:
    reported = event("viewed product", {"productID": "fern-1", "shelf": {"row": 2, "kinds": ["a", "b"]}})
    compact, wide = (
        normalise("omnisend", "events", json.dumps([reported], **form).encode(), file_name="x.json")
        for form in ({"separators": (",", ":")}, {"indent": 2})
    )
    assert compact.rows("events") == wide.rows("events")


def test_a_channel_without_a_status_says_nothing_and_leaves_the_word_to_others() -> None:
    identifiers = [{"type": "email", "id": "a@example.com", "channels": {"email": {"status": None}, "sms": None}}]
    assert of_contact(identifiers=identifiers).rows("customer_consents") == []
    reported = of_contact(identifiers=identifiers, statuses=[{"channel": "email", "status": "subscribed"}]).row(
        "customer_consents"
    )
    assert (reported["channel"], reported["status"]) == ("email", "opt_in")


def test_a_consent_of_an_event_keeps_where_it_was_given_beside_the_opt_in_of_the_same_channel() -> None:
    when = "2026-02-13T09:00:00Z"
    proof = {"source": "popup", "createdAt": when, "ip": "192.0.2.7", "userAgent": "Mozilla"}
    contact = {
        "email": "kim.park@example.com",
        "optIns": [{"channel": channel, "createdAt": when} for channel in ("email", "sms")],
        "consents": [{"channel": "email", **proof}],
    }
    outcome = of_events(event("viewed product", contact=contact))
    reported = [
        [row.get(name) for name in ("channel", "status", "consent_source", "ip", "user_agent")]
        for row in outcome.rows("customer_consents")
    ]
    assert sorted(reported, key=str) == [
        ["email", "opt_in", "popup", "192.0.2.7", "Mozilla"],
        ["sms", "opt_in", None, None, None],
    ]
    assert not lost_leaves(outcome, {"consents": [proof]})


def test_a_consent_that_names_no_channel_is_none_to_any_and_its_proof_is_kept() -> None:
    proof = {"source": "popup", "createdAt": "2026-02-13T09:00:00Z", "ip": "192.0.2.7", "userAgent": "Mozilla"}
    reported = of_events(event("viewed product", contact={"email": "kim.park@example.com", "consents": [proof]})).row(
        "customer_consents"
    )
    assert (reported.get("channel"), reported["consent_source"], reported["ip"], reported["user_agent"]) == (
        None,
        "popup",
        "192.0.2.7",
        "Mozilla",
    )


def test_the_phone_shown_is_the_contact_s_and_not_the_one_on_the_bill() -> None:
    bill = {"orderID": "1", "billingAddress": {"phone": "+14155550123"}}
    outcome = of_events(event("placed order", bill, contact={"phone": "+447911123456"}))
    phones = [row for row in outcome.rows("customer_identifiers") if row["id_type"] == "phone"]
    assert {row["id_value"]: row.get("is_primary", False) for row in phones} == {
        "+447911123456": True,
        "+14155550123": False,
    }


def consents_of(outcome: Outcome) -> list[tuple[str, str, str, bool]]:
    return [
        (row["channel"], row["status"], str(row["effective_at"])[:16], row["is_effective_at_inferred"])
        for row in outcome.rows("customer_consents")
    ]


def test_the_word_at_the_top_of_a_contact_is_of_the_channel_it_is_known_by() -> None:
    reported = {"status": "unsubscribed", "statusDate": "2026-02-20T08:00:00+00:00"}
    assert consents_of(normalise("omnisend", "contacts", [{"email": "a@example.com", **reported}])) == [
        ("email", "opt_out", "2026-02-20 08:00", False)
    ]
    assert consents_of(normalise("omnisend", "contacts", [{"phone": "+4915123456704", **reported}])) == [
        ("sms", "opt_out", "2026-02-20 08:00", False)
    ]


@pytest.mark.parametrize("word", ["subscribed", "nonSubscribed"])
def test_statuses_decide_over_the_word_at_the_top(word: str) -> None:
    stated = {"channel": "email", "status": "subscribed", "statusChangedAt": "2026-02-21T08:00:00Z"}
    outcome = normalise("omnisend", "contacts", [{"email": "a@example.com", "status": word, "statuses": [stated]}])
    assert consents_of(outcome) == [("email", "opt_in", "2026-02-21 08:00", False)]


EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
YES = {"channel": "email", "status": "subscribed", "date": EARLY}
NO = {"channel": "email", "status": "unsubscribed", "date": LATE}


def known_by_mail(channel: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    channels = {"email": channel} if channel else {}
    identifier = {"type": "email", "id": "a@example.com", "channels": channels}
    return {
        "contactID": "6",
        "email": "a@example.com",
        "identifiers": [identifier | fields.pop("identifier", {})],
        **fields,
    }


@pytest.mark.parametrize(
    "contact",
    [
        known_by_mail(YES, optOuts=[{"channel": "email", "date": LATE}]),
        known_by_mail(YES, statuses=[NO]),
        known_by_mail(YES, status="unsubscribed", statusDate=LATE),
        known_by_mail(statuses=[YES], status="unsubscribed", statusDate=LATE),
        known_by_mail(statuses=[YES], optOuts=[{"channel": "email", "optOutAt": LATE}]),
        known_by_mail({"status": "subscribed", "optInAt": EARLY, "optOutAt": LATE}),
        known_by_mail(optIns=[{"channel": "email", "optInAt": EARLY, "optOutAt": LATE}]),
    ],
)
def test_a_later_no_is_heard_wherever_in_a_contact_it_stands(contact: dict[str, Any]) -> None:
    assert sorted(consents_of(normalise("omnisend", "contacts", [contact]))) == [
        ("email", "opt_in", "2026-01-01 00:00", False),
        ("email", "opt_out", "2026-02-01 00:00", False),
    ]


@pytest.mark.parametrize("when", [LATE, "2026-03-01T09:00:00Z"])
@pytest.mark.parametrize("no", [{"status": "unsubscribed"}, {"optOuts": ["email"]}, {"statuses": ["unsubscribed"]}])
def test_a_no_without_a_time_holds_at_least_since_the_yes_beside_it(when: str, no: dict[str, Any]) -> None:
    yes = {"channel": "email", "status": "subscribed", "statusDate": when}
    for contact in (known_by_mail(yes, **no), *([] if "statuses" in no else [known_by_mail(statuses=[yes], **no)])):
        said = normalise("omnisend", "contacts", [contact]).rows("customer_consents")
        agreed, refused = sorted(said, key=lambda row: row["status"])
        assert (agreed["status"], refused["status"]) == ("opt_in", "opt_out")
        assert refused["effective_at"] >= agreed["effective_at"]


def test_a_later_no_among_the_opt_ins_of_an_event_is_heard() -> None:
    opted = {"channel": "email", "optInAt": EARLY, "optOutAt": LATE}
    outcome = of_events(event("visit", contact={"email": "a@example.com", "optIns": [opted]}))
    assert [row[1:3] for row in consents_of(outcome)] == [
        ("opt_in", "2026-01-01 00:00"),
        ("opt_out", "2026-02-01 00:00"),
    ]


@pytest.mark.parametrize("nothing", ["-", "false", "0000-00-00 00:00:00"])
def test_a_time_of_opting_out_that_stands_for_none_is_no_refusal(nothing: str) -> None:
    contact = known_by_mail({"status": "subscribed", "optInAt": EARLY, "optOutAt": nothing})
    assert [row[1] for row in consents_of(normalise("omnisend", "contacts", [contact]))] == ["opt_in"]


@pytest.mark.parametrize(
    ("contact", "since", "is_inferred"),
    [
        (known_by_mail({"status": "unsubscribed", "optInAt": EARLY, "optOutAt": LATE}), "2026-02-01", False),
        (known_by_mail({"status": "unsubscribed", "optInAt": EARLY}), "2026-03-01", True),
        (known_by_mail({"status": "unsubscribed"}, identifier={"optInAt": EARLY}), "2026-03-01", True),
        (known_by_mail({"status": "unsubscribed", "optInAt": LATE, "optOutAt": EARLY}), "2026-02-01", True),
        (known_by_mail({"status": "unsubscribed", "statusDate": LATE, "optOutAt": EARLY}), "2026-02-01", True),
        (known_by_mail({"status": "unsubscribed", "optInAt": "2026-03-01T09:00:00Z"}), "2026-03-01T09", True),
        (
            known_by_mail(statuses=[{"channel": "email", "status": "unsubscribed", "optInAt": EARLY}]),
            "2026-03-01",
            True,
        ),
        (known_by_mail(status="unsubscribed", optInAt=EARLY, optOutAt=LATE), "2026-02-01", False),
        (known_by_mail(optOuts=[{"channel": "email", "createdAt": EARLY, "optOutAt": LATE}]), "2026-02-01", False),
        (known_by_mail(optOuts=[{"channel": "email", "optInAt": EARLY}]), "2026-03-01", True),
    ],
)
def test_the_time_of_a_no_is_never_that_of_an_agreement(
    contact: dict[str, Any], since: str, *, is_inferred: bool
) -> None:
    [no] = normalise("omnisend", "contacts", [contact]).rows("customer_consents")
    assert (no["status"], no["is_effective_at_inferred"]) == ("opt_out", is_inferred)
    assert no["effective_at"].isoformat().startswith(since)


def test_the_time_of_a_yes_is_never_that_of_a_refusal() -> None:
    contact = known_by_mail({"status": "subscribed", "optOutAt": LATE})
    assert consents_of(normalise("omnisend", "contacts", [contact])) == [
        ("email", "opt_in", "2026-03-01 00:00", True),
        ("email", "opt_out", "2026-02-01 00:00", False),
    ]


@pytest.mark.parametrize("name", ["statusDate", "statusChangedAt", "date", "optInAt"])
def test_a_status_has_its_time_under_whichever_name(name: str) -> None:
    channels = {"email": {"status": "subscribed", name: "2026-02-22T10:25:14Z"}}
    outcome = normalise(
        "omnisend",
        "contacts",
        [{"id": "6", "identifiers": [{"type": "email", "id": "a@example.com", "channels": channels}]}],
    )
    assert consents_of(outcome) == [("email", "opt_in", "2026-02-22 10:25", False)]


def test_a_no_in_the_opt_outs_of_a_contact_is_heard() -> None:
    outcome = normalise(
        "omnisend", "contacts", [{"contactID": "6", "optOuts": [{"channel": "sms", "date": "2026-02-22T10:25:14Z"}]}]
    )
    assert consents_of(outcome) == [("sms", "opt_out", "2026-02-22 10:25", False)]


@pytest.mark.parametrize(
    "status",
    [
        {"optOuts": [{"date": "2026-02-22T10:25:14Z"}]},
        {"statuses": [{"status": "unsubscribed", "date": "2026-02-22T10:25:14Z"}]},
    ],
)
def test_a_no_that_names_no_channel_is_a_no_to_all(status: dict[str, Any]) -> None:
    contact = {"email": "a@example.com", **status}
    outcome = normalise("omnisend", "contacts", [{"contactID": "6", **contact}])
    assert [row[:2] for row in consents_of(outcome)] == [("all", "opt_out")]
    if "optOuts" in status:
        reported = normalise(
            "omnisend", "events", [{"eventName": "visit", "eventTime": "2026-02-23T10:00:00Z", "contact": contact}]
        )
        assert consents_of(reported) == [("all", "opt_out", "2026-02-22 10:25", False)]


def test_an_identifier_of_a_missing_or_unknown_type_is_kept() -> None:
    identifiers = [{"id": "b@example.com"}, {"id": "+4915123456704"}, {"id": "4711", "type": "kiosk"}]
    outcome = normalise("omnisend", "contacts", [{"contactID": "6", "identifiers": identifiers}])
    found = {(row["id_type"], row["id_value"], row["id_namespace"]) for row in outcome.rows("customer_identifiers")}
    assert found >= {
        ("email", "b@example.com", ""),
        ("phone", "+4915123456704", ""),
        ("custom", "4711", "omnisend:default:kiosk"),
    }
    assert outcome.issues == [("identifiers[].type", "unknown_word", "kiosk")]


@pytest.mark.parametrize("header", ["Phone", "Phone Number", "phone_number", "Mobile Number"])
def test_a_row_without_an_address_is_known_by_its_number_however_the_column_is_called(header: str) -> None:
    content = f"Email,{header},First Name\nulf@example.com,+4915123456704,Ulf\n,+4915123456705,Vera\n".encode()
    outcome = normalise("omnisend", "contacts", content, file_name="import.csv")
    assert [row["source_record_id"] for row in outcome.rows("customers")] == [
        "email:ulf@example.com",
        "phone:+4915123456705",
    ]
    assert outcome.rejects == []


def test_a_row_s_word_for_a_channel_is_heard() -> None:
    outcome = normalise(
        "omnisend", "contacts", b"Email,Email Status\nulf@example.com,Unsubscribed\n", file_name="export.csv"
    )
    assert consents_of(outcome) == [("email", "opt_out", "2026-03-01 00:00", True)]


def test_what_of_an_order_s_addresses_fills_no_column_is_kept_and_the_address_is_of_one_place() -> None:
    billing, shipping = (
        {"firstName": "Pelle", "company": "Kvarn", "country": "Sweden"},
        {"firstName": "Ylva", "city": "Lund", "postalCode": "22100"},
    )
    outcome = of_order(email="a@example.com", billingAddress=billing, shippingAddress=shipping)
    extra = outcome.row("orders")["extra"]
    assert "Kvarn" in extra
    assert "Ylva" in extra
    person = outcome.row("contacts")
    assert (person["first_name"], person["city"], person["postal_code"], "country_raw" in person) == (
        "Pelle",
        "Lund",
        "22100",
        False,
    )


def test_a_status_of_an_order_that_no_table_knows_is_logged_and_the_order_unknown() -> None:
    outcome = of_order(paymentStatus="authorised", fulfillmentStatus=None, canceledDate=None)
    assert outcome.row("orders")["status"] == "unknown"
    assert ("status", "unknown_word", "authorised") in outcome.issues


@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("placed order", {"paymentStatus": "authorised"}, "unknown"),
        ("placed order", {"paymentStatus": "authorised", "fulfillmentStatus": "unfulfilled"}, "unknown"),
        ("placed order", {"fulfillmentStatus": "in the air"}, "unknown"),
        ("placed order", {"paymentStatus": "paid", "fulfillmentStatus": "in the air"}, "paid"),
        ("placed order", {"fulfillmentStatus": "unfulfilled"}, "created"),
        ("paid for order", {"paymentStatus": "authorised"}, "paid"),
    ],
)
def test_that_an_order_was_placed_says_nothing_of_a_state_that_no_table_knows(
    name: str, words: dict[str, str], status: str
) -> None:
    assert of_events(event(name, {"orderID": "1", **words})).row("orders")["status"] == status


@pytest.mark.parametrize(
    ("payment", "status"),
    [
        ("partially_refunded", "partially_refunded"),
        ("Partially Refunded", "partially_refunded"),
        ("VOIDED", "canceled"),
    ],
)
def test_a_state_is_heard_however_its_words_are_joined(payment: str, status: str) -> None:
    outcome = of_order(paymentStatus=payment)
    assert (outcome.row("orders")["status"], outcome.issues) == (status, [])
    assert (
        of_events(event("Placed_Order", {"orderID": "1", "paymentStatus": payment})).row("orders")["status"] == status
    )


@pytest.mark.parametrize("nothing", ["0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "-", "false", "null"])
def test_a_date_that_stands_for_none_cancels_no_order(nothing: str) -> None:
    outcome = of_order(paymentStatus="paid", canceledDate=nothing)
    assert outcome.row("orders")["status"] == "paid"
    assert outcome.rows("order_adjustments") == []
    assert outcome.issues == [("canceledDate", "unparseable", nothing)]


def of_row(header: str, row: str) -> Outcome:
    return normalise("omnisend", "contacts", f"{header}\n{row}\n".encode(), file_name="contacts.csv")


@pytest.mark.parametrize(
    ("header", "row", "channel"),
    [
        ("Email,Status", "kim@mailbox.test,unsubscribed", "email"),
        ("contactID,email,phone,status", "c1,kim@mailbox.test,,unsubscribed", "email"),
        ("Phone,Status", "+4915123456711,unsubscribed", "sms"),
        ("Email,Unsubscribed", "kim@mailbox.test,yes", "email"),
        ("Email,Subscribed", "kim@mailbox.test,no", "email"),
        ("Email,Push Status", "kim@mailbox.test,unsubscribed", "push"),
        ("Email,SMS Unsubscribe Date", "kim@mailbox.test,2026-01-01", "sms"),
    ],
)
def test_a_no_in_a_column_of_a_table_is_heard(header: str, row: str, channel: str) -> None:
    consent = of_row(header, row).row("customer_consents")
    assert (consent["channel"], consent["status"]) == (channel, "opt_out")


def test_a_no_beside_the_date_of_a_yes_came_after_it() -> None:
    consents = of_row("Email,Email Opt-in Date,Email Status", "kim@mailbox.test,2025-01-01,Unsubscribed")
    assert [row["status"] for row in consents.rows("customer_consents")] == ["opt_in", "opt_out"]


@pytest.mark.parametrize("nothing", ["-", "n/a", "NULL", "0000-00-00 00:00:00", "1970-01-01T00:00:00Z"])
def test_a_date_of_consent_that_stands_for_none_is_neither_a_yes_nor_a_no(nothing: str) -> None:
    header = "Email,Email Opt-in Date,SMS Opt-in Date,SMS Opt-out Date"
    outcome = of_row(header, f"kim@mailbox.test,{nothing},2026-01-01,{nothing}")
    assert [(row["channel"], row["status"]) for row in outcome.rows("customer_consents")] == [("sms", "opt_in")]
    assert ("Email Opt-in Date", "unparseable", nothing) in outcome.issues
    assert ("SMS Opt-out Date", "unparseable", nothing) in outcome.issues


@pytest.mark.parametrize(
    ("header", "value"),
    [("Whatsapp Opt-out Date", "2026-01-01"), ("Viber Consent", "no"), ("Channel", "Unsubscribed")],
)
def test_a_no_that_nothing_is_read_from_is_logged(header: str, value: str) -> None:
    outcome = of_row(f"Email,{header}", f"kim@mailbox.test,{value}")
    assert outcome.issues == [(header, "unheard_consent", value)]


@pytest.mark.parametrize(
    ("header", "value"), [("Marketing Cost", "0"), ("Viber Consent", "yes"), ("Unsubscribed At", "")]
)
def test_what_says_no_no_is_not_logged_as_one(header: str, value: str) -> None:
    assert of_row(f"Email,{header},City", f"kim@mailbox.test,{value},Lund").issues == []
