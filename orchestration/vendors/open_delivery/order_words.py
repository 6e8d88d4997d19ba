"""Words of orders for states and payments, and what they mean here."""

import polars as pl

from orchestration.mapping.record_schema import NUMBER, TEXT, alone
from orchestration.mapping.words import translated

# Requests to cancel and the answers to them change nothing, although some contain the word: they are no statement of
# the state.
NO_CHANGE = (
    "cancellation_requested", "order_cancellation_request", "order_cancellation_requested", "cancellation_request_accepted", "cancellation_request_denied",
    "cancelled_denied", "canceled_denied", "cancellation_denied",
)  # fmt: skip
STATUS = {
    "created": "created",
    "confirmed": "in_progress",
    "preparing": "in_progress",
    "preparation_requested": "in_progress",
    "ready": "in_progress",
    "ready_for_pickup": "in_progress",
    "pickup_area_assigned": "in_progress",
    "pickup_ongoing": "in_progress",
    "dispatched": "shipped",
    "in_delivery": "shipped",
    "delivery_ongoing": "shipped",
    "order_collected": "shipped",
    "arrived_at_customer": "shipped",
    "rider_arrived_at_store": "shipped",
    "picked_up": "completed",
    "delivered": "completed",
    "concluded": "completed",
    "completed": "completed",
    "cancelled": "canceled",
    "canceled": "canceled",
}
PAYMENT_TYPES = {"PREPAID": "prepaid", "PENDING": "pending"}
DELIVERY_FEES = ("DELIVERY_FEE",)

PRICE = {"value": alone(NUMBER), "currency": TEXT}


def status_of(stated: pl.Expr) -> pl.Expr:
    """Our status of an order state or event name; null where it says nothing of the state."""
    bare = (
        stated.str.strip_chars()
        .str.to_lowercase()
        .str.strip_prefix("order.")
        .str.replace("^order[_ -]?(completed|cancell?ed|created|delivered)$", "$1")
    )
    return translated(bare, STATUS)


# Every word of a state that is known, be it that it says something of the state or nothing.
STATUS_WORDS = {
    f"{start}{word}": state
    for start in ("", "order.", "order_")
    for word, state in (STATUS | dict.fromkeys(NO_CHANGE, "")).items()
}
