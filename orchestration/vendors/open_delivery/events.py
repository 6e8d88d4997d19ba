"""Events: relationship events of the draft, rc.2 and the transport bindings, loyalty events, and operational order
events.

An order event that names its order makes a row of that order; a cancellation is an adjustment of it as well. Amounts in
relationship events are in cents. Names come in two fashions, `ORDER_COMPLETED` and `order.completed`; operational
events say the bare state.
"""

import polars as pl

from orchestration.mapping.expressions import at, filled, first_given, given, item, lookup, raw
from orchestration.mapping.model import Dialect, dialect
from orchestration.mapping.record_schema import EXTRA, JSON, NUMBER, TEXT, Open
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import Contact, Identifier, IssueRule, Rows, rows, unheard_refusal
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import is_no, words
from orchestration.parsing.text import clean
from orchestration.vendors.open_delivery.consents import CONSENT, consent, consent_issues, since, stated_consents
from orchestration.vendors.open_delivery.identifiers import (
    IDENTIFIER,
    canonical_identifier,
    customer_key,
    customer_reference,
)
from orchestration.vendors.open_delivery.order_words import STATUS_WORDS, status_of

EVENTS: dict[str, tuple[str, str, str, str]] = {
    # name: type, action, engagement class, whether the person did it
    "order.completed": ("order", "purchase", "purchase", "true"),
    "order.delivered": ("order", "purchase", "purchase", "true"),
    "order.created": ("order", "create", "intent", "true"),
    "order.cancelled": ("order", "cancel", "none", "false"),
    "order.canceled": ("order", "cancel", "none", "false"),
    "cart.abandoned": ("product", "cart_abandoned", "none", "false"),
    "customer.created": ("customer", "created", "none", "false"),
    "customer.updated": ("customer", "updated", "none", "false"),
    "customer.consent.updated": ("consent", "updated", "none", "false"),
    "customer.opted.in": ("consent", "updated", "none", "false"),
    "customer.opted.out": ("consent", "updated", "none", "false"),
    "customer.consent.granted": ("consent", "updated", "none", "false"),
    "customer.consent.revoked": ("consent", "updated", "none", "false"),
    "customer.subscribed": ("consent", "updated", "none", "false"),
    "customer.unsubscribed": ("consent", "updated", "none", "false"),
    "lead.created": ("lead", "created", "none", "false"),
    "review.created": ("review", "created", "review", "true"),
}
FAMILIES = {"order": "none", "customer": "none", "lead": "none", "loyalty": "loyalty", "review": "none"}
EVENT_WORDS = STATUS_WORDS | dict.fromkeys(EVENTS, "")
OPT_EVENTS = {
    "customer.opted.in": "opt_in",
    "customer.consent.granted": "opt_in",
    "customer.subscribed": "opt_in",
    "customer.opted.out": "opt_out",
    "customer.consent.revoked": "opt_out",
    "customer.unsubscribed": "opt_out",
}


def _dotted(name: pl.Expr) -> pl.Expr:
    """`ORDER_COMPLETED`, `orderCompleted` and `order.completed` in one fashion."""
    apart = clean(name).str.replace_all(r"([a-z0-9])([A-Z])", "${1}.${2}")
    return apart.str.to_lowercase().str.replace_all(r"[\s_-]+", ".")


def _words(name: pl.Expr, stated: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr, pl.Expr]:
    """Type, action, engagement class and activity of an event by its dotted name; `stated` is the name as delivered."""
    known = [lookup(name, {word: values[place] for word, values in EVENTS.items()}) for place in range(4)]
    family = name.str.extract(r"^([^.]+)\.")
    is_family = family.is_in(list(FAMILIES))
    event_type = pl.coalesce(known[0], pl.when(is_family).then(family), pl.when(given(name)).then(pl.lit("custom")))
    action = pl.coalesce(
        known[1],
        pl.when(is_family).then(name.str.replace(r"^[^.]+\.", "").str.replace_all(".", "_", literal=True)),
        clean(stated).str.to_lowercase(),
    )
    engagement = pl.coalesce(known[2], lookup(family, FAMILIES), pl.lit("custom"))
    active = pl.coalesce(known[3], pl.when(is_family).then(pl.lit("false")), pl.lit("true"))
    return event_type, action, engagement, active


