"""Voucherify's words for events, states and results, what its metadata hold, and what they mean here."""

import polars as pl

from orchestration.mapping.expressions import (
    raw,
)
from orchestration.mapping.record_schema import drop
from orchestration.mapping.values import Typed
from orchestration.parsing.numbers import flag

SAME_WORD = drop("the same word in every record of the stream")
TRUE = Typed(pl.lit(value=True))

# -- words -----------------------------------------------------------------------------------------------------------

STATUS = {
    "CREATED": "created",
    "PAID": "paid",
    "PROCESSING": "in_progress",
    "FULFILLED": "completed",
    "CANCELED": "canceled",
}
ORDER_EVENTS = {
    "customer.order.created": "created",
    "customer.order.paid": "paid",
    "customer.order.processing": "in_progress",
    "customer.order.fulfilled": "completed",
    "customer.order.canceled": "canceled",
}
RESULT = {
    "SUCCESS": "success",
    "SUCCEEDED": "success",
    "ROLLED_BACK": "success",
    "FAILURE": "failure",
    "FAILED": "failure",
}
SEGMENT_KIND = {"static": "static_list", "auto-update": "dynamic_segment", "passive": "dynamic_segment"}
EVENTS: dict[str, tuple[str, str, str, str]] = {
    # name: type, action, engagement class, whether the person did it; all others are named after themselves and count
    # nothing
    "customer.order.paid": ("order", "purchase", "purchase", "true"),
    "customer.order.canceled": ("order", "cancel", "none", "false"),
    "customer.redemption.succeeded": ("coupon", "redeem", "redeem", "true"),
    "customer.redemption.failed": ("coupon", "redeem_failed", "intent", "true"),
    "customer.redemption.rollback.succeeded": ("coupon", "rollback", "none", "false"),
    "customer.redemption.rollback.failed": ("coupon", "rollback_failed", "none", "false"),
    "customer.publication.succeeded": ("coupon", "publish", "none", "false"),
    "customer.publication.failed": ("coupon", "publish_failed", "none", "false"),
    "customer.validation.succeeded": ("coupon", "validate", "none", "true"),
    "customer.validation.failed": ("coupon", "validate_failed", "none", "true"),
}
MESSENGERS = ("sms", "email", "activecampaign", "braze", "mailchimp", "intercom", "shopify", "klaviyo", "batch")
POINT_EVENTS = {
    "customer.rewarded.loyalty_points": "earn",
    "customer.voucher.loyalty_card.points_added": "adjust",
    "customer.voucher.loyalty_card.points_activated": "earn",
    "customer.voucher.loyalty_card.pending_points.activated": "earn",
    "customer.voucher.loyalty_card.points_transferred": "transfer",
    "customer.voucher.loyalty_card.points_expired": "expire",
}
TIER_EVENTS = ("joined", "left", "upgraded", "downgraded")
# Shipping is a line like any other; only its name distinguishes it from a product. The ids are those of the vendor's
# examples.
SHIPPING_NAMES = (
    "shipping", "shipping cost", "shipping costs", "shipping fee", "delivery", "delivery cost", "delivery fee", "postage",
    "versand", "versandkosten", "lieferung", "frete", "envio", "envío", "gastos de envío", "livraison", "frais de livraison",
)  # fmt: skip
SHIPPING_IDS = ("shipping", "prod_shipping", "prod_5h1pp1ng")


def metadata(path: str = "metadata") -> pl.Expr:
    """Open attributes as JSON with types as delivered; an export's cell holds them as text, which is unpacked where it
    is JSON."""
    delivered = raw(path)
    inner = delivered.str.json_path_match("$")
    is_packed = delivered.str.starts_with('"') & inner.str.json_path_match("$").is_not_null()
    whole = pl.when(is_packed).then(inner).otherwise(delivered)
    return whole if path != "metadata" else pl.coalesce(whole, raw(METADATA_CELLS))


METADATA_CELLS = "metadata.*"


def is_test(path: str = "metadata") -> Typed:
    """The record's metadata mark it as a test."""
    return Typed(flag(metadata(path).str.json_path_match("$.test")))


def source_id_type(source_id: pl.Expr) -> pl.Expr:
    """The shop's id of a customer is often the e-mail address: then it is one."""
    return pl.when(source_id.str.contains("@", literal=True)).then(pl.lit("email")).otherwise(pl.lit("customer_id"))
