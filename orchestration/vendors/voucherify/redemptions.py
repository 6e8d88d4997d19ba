"""Redemptions and rollbacks of vouchers, promotions and rewards."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
)
from orchestration.mapping.record_schema import EXTRA, JSON, NUMBER, TEXT, drop
from orchestration.mapping.selects import IssueRule, Rows, rows
from orchestration.mapping.values import time
from orchestration.mapping.words import translated, words
from orchestration.vendors.voucherify.orders import ORDER, PERSON
from orchestration.vendors.voucherify.words import METADATA_CELLS, RESULT, metadata

# -- redemptions -----------------------------------------------------------------------------------------------------

VOUCHER: dict[str, Any] = {"id": EXTRA, "code": TEXT, "type": TEXT, "campaign": TEXT, "campaign_id": TEXT} | dict.fromkeys(
    (
        "object", "category", "category_id", "categories", "discount", "gift", "loyalty_card", "start_date", "expiration_date", "validity_timeframe",
        "validity_day_of_week", "validity_hours", "active", "additional_info", "metadata", "is_referral_code", "created_at", "updated_at", "holder_id",
        "holder", "referrer_id", "publish", "redemption", "validation_rules_assignments",
    ),
    EXTRA,
) | {"assets": drop("pictures of the code, by address with a token")}  # fmt: skip
PROMOTION_TIER: dict[str, Any] = {"id": TEXT, "campaign_id": TEXT} | dict.fromkeys(
    (
        "object", "name", "banner", "action", "metadata", "hierarchy", "promotion_id", "campaign", "active", "start_date", "expiration_date",
        "validity_timeframe", "validity_day_of_week", "validity_hours", "summary", "validation_rule_assignments", "category_id", "categories",
        "created_at", "updated_at",
    ),
    EXTRA,
)  # fmt: skip
REWARD: dict[str, Any] = {"id": TEXT} | dict.fromkeys(
    (
        "object", "name", "type", "customer", "assignment_id", "voucher", "product", "sku", "loyalty_tier_id", "created_at", "updated_at",
        "parameters", "metadata",
    ),
    EXTRA,
)  # fmt: skip
REDEMPTION: dict[str, Any] = {
    "id": TEXT,
    "object": TEXT,
    "date": TEXT,
    "customer_id": TEXT,
    "tracking_id": TEXT,
    "metadata": JSON,
    "amount": NUMBER,
    "redemption": TEXT,
    "result": TEXT,
    "status": TEXT,
    "reason": EXTRA,
    "session": EXTRA,
    "related_redemptions": EXTRA,
    "failure_code": TEXT,
    "failure_message": EXTRA,
    "order": (
        {"id": TEXT, "source_id": TEXT}
        | dict.fromkeys((name for name in ORDER if name not in ("id", "source_id")), EXTRA)
    ),
    "previous_order": EXTRA,
    "channel": {"channel_id": EXTRA, "channel_type": TEXT},
    "customer": PERSON,
    "related_object_type": TEXT,
    "related_object_id": TEXT,
    "related_object_parent_id": EXTRA,
    "promotion_tier": PROMOTION_TIER,
    "reward": REWARD,
    "gift": {"amount": NUMBER},
    "loyalty_card": {"points": NUMBER},
    "voucher": VOUCHER,
}
REDEMPTION_OR_CELLS = REDEMPTION | {
    METADATA_CELLS: JSON,
    "voucher_code": TEXT,
    "campaign": TEXT,
    "promotion_tier_id": TEXT,
    "customer_source_id": TEXT,
    "customer_name": TEXT,
    "order_id": TEXT,
    "order_amount": EXTRA,
    "gift_amount": TEXT,
    "loyalty_points": TEXT,
}


def taken_back(value: pl.Expr, is_rollback: pl.Expr) -> pl.Expr:
    """An amount, negative where a rollback takes it back, whatever sign it came with."""
    text = value.str.strip_chars()
    return (
        pl.when(is_rollback & text.str.contains("[1-9]") & ~text.str.starts_with("-"))
        .then(pl.concat_str(pl.lit("-"), text))
        .otherwise(text)
    )


@dataclass(frozen=True)
class _Place:
    """Where in a record a redemption or rollback stands, and which places beside it speak of it too."""

    path: str
    beside: tuple[str, ...]

    def of(self, name: str) -> pl.Expr:
        """A field of its own."""
        return at(f"{self.path}{name}")

    def cell(self, name: str) -> pl.Expr:
        """A column that only tables of redemptions have."""
        return pl.lit(None, pl.String) if self.path else at(name)

    def around(self, *names: str) -> list[pl.Expr]:
        """The fields as they stand beside it."""
        return [at(f"{start}{name}") for start in self.beside if start != self.path for name in names]


@dataclass(frozen=True)
class _Amounts:
    """The amount of a redemption as money and as points, negative where a rollback takes it back.

    Of the amount of a rollback only the redemption it takes back says what it is: `by_parent` is kept in both readings.
    """

    money: pl.Expr
    points: pl.Expr
    by_parent: pl.Expr
    is_unclear: pl.Expr


def _amounts(place: _Place, is_rollback: pl.Expr) -> _Amounts:
    of, cell = place.of, place.cell
    voucher_type = first_given(of("voucher.type"), *place.around("voucher.type"))
    is_gift = given(of("gift.amount")) | (voucher_type == "GIFT_VOUCHER").fill_null(value=False)
    is_loyalty = (
        given(of("loyalty_card.points"))
        | (voucher_type == "LOYALTY_CARD").fill_null(value=False)
        | given(of("reward.id"))
    )
    money = first_given(of("gift.amount"), cell("gift_amount"), pl.when(is_gift).then(of("amount")))
    points = first_given(of("loyalty_card.points"), cell("loyalty_points"), pl.when(is_loyalty).then(of("amount")))
    is_unclear = given(of("amount")) & ~is_gift & ~is_loyalty
    by_parent = pl.when(is_unclear & is_rollback & given(of("redemption"))).then(taken_back(of("amount"), is_rollback))
    return _Amounts(
        taken_back(money, is_rollback), taken_back(points, is_rollback), by_parent, is_unclear & by_parent.is_null()
    )


def redemption_rows(
    path: str = "", *, where: pl.Expr | None = None, attributes: pl.Expr, beside: tuple[str, ...] = ("",)
) -> tuple[Rows, pl.Expr]:
    """The redemption or rollback at `path`, with what stands beside it, and where its amount may be money as well as
    points."""
    place = _Place(path, beside)
    of, cell, around = place.of, place.cell, place.around
    is_rollback = (
        pl.lit(value=True) if "rollback" in path else (of("object") == "redemption_rollback").fill_null(value=False)
    )
    amounts = _amounts(place, is_rollback)
    reported_at = (at("event.created_at"), at("created_at")) if path else ()
    made = rows(
        "redemptions",
        amounts="minor",
        where=where,
        redemption_id=of("id"),
        kind=pl.when(is_rollback).then(pl.lit("rollback")).otherwise(pl.lit("redemption")),
        parent_redemption_id=of("redemption"),
        result=words(
            pl.coalesce(translated(of("result"), RESULT), translated(of("status"), RESULT)),
            (of("result"), RESULT),
            (of("status"), RESULT),
        ),
        failure_code=of("failure_code"),
        tracking_id=of("tracking_id"),
        source_order_id=first_given(
            of("order.id"), cell("order_id"), of("order.source_id"), *around("order.id", "order.source_id")
        ),
        order_match_key=first_given(
            of("order.source_id"), of("order.id"), cell("order_id"), *around("order.source_id", "order.id")
        ),
        voucher_code=first_given(of("voucher.code"), *around("voucher.code"), cell("voucher_code")),
        campaign_id=first_given(
            of("voucher.campaign_id"),
            *around("voucher.campaign_id"),
            of("promotion_tier.campaign_id"),
            of("voucher.campaign"),
            *around("voucher.campaign"),
            cell("campaign"),
        ),
        promotion_tier_id=first_given(
            of("promotion_tier.id"),
            cell("promotion_tier_id"),
            pl.when(of("related_object_type") == "promotion_tier").then(of("related_object_id")),
        ),
        money_amount=amounts.money,
        points_amount=amounts.points,
        unclear_money_amount=amounts.by_parent,
        unclear_points_amount=amounts.by_parent,
        redeemed_at=time(of("date"), *reported_at, else_export_date=True),
        channel=of("channel.channel_type"),
        attributes=attributes,
        **({"source_updated_at": time(*reported_at)} if path else {}),
    )
    return made, amounts.is_unclear


redemptions, is_amount_unclear = redemption_rows(attributes=metadata())
# Of an amount that nothing else speaks of, only the kind of voucher would show whether it is money or points.
unclear_amount = IssueRule("amount", at("amount"), is_amount_unclear)
redemption_customer_id = first_given(at("customer_id"), at("customer.id"))
