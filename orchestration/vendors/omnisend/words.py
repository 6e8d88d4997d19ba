"""Omnisend's words for events and states, and what they mean here."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    furthest,
)
from orchestration.mapping.values import Word
from orchestration.mapping.words import (
    is_unknown,
    translated,
    words,
)

# -- words -----------------------------------------------------------------------------------------------------------

EVENTS: dict[str, tuple[str, str, str, str]] = {
    # name: type, action, engagement class, whether the person did it
    "placed order": ("order", "place", "purchase", "true"),
    "paid for order": ("order", "pay", "none", "false"),
    "ordered product": ("order", "line", "none", "false"),
    "order fulfilled": ("order", "fulfil", "none", "false"),
    "order refunded": ("order", "refund", "none", "false"),
    "order canceled": ("order", "cancel", "none", "false"),
    "order cancelled": ("order", "cancel", "none", "false"),
    "started checkout": ("product", "checkout", "intent", "true"),
    "added product to cart": ("product", "add_to_cart", "intent", "true"),
    "viewed product": ("product", "view", "browse", "true"),
}
PAYMENT_STATUS = {
    "awaitingPayment": "pending_payment",
    "partiallyPaid": "pending_payment",
    "paid": "paid",
    "partiallyRefunded": "partially_refunded",
    "refunded": "refunded",
    "voided": "canceled",
}
FULFILLMENT_STATUS = {
    "inProgress": "in_progress",
    "fulfilled": "shipped",
    "delivered": "completed",
    "restocked": "canceled",
}
KNOWN_FULFILLMENT = {**FULFILLMENT_STATUS, "unfulfilled": ""}  # says nothing of the order's state
EVENT_STATUS = {
    "placed order": "created",
    "paid for order": "paid",
    "order fulfilled": "shipped",
    "order canceled": "canceled",
    "order cancelled": "canceled",
}
CONTACT_STATUS = ("subscribed", "unsubscribed", "nonSubscribed")
IDENTIFIER_TYPE = {"email": "email", "phone": "phone"}
EMPTY = pl.lit(None, pl.String)


def status(payment: pl.Expr, fulfillment: pl.Expr, *reported: pl.Expr) -> pl.Expr:
    """Status of an order; goods put back on the shelf of an order that was paid back do not cancel it."""
    paid = translated(payment, PAYMENT_STATUS)
    shipped = translated(fulfillment, FULFILLMENT_STATUS)
    is_paid_back = paid.is_in(["partially_refunded", "refunded"]).fill_null(value=False)
    return furthest(
        paid, pl.when(~(is_paid_back & (shipped == "canceled").fill_null(value=False))).then(shipped), *reported
    ).fill_null("unknown")


def event_status(payment: pl.Expr, fulfillment: pl.Expr) -> pl.Expr:
    """What the name of an event says of its order. That it was placed says nothing beside a state that is not known."""
    reported = translated(at("eventName"), EVENT_STATUS)
    is_any_unknown = pl.any_horizontal(
        is_unknown(stated, table) for stated, table in ((payment, PAYMENT_STATUS), (fulfillment, KNOWN_FULFILLMENT))
    )
    return pl.when(~is_any_unknown | (reported != "created")).then(reported)


def word_of_state(status: pl.Expr, payment: pl.Expr, fulfillment: pl.Expr) -> Word:
    """The status with the words it was made of: one that is not known is logged."""
    return words(status, (payment, PAYMENT_STATUS), (fulfillment, KNOWN_FULFILLMENT))


def dialled(phone_number: pl.Expr) -> pl.Expr:
    """The number without the apostrophe that makes spreadsheets keep it as text."""
    return phone_number.str.strip_chars().str.strip_prefix("'")


def event_word(position: int, default: str | pl.Expr) -> pl.Expr:
    """One of the words of an event name; custom events have the default."""
    known = translated(at("eventName"), {name: words[position] for name, words in EVENTS.items()})
    return pl.coalesce(known, pl.lit(default) if isinstance(default, str) else default)
