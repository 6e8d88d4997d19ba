"""Consent in every field that any vendor has for it, in every spelling and wrapping: a no is never lost, and a yes is never made up."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pytest

from orchestration.mapping.consent_words import AGREED, REFUSED, bare_word, heard
from orchestration.mapping.consent_words import said as said_in_words
from orchestration.mapping.expressions import roots
from orchestration.mapping.model import Dialect
from orchestration.mapping.record_schema import Leaf, leaves
from orchestration.mapping.words import consent_said
from orchestration.vendors import discover
from tests.support.goldens import Outcome, normalise

MAIL = "ana@example.com"
WHEN = "2026-02-10T10:00:00Z"


@dataclass(frozen=True)
class Place:
    """A field of a dialect that holds a yes or no, and how a record is built around its value; in a table it can only be text."""

    vendor: str
    stream: str
    dialect: str
    field: str
    build: Callable[[Any], dict[str, Any]]
    is_cell: bool = False

    def reported(self, *values: Any) -> Outcome:
        """A record for every value."""
        # What is stated twice in other wrappings is the same record; a field of nobody's keeps them apart.
        own = [{"serial": number} if isinstance(value, dict | list) else {} for number, value in enumerate(values)]
        outcome = normalise(
            self.vendor,
            self.stream,
            [{**self.build(value), **serial} for value, serial in zip(values, own, strict=True)],
        )
        assert set(outcome.dialects) == {self.dialect}
        return outcome


def said(outcome: Outcome) -> dict[int, set[str]]:
    """What each record is heard to say beyond that nothing is known."""
    rows = outcome.normalised.frame("customer_consents").select("source_row", "status").iter_rows()
    heard: dict[int, set[str]] = {number: set() for number in range(1, outcome.normalised.rows_read + 1)}
    for number, status in rows:
        heard[number] |= {status} - {"unknown"}
    return heard


def mistaken(place: Place, values: list[tuple[Any, str | None]]) -> list[tuple[Any, set[str]]]:
    """Values of which the record is heard to say something else than expected, or that are lost in silence."""
    outcome = place.reported(*(value for value, _ in values))
    kept = {path for _, path, _, _ in outcome.drift} - {"serial"} or place.field.startswith("stated in JSON")
    logged = {one.number for one in (*outcome.normalised.issues, *outcome.normalised.rejects)} | (
        {*range(1, len(values) + 1)} if kept else set()
    )
    return [
        (value, heard)
        for (value, expected), (number, heard) in zip(values, said(outcome).items(), strict=True)
        if heard != ({expected} if expected else set()) or (expected is None and number not in logged)
    ]


def omnisend(**fields: Any) -> dict[str, Any]:
    return {"contactID": "c", "email": MAIL, **fields}


def omnisend_channels(channels: Any) -> dict[str, Any]:
    return omnisend(identifiers=[{"type": "email", "id": MAIL, "channels": channels}])


def ometria(**fields: Any) -> dict[str, Any]:
    return {"@type": "contact", "@collection": "web", "id": "1", "email": MAIL, **fields}


def profile(**fields: Any) -> dict[str, Any]:
    return {"@type": "profile", "id": "p", "email": MAIL, **fields}


def voucherify(**fields: Any) -> dict[str, Any]:
    return {"object": "customer", "id": "cust_1", "source_id": "s", "email": MAIL, **fields}


def voucherify_event(**fields: Any) -> dict[str, Any]:
    return {
        "id": "e",
        "type": "customer.updated",
        "created_at": WHEN,
        "data": {"customer": {"id": "cust_1", "email": MAIL, **fields}},
    }


def rc2(**fields: Any) -> dict[str, Any]:
    return {"id": "c", "identifier": {"type": "email", "value": MAIL}, "createdAt": WHEN, **fields}


def transport(**fields: Any) -> dict[str, Any]:
    return {"id": "c", "name": "Ana", "contacts": {"email": MAIL}, "createdAt": WHEN, **fields}


def od_event(body: str, **fields: Any) -> dict[str, Any]:
    more = {} if body == "data" else {"id": "e"}
    return {"eventType": "CUSTOMER_CONSENT_UPDATED", "occurredAt": WHEN, "customerId": "c", body: fields, **more}


def transported(**fields: Any) -> dict[str, Any]:
    return {
        "eventType": "customer.consent.updated",
        "entityType": "customer",
        "occurredAt": WHEN,
        "payload": {"customerId": "c", **fields},
    }


def odp_named(value: Any) -> dict[str, Any]:
    return {"identifier_field_name": "email", "identifier_value": MAIL, "consent": value}


def odp_event(**data: Any) -> dict[str, Any]:
    return {"type": "consent" if "consent" in data else "list", "identifiers": {"email": MAIL}, "data": data}


def odp_flat(**data: Any) -> dict[str, Any]:
    return {"event_type": "consent" if "consent" in data else "list", "email": MAIL, "action": "update", **data}


PLACES = (
    Place("omnisend", "contacts", "omnisend.contact", "status", lambda value: omnisend(status=value)),
    Place(
        "omnisend",
        "contacts",
        "omnisend.contact",
        "statuses[].status",
        lambda value: omnisend(statuses=[{"channel": "email", "status": value}]),
    ),
    Place(
        "omnisend",
        "contacts",
        "omnisend.contact",
        "statuses[].status",
        lambda value: omnisend(statuses=[{"channel": "sms", "state": value}]),
    ),
    Place(
        "omnisend",
        "contacts",
        "omnisend.contact",
        "identifiers[].channels",
        lambda value: omnisend_channels({"email": {"status": value}}),
    ),
    Place(
        "omnisend",
        "contacts",
        "omnisend.contact",
        "identifiers[].channels",
        lambda value: omnisend_channels({"email": value}),
    ),
    *(
        Place(
            "omnisend",
            "contacts",
            "omnisend.csv_contact",
            name,
            lambda value, name=name: {"Email": MAIL, "Phone": "+4915123456704", name: value},
            is_cell=True,
        )
        for name in (
            *(f"{channel} {word}" for channel in ("Email", "SMS", "Push") for word in ("Status", "Consent")),
            "Email Subscription Status",
            "SMS Subscription Status",
            "status",
            "Subscribed",
            "Accepts Marketing",
        )
    ),
    *(
        Place("ometria", stream, dialect, name, lambda value, row=row, name=name: {**row, name: value}, is_cell=True)
        for stream, dialect, row in (
            ("profiles", "ometria.csv_profile", {"id": "p", "email": MAIL, "dates.acquired": WHEN}),
            (
                "contacts",
                "ometria.csv_labelled_contact",
                {"@type": "contact", "id": "1", "email": MAIL, "customer.phone_number": "+4915123456704"},
            ),
        )
        for name in (
            "marketing_optin",
            "channels.sms.allow_marketing",
            "channels.email.allow_transactional",
            "channels.post",
        )
    ),
    Place("ometria", "profiles", "ometria.profile", "marketing_optin", lambda value: profile(marketing_optin=value)),
    *(
        Place(
            "ometria",
            stream,
            dialect,
            "channels",
            lambda value, build=build, wrap=wrap: build(channels={"sms": wrap(value)}),
        )
        for stream, dialect, build in (
            ("profiles", "ometria.profile", profile),
            ("contacts", "ometria.contact", ometria),
        )
        for wrap in (
            lambda value: value,
            lambda value: {"allow_marketing": value},
            lambda value: {"allow_transactional": value},
            lambda value: {"optin": value},
        )
    ),
    Place("ometria", "contacts", "ometria.contact", "marketing_optin", lambda value: ometria(marketing_optin=value)),
    Place(
        "ometria",
        "contacts",
        "ometria.connector_contact",
        "marketing_optin",
        lambda value: {"@type": "contact", "id": "1", "marketing_optin": value},
    ),
    Place(
        "ometria",
        "contacts",
        "ometria.connector_contact",
        "channels",
        lambda value: {"@type": "contact", "id": "1", "channels": {"sms": value}},
    ),
    *(
        Place(
            "ometria",
            "contacts",
            "ometria.csv_contact",
            name,
            lambda value, name=name: {"email": MAIL, "id": "1", name: value},
            is_cell=True,
        )
        for name in (
            "marketing_optin",
            "channels.sms.allow_marketing",
            "channels.email.allow_transactional",
            "channels.post",
        )
    ),
    *(
        Place(
            "voucherify",
            stream,
            dialect,
            field,
            lambda value, build=build, wrap=wrap, key=key: build(**key({"news": wrap(value)})),
        )
        for stream, dialect, start, build in (
            ("customers", "voucherify.customer", "", voucherify),
            ("events", "voucherify.event", "stated in JSON:", voucherify_event),
            ("customers", "voucherify.customer_event", "data.customer.", voucherify_event),
            (
                "customers",
                "voucherify.customer_notice",
                "customer.",
                lambda **fields: {
                    "event": "customer.updated",
                    "created_at": WHEN,
                    "customer": {"id": "cust_1", **fields},
                },
            ),
        )
        for field, key in (
            (f"{start}consents", lambda reported: {"consents": reported}),
            (f"{start}system_metadata.consents", lambda reported: {"system_metadata": {"consents": reported}}),
        )
        for wrap in (lambda value: value, lambda value: {"value": value, "date": WHEN})
    ),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.rc2",
        "consents[].status",
        lambda value: rc2(consents=[{"channel": "EMAIL", "status": value}]),
    ),
    Place("open_delivery", "customers", "open_delivery.rc2", "consents[].status", lambda value: rc2(consents=[value])),
    Place("open_delivery", "customers", "open_delivery.rc2", "consents[].status", lambda value: rc2(consents=value)),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.transport",
        "consent.marketing",
        lambda value: transport(consent=value),
    ),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.transport",
        "consent.marketing",
        lambda value: transport(consent={"marketing": value}),
    ),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.transport.wrapped",
        "customer.consent.marketing",
        lambda value: {"customer": transport(consent={"marketing": value})},
    ),
    *(
        Place(
            "open_delivery",
            "customers",
            dialect,
            f"{start}{field}",
            lambda value, build=build, wrap=wrap: build(**wrap(value)),
        )
        for dialect, start, build in (
            (
                "open_delivery.draft",
                "",
                lambda **fields: {
                    "identifier": {"type": "email", "value": MAIL},
                    "document": {"value": "529.982.247-25"},
                    **fields,
                },
            ),
            ("open_delivery.rc2", "", rc2),
            ("open_delivery.transport", "", transport),
            (
                "open_delivery.transport.wrapped",
                "customer.",
                lambda **fields: {"customer": transport(**fields)},
            ),
        )
        for field, wrap in (
            ("consents[].status", lambda value: {"consents": [{"channel": "EMAIL", "status": value}]}),
            ("consent.marketing", lambda value: {"consent": {"marketing": value}}),
        )
    ),
    *(
        Place(
            "open_delivery",
            "events",
            dialect,
            f"{body}.{field}",
            lambda value, build=build, wrap=wrap: build(**wrap(value)),
        )
        for dialect, body, build in (
            ("open_delivery.draft", "data", lambda **fields: od_event("data", **fields)),
            ("open_delivery.rc2", "payload", lambda **fields: od_event("payload", **fields)),
            ("open_delivery.transport", "payload", transported),
            ("open_delivery.transport.wrapped", "event.payload", lambda **fields: {"event": transported(**fields)}),
        )
        for field, wrap in (
            ("status", lambda value: {"channel": "EMAIL", "status": value}),
            ("consent.status", lambda value: {"consent": value}),
            ("consent.status", lambda value: {"consent": {"status": value}}),
            ("consents[].status", lambda value: {"consents": [value]}),
            ("consents[].status", lambda value: {"consents": [{"status": value}]}),
        )
    ),
    Place("optimizely", "consents", "optimizely.consent", "consent", odp_named),
    Place(
        "optimizely",
        "lists",
        "optimizely.list",
        "subscribed",
        lambda value: {"list_id": "l", "email": MAIL, "action": "update", "subscribed": value},
    ),
    *(
        Place(
            "optimizely",
            "events",
            dialect,
            f"{start}{field}",
            lambda value, build=build, fields=fields: build(**fields(value)),
        )
        for field, fields in (
            ("consent", lambda value: {"consent": value}),
            ("subscribed", lambda value: {"subscribed": value, "list_id": "l"}),
        )
        for dialect, start, build in (
            ("optimizely.event", "data.", odp_event),
            (
                "optimizely.anonymous_event",
                "data.",
                lambda **data: {"type": "consent" if "consent" in data else "list", "data": {"email": MAIL, **data}},
            ),
            ("optimizely.events", "", odp_flat),
            ("optimizely.nested_order", "", lambda **data: odp_flat(**data, order={"order_id": "1"})),
            (
                "optimizely.nested_order",
                "data.",
                lambda **data: {**odp_event(**data), "identifiers": None, "email": MAIL, "order": {"order_id": "1"}},
            ),
            (
                "optimizely.identified_event",
                "",
                lambda **data: {
                    "event_type": "consent" if "consent" in data else "list",
                    "identifiers": {"email": MAIL},
                    "action": "update",
                    **data,
                },
            ),
        )
    ),
)
NO = (
    False,
    0,
    "0",
    "no",
    "False",
    "denied",
    "opted_out",
    "Opt-Out",
    "UNSUBSCRIBED",
    "revoked",
    "withdrawn",
    "declined",
)
YES = (True, 1, "1", "yes", "TRUE", "opted_in", "Subscribed", "granted")
WRAPPED_NO = (
    [False],
    ["opted_out"],
    {"value": False},
    {"status": "denied"},
    {"opted_out": True},
    {"email": "no"},
    [{"status": "unsubscribed"}],
)
NEITHER = ("perhaps", 17, {"a": {"b": "c"}}, ["perhaps", "later"], {"opted_out": False})


@pytest.mark.long
@pytest.mark.parametrize(
    "place", [pytest.param(one, id=f"{one.dialect}-{one.field}-{number}") for number, one in enumerate(PLACES)]
)
def test_a_no_is_heard_in_every_spelling_and_what_is_neither_yes_nor_no_is_logged(place: Place) -> None:
    expected = [
        *((no, "opt_out") for no in NO),
        *((yes, "opt_in") for yes in YES),
        *((other, None) for other in NEITHER[:2]),
    ]
    if not place.is_cell:
        expected += [*((no, "opt_out") for no in WRAPPED_NO), *((other, None) for other in NEITHER[2:])]
    assert mistaken(place, expected) == [], "heard otherwise"


def test_every_field_for_consent_has_a_place_here() -> None:
    tried = {(place.dialect, place.field) for place in PLACES}
    there = {
        (dialect.name, path)
        for dialect in dialects()
        for path, leaf in leaves(dialect.shape)
        if _is_consent(leaf) and _is_read(dialect, path)
    }
    assert set(map(_of_any_channel, there)) - set(map(_of_any_channel, tried)) == set()


def _of_any_channel(field: tuple[str, str]) -> tuple[str, str]:
    """The columns of a table for each channel are alike."""
    return field[0], re.sub(r"^channels\.[a-z_]+", "channels.x", field[1])


def dialects() -> list[Dialect]:
    return [dialect for vendor in discover().values() for dialect in vendor.dialects]


def _is_consent(leaf: Any) -> bool:
    if isinstance(leaf, Leaf):
        return leaf.is_consent
    return isinstance(leaf.value, dict) and any(inner.is_consent for inner in leaf.value.values())


def _is_read(dialect: Dialect, path: str) -> bool:
    """Some row of consent hangs on the field."""
    selects = [select for select in dialect.rows if select.table == "customer_consents"]
    name = path.rpartition(".")[2]
    return any(name in " ".join(roots((select.each, select.columns["status"], select.where))) for select in selects)


@pytest.mark.parametrize(
    ("place", "no"),
    [
        ({"optOuts": ["sms"]}, ("sms", "opt_out")),
        ({"optOuts": "sms"}, ("sms", "opt_out")),
        ({"optOuts": [True]}, ("all", "opt_out")),
        ({"optOuts": True}, ("all", "opt_out")),
        ({"optIns": False}, ("all", "opt_out")),
        ({"optIns": ["unsubscribed"]}, ("all", "opt_out")),
        ({"optIns": ["email"]}, ("email", "opt_in")),
        ({"statuses": ["unsubscribed"]}, ("all", "opt_out")),
        ({"optOuts": [False]}, None),
        ({"optIns": [True]}, None),
    ],
)
def test_a_list_of_opt_ins_or_opt_outs_may_name_its_channels_alone(
    place: dict[str, Any], no: tuple[str, str] | None
) -> None:
    outcome = normalise("omnisend", "contacts", [omnisend(**place)])
    assert [(row["channel"], row["status"]) for row in outcome.rows("customer_consents")] == ([no] if no else [])
    assert outcome.issues


TIMES = (
    Place(
        "omnisend",
        "contacts",
        "omnisend.csv_contact",
        "Email Opt-in Date",
        lambda value: {"Email": MAIL, "Email Opt-in Date": value},
    ),
    Place(
        "ometria",
        "profiles",
        "ometria.profile",
        "dates.marketing_optin",
        lambda value: profile(dates={"marketing_optin": value}),
    ),
    Place(
        "ometria",
        "contacts",
        "ometria.contact",
        "timestamp_subscribed",
        lambda value: ometria(timestamp_subscribed=value),
    ),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.rc2",
        "consents[].grantedAt",
        lambda value: rc2(consents=[{"grantedAt": value}]),
    ),
)
REFUSAL_TIMES = (
    Place(
        "omnisend",
        "contacts",
        "omnisend.csv_contact",
        "Email Opt-out Date",
        lambda value: {"Email": MAIL, "Email Opt-out Date": value},
    ),
    Place(
        "ometria",
        "profiles",
        "ometria.profile",
        "dates.marketing_optout",
        lambda value: profile(dates={"marketing_optout": value}),
    ),
    Place(
        "ometria",
        "contacts",
        "ometria.contact",
        "timestamp_unsubscribed",
        lambda value: ometria(timestamp_unsubscribed=value),
    ),
    Place(
        "open_delivery",
        "customers",
        "open_delivery.rc2",
        "consents[].revokedAt",
        lambda value: rc2(consents=[{"revokedAt": value}]),
    ),
)


@pytest.mark.parametrize("place", TIMES, ids=lambda place: place.dialect)
@pytest.mark.parametrize(
    ("value", "status"),
    [(False, "opt_out"), ("no", "opt_out"), ("denied", "opt_out"), (True, "opt_in"), (WHEN, "opt_in")],
)
def test_a_word_in_place_of_the_time_of_a_yes_is_what_it_says(place: Place, value: Any, status: str) -> None:
    outcome = place.reported(value)
    assert said(outcome) == {1: {status}}
    assert (value == WHEN) == (not outcome.issues)


@pytest.mark.parametrize("place", REFUSAL_TIMES, ids=lambda place: place.dialect)
@pytest.mark.parametrize(
    ("value", "heard_no"),
    [(True, {"opt_out"}), ("unsubscribed", {"opt_out"}), (WHEN, {"opt_out"}), (False, set()), ("no", set())],
)
def test_a_no_in_place_of_the_time_of_a_no_is_none_and_logged(place: Place, value: Any, heard_no: set[str]) -> None:
    outcome = place.reported(value)
    assert said(outcome) == {1: heard_no}
    assert (value == WHEN) == (not outcome.issues)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("complained", "opt_out"),
        ("Unsubscribed (manual)", "opt_out"),
        ("spam complaint", "opt_out"),
        ("do_not_email", "opt_out"),
        ("opted-out by phone", "opt_out"),
        ("casino unsubscribed", "opt_out"),
        ("Désinscrit le 3 mai", "opt_out"),
        ("opt\u2011out", "opt_out"),
        ("Opt\u2013In", "opt_in"),
        ("NO - UNSUBSCRIBED", "opt_out"),
        ("Désabonné", "opt_out"),
        ("desuscrito por el cliente", "opt_out"),
        ("newsletter abbestellt", "opt_out"),
        ("Widerspruch vom 3. Mai", "opt_out"),
        ("not granted", "opt_out"),
        ("no consent", "opt_out"),
        ("No, thanks", "opt_out"),
        ("nicht zugestimmt", "opt_out"),
        ("dado de baja", "opt_out"),
        ("blacklisted", "opt_out"),
        ("not confirmed", None),
        ("expired", None),
        ("bounced", None),
        ("hard bounce: mailbox disabled", None),
        ("not unsubscribed", None),
        ("niet uitgeschreven", None),
        ("kein Widerspruch", None),
        ("pas désabonnée", None),
        ("neverOptedOut", None),
        ("No complaints", None),
        ("resubscribed", None),
    ],
)
def test_a_word_that_holds_a_refusal_or_a_complaint_is_a_no_and_a_bounce_is_none(word: str, status: str | None) -> None:
    read = pl.DataFrame({"word": [word]}).select(consent_said(pl.col("word"))).item()
    assert (said_in_words(word), read) == (status, status)


CALLED_AFTER_A_REFUSAL = [
    ("ometria", "custom_events", {"id": "1", "event_type": "email_unsubscribed", "timestamp": WHEN, "email": MAIL}),
    ("omnisend", "events", {"eventName": "Message marked as spam", "eventTime": WHEN, "contact": {"email": MAIL}}),
    ("optimizely", "events", {"type": "custom", "action": "unsubscribe", "identifiers": {"email": MAIL}, "data": {}}),
    ("open_delivery", "events", {"eventId": "1", "eventType": "CUSTOMER_CONSENT_REVOKED", "createdAt": WHEN}),
]


@pytest.mark.parametrize(("vendor", "stream", "event"), CALLED_AFTER_A_REFUSAL)
def test_an_event_that_is_called_after_a_refusal_is_logged_where_no_consent_is_read_from_it(
    vendor: str, stream: str, event: dict[str, Any]
) -> None:
    outcome = normalise(vendor, stream, [event])
    assert [code for _, code, _ in outcome.issues] == ["unheard_consent"]


@pytest.mark.parametrize("event", ["Subscribed again", "no complaints", "placed order"])
def test_an_event_that_is_not_called_after_a_refusal_is_not_logged_as_one(event: str) -> None:
    record = {"eventName": event, "eventTime": WHEN, "contact": {"email": MAIL}}
    assert normalise("omnisend", "events", [record]).issues == []


@pytest.mark.parametrize(
    "found",
    [
        {"system_metadata": {"consents": {"unsubscribed": {"value": True, "date": WHEN}}}},
        {"settings": {"mail": {"marketing_consent": False}}},
        {"settings": [{"marketing_consent": True}, {"mail": [{"marketing_consent": False}]}]},
    ],
)
def test_a_no_inside_what_nothing_is_read_from_is_logged_however_deep_it_lies(found: dict[str, Any]) -> None:
    order = {"id": "o", "object": "order", "status": "CREATED", "created_at": WHEN, "customer": {"id": "c", **found}}
    assert [code for _, code, _ in normalise("voucherify", "orders", [order]).issues] == ["unheard_consent"]


@pytest.mark.parametrize("channel", ["mail", "carrier pigeon"])
@pytest.mark.parametrize("says_no", [True, False])
def test_a_no_to_a_channel_that_cannot_be_read_is_one_to_all_and_a_yes_is_one_to_none(
    channel: str, *, says_no: bool
) -> None:
    word = "unsubscribed" if says_no else "subscribed"
    for vendor, stream, record in (
        ("omnisend", "contacts", omnisend(statuses=[{"channel": channel, "status": word}])),
        ("omnisend", "contacts", omnisend_channels({channel: {"status": word}})),
        ("omnisend", "contacts", omnisend(**{"optOuts" if says_no else "optIns": [{"channel": channel}]})),
        ("ometria", "contacts", ometria(channels={channel: {"allow_marketing": not says_no}})),
        ("open_delivery", "customers", rc2(consents=[{"channel": channel, "status": word}])),
        ("open_delivery", "events", od_event("payload", channel=channel, status=word)),
    ):
        outcome = normalise(vendor, stream, [record])
        reported = [
            row.get("channel")
            for row in outcome.rows("customer_consents")
            if row["status"] == ("opt_out" if says_no else "opt_in")
        ]
        assert reported == ["all" if says_no else None], vendor
        assert ("channel", "unknown_word", channel) in outcome.issues


@pytest.mark.parametrize(
    ("vendor", "stream", "record"),
    [
        ("omnisend", "contacts", omnisend(optOuts=[{"channel": "email", "date": "2026-02-01"}])),
        ("omnisend", "contacts", {"Email": MAIL, "Email Opt-out Date": "2026-02-01"}),
        ("ometria", "contacts", ometria(timestamp_unsubscribed="2026-02-01")),
        ("ometria", "profiles", profile(dates={"marketing_optout": "2026-02-01"})),
        ("open_delivery", "customers", rc2(consents=[{"channel": "email", "revokedAt": "2026-02-01"}])),
        ("voucherify", "customers", voucherify(consents={"unsubscribed": {"value": True, "date": "2026-02-01"}})),
        ("optimizely", "consents", odp_named(value=False) | {"consent_update_ts": "02/01/2026"}),
    ],
)
def test_a_no_of_a_day_counts_to_the_end_of_it(vendor: str, stream: str, record: dict[str, Any]) -> None:
    [no] = [row for row in normalise(vendor, stream, [record]).rows("customer_consents") if row["status"] == "opt_out"]
    assert (str(no["effective_at"])[:19], no["is_effective_at_inferred"]) == ("2026-02-01 23:59:59", True)


def test_the_day_of_a_no_ends_where_the_account_is() -> None:
    record = ometria(timestamp_unsubscribed="2026-02-01")
    [no] = [
        row
        for row in normalise("ometria", "contacts", [record], time_zone="America/Sao_Paulo").rows("customer_consents")
        if row["status"] == "opt_out"
    ]
    assert str(no["effective_at"])[:19] == "2026-02-02 02:59:59"


def test_a_yes_of_a_day_counts_from_the_beginning_of_it() -> None:
    [yes] = normalise("ometria", "contacts", [ometria(timestamp_subscribed="2026-02-01")]).rows("customer_consents")
    assert str(yes["effective_at"])[:19] == "2026-02-01 00:00:00"


EARLY, LATE, LAST_CHANGE = "2025-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-15T00:00:00Z"
GIVEN_LATE = {"marketing_optin": "EXPLICITLY_OPTEDOUT", "timestamp_subscribed": LATE}
ALLOWED_LATE = {"email": {"allow_marketing": True, "dt_updated_marketing": LATE}}


@pytest.mark.parametrize(
    ("vendor", "stream", "record"),
    [
        ("ometria", "contacts", ometria(**GIVEN_LATE, dt_object_updated=LAST_CHANGE)),
        ("ometria", "contacts", ometria(**GIVEN_LATE, dt_object_updated=LAST_CHANGE, timestamp_unsubscribed=EARLY)),
        (
            "ometria",
            "contacts",
            {
                "email": MAIL,
                "id": "1",
                **GIVEN_LATE,
                "timestamp_unsubscribed": EARLY,
                "dt_object_updated": LAST_CHANGE,
            },
        ),
        (
            "ometria",
            "contacts",
            ometria(
                marketing_optin="EXPLICITLY_OPTEDIN",
                timestamp_subscribed=LATE,
                channels={"email": {"allow_marketing": False, "dt_updated_marketing": EARLY}},
            ),
        ),
        (
            "ometria",
            "contacts",
            ometria(marketing_optin="EXPLICITLY_OPTEDOUT", timestamp_unsubscribed=EARLY, channels=ALLOWED_LATE),
        ),
        (
            "ometria",
            "profiles",
            profile(marketing_optin=False, dates={"marketing_optin": LATE, "marketing_optout": EARLY}),
        ),
        (
            "omnisend",
            "contacts",
            {"Email": MAIL, "Email Opt-in Date": LATE, "Email Opt-out Date": EARLY, "Email Status": "unsubscribed"},
        ),
        (
            "omnisend",
            "contacts",
            {"Email": MAIL, "Email Opt-in Date": LATE, "status": "unsubscribed", "statusDate": EARLY},
        ),
        ("omnisend", "contacts", {"Email": MAIL, "Email Opt-in Date": LATE, "Unsubscribed": "yes"}),
        (
            "open_delivery",
            "customers",
            rc2(consents=[{"channel": "email", "status": "opt_out", "grantedAt": LATE, "revokedAt": EARLY}]),
        ),
        (
            "open_delivery",
            "events",
            od_event(
                "payload", consent={"channel": "email", "status": "revoked", "grantedAt": LATE, "revokedAt": EARLY}
            ),
        ),
    ],
)
def test_a_no_of_today_is_no_older_than_the_yes_beside_it(vendor: str, stream: str, record: dict[str, Any]) -> None:
    last = {"opt_in": "", "opt_out": ""}
    for row in normalise(vendor, stream, [record]).rows("customer_consents"):
        if row["status"] in last:
            last[row["status"]] = max(last[row["status"]], str(row["effective_at"]))
    assert last["opt_in"] and last["opt_out"] >= last["opt_in"]


@pytest.mark.parametrize("other", ["2026-02-28T10:30:00+02:00", "some day"])
@pytest.mark.parametrize(
    ("vendor", "stream", "yes", "record"),
    [
        (
            "voucherify",
            "customers",
            lambda at: {"value": True, "date": at},
            lambda one, other: {
                "id": "c",
                "object": "customer",
                "consents": {"unsubscribed": {"value": True}, "marketing": one, "news": other},
            },
        ),
        (
            "open_delivery",
            "customers",
            lambda at: {"status": "opt_in", "grantedAt": at},
            lambda one, other: rc2(consents=[{"channel": "email", "status": "revoked"}, one, other]),
        ),
        (
            "omnisend",
            "contacts",
            lambda at: {"status": "subscribed", "date": at},
            lambda one, other: {
                "contactID": "c",
                "identifiers": [{"type": "email", "id": MAIL, "channels": {"email": one, "sms": other}}],
                "statuses": [{"channel": "email", "status": "unsubscribed"}],
            },
        ),
        (
            "omnisend",
            "contacts",
            lambda at: {"channel": "email", "status": "subscribed", "date": at},
            lambda one, other: {
                "contactID": "c",
                "email": MAIL,
                "status": "unsubscribed",
                "statuses": [one, other],
            },
        ),
    ],
)
def test_a_no_without_a_time_came_after_every_yes_however_their_times_are_written(
    vendor: str, stream: str, yes: Callable[[str], Any], record: Callable[[Any, Any], dict[str, Any]], other: str
) -> None:
    """The later of them is the smaller text, or the other is none that can be read."""
    said = record(yes("2026-02-28T09:00:00Z"), yes(other))
    rows = normalise(vendor, stream, [said], export_date=date(2026, 2, 28)).rows("customer_consents")
    [refused] = [row for row in rows if row["status"] == "opt_out"]
    assert str(refused["effective_at"])[:16] == "2026-02-28 09:00"


@pytest.mark.parametrize(
    "record",
    [
        {"Email": MAIL, "Email Opt-in Date": "2026-03-01", "Email Status": "unsubscribed"},
        {"Email": MAIL, "Email Opt-in Date": "2026-03-01", "Email Opt-out Date": "yes"},
    ],
)
def test_a_no_without_a_time_is_no_older_than_a_yes_of_the_day_of_its_export(record: dict[str, Any]) -> None:
    yes, no = normalise("omnisend", "contacts", [record]).rows("customer_consents")
    assert (yes["status"], no["status"], no["is_effective_at_inferred"]) == ("opt_in", "opt_out", True)
    assert no["effective_at"] == yes["effective_at"]


def test_a_date_of_a_no_later_than_that_of_the_yes_is_all_that_its_word_says() -> None:
    dates = {"Email Opt-in Date": EARLY, "Email Opt-out Date": LATE, "Email Status": "unsubscribed"}
    reported = normalise("omnisend", "contacts", [{"Email": MAIL, **dates}]).rows("customer_consents")
    assert [(row["status"], str(row["effective_at"])[:10]) for row in reported] == [
        ("opt_in", EARLY[:10]),
        ("opt_out", LATE[:10]),
    ]


def test_no_word_means_yes_and_no() -> None:
    assert not set(map(bare_word, AGREED)) & set(map(bare_word, REFUSED))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": True, "unsubscribed": True}, "unsubscribed"),
        ({"value": "2026-01-01"}, None),
        ({"email": True}, None),
        ({"email": False}, False),
        ({"version": 0}, None),
        ([[["denied"]]], "denied"),
        (None, None),
    ],
)
def test_of_several_words_the_no_is_heard(value: Any, expected: Any) -> None:
    assert heard(value) == expected
