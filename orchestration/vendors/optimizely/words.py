"""ODP's words for events, states, identifiers and consents, and what they mean here."""

import polars as pl

from orchestration.mapping.expressions import (
    lookup,
)
from orchestration.mapping.words import consent_said, is_no
from orchestration.parsing.times import ODP_TIME_FORMATS

NONE = pl.lit(None, pl.String)
TIME_FORMATS = (*ODP_TIME_FORMATS, "epoch_ms")

# -- words -----------------------------------------------------------------------------------------------------------

EVENTS: dict[str, tuple[str, str, str, str]] = {
    # type/action: type, action, engagement class, whether the person did it
    "order/purchase": ("order", "purchase", "purchase", "true"),
    "product/detail": ("product", "view", "browse", "true"),
    "product/add_to_cart": ("product", "add_to_cart", "intent", "true"),
    "product/remove_from_cart": ("product", "remove_from_cart", "browse", "true"),
    "email/open": ("email", "open", "open", "true"),
    "email/click": ("email", "click", "click", "true"),
    "push/open": ("push", "open", "open", "true"),
    "push/click": ("push", "click", "click", "true"),
    "account/login": ("account", "login", "visit", "true"),
    "account/register": ("account", "register", "visit", "true"),
}
EVENT_TYPES: dict[str, tuple[str, str]] = {
    # type: engagement class and whether the person did it, for actions that are not above
    "order": ("none", "false"),
    "product": ("browse", "true"),
    "pageview": ("browse", "true"),
    "navigation": ("browse", "true"),
    "account": ("none", "true"),
    "email": ("none", "false"),
    "push": ("none", "false"),
    "list": ("none", "false"),
    "campaign": ("none", "false"),
    "consent": ("none", "false"),
    "reachability": ("none", "false"),
    "customer_discovered": ("none", "false"),
    "loyalty": ("loyalty", "false"),
}
# As ODP names them; modules for shops write some in the plural.
KINDS = {f"{kind}{end}": kind for end in ("", "s") for kind in EVENT_TYPES} | {"page_views": "pageview"}
# Kinds of events about messages, each of its channel.
MESSAGES = ("email", "sms", "push", "whatsapp")
TAKEN_BACK = ("refund", "return", "cancel")
ORDER_ACTIONS = ("purchase", *TAKEN_BACK)
DEEDS = {action: action for action in ORDER_ACTIONS} | {
    "purchased": "purchase",
    "purchases": "purchase",
    "refunded": "refund",
    "refunds": "refund",
    "returned": "return",
    "returns": "return",
    "canceled": "cancel",
    "cancelled": "cancel",
    "cancels": "cancel",
}
ORDER_STATUS = {
    "created": "created",
    "pending": "pending_payment",
    "pending_payment": "pending_payment",
    "purchased": "paid",
    "paid": "paid",
    "processing": "in_progress",
    "shipped": "shipped",
    "fulfilled": "shipped",
    "complete": "completed",
    "completed": "completed",
    "delivered": "completed",
    "partially_returned": "partially_refunded",
    "partially_refunded": "partially_refunded",
    "returned": "refunded",
    "refunded": "refunded",
    "canceled": "canceled",
    "cancelled": "canceled",
}
SUBSCRIPTION_CONSENT = {"subscribed": "opt_in", "unsubscribed": "opt_out"}
KNOWN_LOYALTY = r"^(points|tier|referral)_"
LOYALTY = {"points_added": "earn", "points_removed": "adjust", "tier_earned": "tier_change", "tier_lost": "tier_change"}
IDENTIFIERS = {
    "email": "email",
    "phone": "phone",
    "customer_id": "customer_id",
    "vuid": "vuid",
    "zaius_id": "profile_id",
}
CONSENT_CHANNELS = {"email": "email", "phone": "phone", "push_token": "push"}


def subscription_state(*stated: pl.Expr) -> pl.Expr:
    """Subscribed or not, from the words for it or a yes or no."""
    return lookup(said_by(*stated), {"opt_in": "subscribed", "opt_out": "unsubscribed"})


def said_by(*stated: pl.Expr) -> pl.Expr:
    """opt_in or opt_out as several fields state it; of two that contradict each other the no counts."""
    return (
        pl.when(pl.any_horizontal(is_no(one) for one in stated))
        .then(pl.lit("opt_out"))
        .otherwise(pl.coalesce(*map(consent_said, stated)))
    )