def _dialect(
    dialect_name: str,
    shape: dict[str, object],
    *,
    name: pl.Expr,
    word: pl.Expr,
    at_time: pl.Expr,
    order_id: pl.Expr,
    properties: str | None,
    about: Contact | None,
    has: tuple[str, ...],
    event_id: pl.Expr | None = None,
    money: str | None = None,
    body: str | None = None,
) -> Dialect:
    event_type, action, engagement, active = _words(word, name)
    is_about_order = (event_type == "order") & given(order_id)
    optional: dict[str, Value] = {} if event_id is None else {"event_id": event_id}
    if properties is not None:
        optional["properties"] = raw(properties)
    amounts: dict[str, Value] = (
        {} if money is None else {"total": at(f"{money}.totalAmount"), "currency": at(f"{money}.currency")}
    )
    is_creation = (action == "create").fill_null(value=False)
    selects = [
        rows(
            "events",
            event_type=event_type,
            event_action=action,
            event_name_raw=name,
            engagement_class=engagement,
            is_active=active,
            occurred_at=time(at_time, else_export_date=True),
            source_order_id=order_id,
            **optional,
        ),
        rows(
            "orders",
            where=is_about_order,
            amounts="minor" if money else "major",
            is_amount_unit_inferred=money is not None,
            source_order_id=order_id,
            ordered_at=time(at_time, else_export_date=True, is_inferred=~is_creation),
            source_updated_at=time(at_time),
            canceled_at=time(pl.when(action == "cancel").then(at_time)),
            status_raw=name,
            status=words(status_of(name), (name, EVENT_WORDS)),
            is_from_event=Typed(pl.lit(value=True)),
            **amounts,
        ),
        rows(
            "order_adjustments",
            where=is_about_order & (action == "cancel"),
            source_order_id=order_id,
            action=pl.lit("cancel"),
            amount_kind=pl.lit("running_total"),
            occurred_at=time(at_time, else_export_date=True),
        ),
    ]
    opted, issue_rules = (
        ((), (unheard_refusal("eventType", name, unless=~_dotted(name).str.starts_with("customer.")),))
        if body is None
        else (_opted(name, at_time, body), (*consent_issues(f"{body}."), _unheard(name, event_type, body)))
    )
    return dialect(
        dialect_name,
        "event",
        shape,
        *selects,
        *opted,
        about=about,
        has=has,
        issue_rules=issue_rules,
        duplicates_of="events",
        kinds=("event",),
    )


def _event_status(name: pl.Expr, body: str) -> pl.Expr:
    """The yes or no of an event of consent as a whole, by its name or the word in its body."""
    event = _dotted(name)
    is_update = (event == "customer.consent.updated").fill_null(value=False)
    refuses = event.str.starts_with("customer.") & is_no(event.str.replace_all(".", " ", literal=True))
    return pl.coalesce(
        lookup(event, OPT_EVENTS),
        pl.when(refuses).then(pl.lit("opt_out")),
        pl.when(is_update).then(at(f"{body}.status")),
    )


def _unheard(name: pl.Expr, event_type: pl.Expr, body: str) -> IssueRule:
    """An event of consent out of which no consent is read: it may have been a no."""
    fields = ("status", "grantedAt", "revokedAt")
    is_heard = (
        given(_event_status(name, body))
        | filled(at(f"{body}.consents"))
        | pl.any_horizontal(given(at(f"{body}.consent.{field}")) for field in fields)
    )
    is_consent = (event_type == "consent") | (_dotted(name).str.contains(r"^customer\.consents?\."))
    return IssueRule("eventType", name, is_consent.fill_null(value=False) & ~is_heard, code="unheard_consent")


def _opted(name: pl.Expr, at_time: pl.Expr, body: str) -> tuple[Rows, ...]:
    """Consents that an event reports: by its name, beside its body's channel, or as one consent or a list of them as
    customers have."""
    status = _event_status(name, body)
    return (
        consent(at(f"{body}.channel"), at(f"{body}.purpose"), status, since(at_time), where=given(status)),
        *stated_consents(lambda field: at(f"{body}.consent.{field}"), each=None, reported_at=at_time),
        *stated_consents(item, each=f"{body}.consents", reported_at=at_time),
    )


BODY = Open(
    {
        "orderId": TEXT,
        "customerId": TEXT,
        "totalAmount": NUMBER,
        "currency": TEXT,
        "purpose": TEXT,
        "channel": TEXT,
        "status": consented(TEXT),
        "consents": [CONSENT],
        "consent": CONSENT,
    }
)


def _about(customer_id: pl.Expr, path: str, *more: Identifier, profile_id: pl.Expr | None = None) -> Contact:
    return Contact(
        identifiers=(customer_reference(customer_id, path), *more),
        profile_id=customer_id if profile_id is None else profile_id,
    )


draft_event = _dialect(
    "open_delivery.draft",
    {"eventType": TEXT, "occurredAt": TEXT, "customerId": TEXT, "data": BODY},
    name=at("eventType"),
    word=_dotted(at("eventType")),
    at_time=at("occurredAt"),
    order_id=at("data.orderId"),
    properties="data",
    money="data",
    body="data",
    about=_about(first_given(at("customerId"), at("data.customerId")), "customerId"),
    has=("eventType",),
)
rc2_customer_id = first_given(at("customerId"), at("payload.customerId"))
rc2_event = _dialect(
    "open_delivery.rc2",
    {
        "id": TEXT,
        "eventType": TEXT,
        "occurredAt": TEXT,
        "customerIdentifier": IDENTIFIER,
        "orderId": TEXT,
        "accountId": EXTRA,
        "customerId": TEXT,
        "programId": EXTRA,
        "payload": BODY,
    },
    name=at("eventType"),
    word=_dotted(at("eventType")),
    at_time=at("occurredAt"),
    event_id=at("id"),
    order_id=first_given(at("orderId"), at("payload.orderId")),
    properties="payload",
    money="payload",
    body="payload",
    about=_about(
        rc2_customer_id,
        "customerId",
        canonical_identifier("customerIdentifier"),
        profile_id=pl.coalesce(rc2_customer_id, customer_key("customerIdentifier")),
    ),
    has=("eventType",),
)
transport_event = _dialect(
    "open_delivery.transport",
    {"eventType": TEXT, "entityType": EXTRA, "occurredAt": TEXT, "payload": BODY},
    name=at("eventType"),
    word=_dotted(at("eventType")),
    at_time=at("occurredAt"),
    order_id=at("payload.orderId"),
    properties="payload",
    money="payload",
    body="payload",
    about=_about(at("payload.customerId"), "payload.customerId"),
    has=("eventType", "entityType"),
)
PUSHED_BODY = {
    "orderId": TEXT,
    "customerId": TEXT,
    "totalAmount": NUMBER,
    "currency": TEXT,
    "purpose": TEXT,
    "channel": TEXT,
    "status": consented(TEXT),
    "changedFields": EXTRA,
    "consents": [CONSENT],
    "consent": CONSENT,
}
pushed_event = _dialect(
    "open_delivery.transport.wrapped",
    {"event": {"eventType": TEXT, "entityType": EXTRA, "occurredAt": TEXT, "payload": PUSHED_BODY}},
    name=at("event.eventType"),
    word=_dotted(at("event.eventType")),
    at_time=at("event.occurredAt"),
    order_id=at("event.payload.orderId"),
    properties=None,
    money="event.payload",
    body="event.payload",
    about=_about(at("event.payload.customerId"), "event.payload.customerId"),
    has=("event",),
)
operational_event = _dialect(
    "open_delivery.order_event",
    {
        "eventId": TEXT,
        "eventType": TEXT,
        "orderId": TEXT,
        "orderURL": EXTRA,
        "createdAt": TEXT,
        "sourceAppId": EXTRA,
        "metadata": JSON,
    },
    name=at("eventType"),
    word=pl.concat_str(pl.lit("order."), _dotted(at("eventType"))),
    at_time=at("createdAt"),
    event_id=at("eventId"),
    order_id=at("orderId"),
    properties="metadata",
    about=None,
    has=("eventId",),
)

EVENT_DIALECTS = (draft_event, rc2_event, transport_event, pushed_event, operational_event)
