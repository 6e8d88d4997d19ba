"""Voucherify: customers, orders, redemptions, segments and activity events, as the interface gives them and as CSV
exports.

An export row holds the names of the interface, nested ones joined by `_` (`summary.orders.total_amount` is
`orders_total_amount`), perhaps as titles (`Source ID`), so one dialect reads both; a column `metadata.x` holds one of
the open attributes. Amounts are whole minor units; no currency is stated anywhere, it is the account's. For currencies
without two decimals the vendor's texts disagree (orders: smallest unit; summaries: times 100): the smallest unit is
taken throughout.

A customer's figures are claims to be reconciled, never to be mended. An order inside a redemption is a copy of what the
orders stream delivers in full: only its ids are read. Segments of a customer come with the customer's id beside the
list (`customer_id` or `customer`), or in a file named after it; the latter are single claims and close nothing. Events
of the customer itself (`customer.deleted` and the like) may land in `customers`, where they are observations of the
record, be it as an activity (`type` and `data`) or as a bare notice (`event` and `customer`), or in `events`, where
they are events; a deletion counts from either.
"""

from typing import Any

import msgspec
import polars as pl

from orchestration.mapping.coercion import decode_generic, fit
from orchestration.mapping.expressions import (
    account_currency,
    at,
    file_value,
    filled,
    first_given,
    furthest,
    given,
    item,
    lookup,
    pairs,
    raw,
)
from orchestration.mapping.model import ANY_WORD, CsvForm, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.record_schema import FLAG, JSON, KEEP, NUMBER, SCALAR, TEXT, Leaf, Open, Pairs, drop
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import Check, Contact, Doubt, Identifier, Profile, Rows, rows
from orchestration.mapping.values import Amount, Typed, Word, absolute, time
from orchestration.mapping.words import consent_said, consent_word, is_no, word, words
from orchestration.parsing.emails import email
from orchestration.parsing.numbers import flag, money

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
# Shipping is a line like any other; only what it is called tells it from a product. The ids are those of the vendor's
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


# -- customers -------------------------------------------------------------------------------------------------------

SUMMARY = {
    "redemptions": {
        "total_redeemed": NUMBER,
        "total_failed": NUMBER,
        "total_succeeded": NUMBER,
        "total_rolled_back": NUMBER,
        "total_rollback_failed": NUMBER,
        "total_rollback_succeeded": NUMBER,
        "gift": {"redeemed_amount": NUMBER, "amount_to_go": NUMBER},
        "loyalty_card": {"redeemed_points": NUMBER, "points_to_go": NUMBER},
    },
    "orders": {
        "total_amount": NUMBER,
        "total_count": NUMBER,
        "average_amount": NUMBER,
        "last_order_amount": NUMBER,
        "last_order_date": TEXT,
    },
}
CONSENT = {"date": TEXT, "value": consented(FLAG)}
CUSTOMER: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "name": TEXT,
    "description": KEEP,
    "email": TEXT,
    "phone": TEXT,
    "birthdate": TEXT,
    "birthday": TEXT,
    "address": {"city": TEXT, "state": TEXT, "line_1": TEXT, "line_2": TEXT, "country": TEXT, "postal_code": TEXT},
    "summary": SUMMARY,
    "loyalty": {
        "points": NUMBER,
        "referred_customers": NUMBER,
        "campaigns": Pairs({"points": NUMBER, "loyalty_tier": TEXT, "referred_customers": NUMBER}),
    },
    "referrals": {
        "total": KEEP,
        "campaigns": [
            {
                "campaign_id": TEXT,
                "referrer_id": TEXT,
                "related_object_id": TEXT,
                "related_object_type": TEXT,
                "date": TEXT,
            }
        ],
    },
    "metadata": JSON,
    "system_metadata": {"consents": Pairs(CONSENT)},
    "consents": Pairs(CONSENT),
    "created_at": TEXT,
    "updated_at": TEXT,
    "assets": {"cockpit_url": drop("holds a token that signs in as the customer")},
}
# (metric, path, name in the CSV export if it has one, unit)
STATS: tuple[tuple[str, str, str | None, str], ...] = (
    ("total_revenue", "summary.orders.total_amount", "orders_total_amount", "money"),
    ("order_count", "summary.orders.total_count", "orders_total_count", "count"),
    ("average_order_value", "summary.orders.average_amount", "orders_average_amount", "money"),
    ("last_order_amount", "summary.orders.last_order_amount", "orders_last_order_amount", "money"),
    ("last_order_at", "summary.orders.last_order_date", "orders_last_order_date", "time"),
    ("redemptions_total", "summary.redemptions.total_redeemed", "redemptions_total_redeemed", "count"),
    ("redemptions_failed", "summary.redemptions.total_failed", "redemptions_total_failed", "count"),
    ("redemptions_succeeded", "summary.redemptions.total_succeeded", "redemptions_total_succeeded", "count"),
    ("redemptions_rolled_back", "summary.redemptions.total_rolled_back", "redemptions_total_rolled_back", "count"),
    ("rollbacks_failed", "summary.redemptions.total_rollback_failed", "redemptions_total_rollback_failed", "count"),
    (
        "rollbacks_succeeded",
        "summary.redemptions.total_rollback_succeeded",
        "redemptions_total_rollback_succeeded",
        "count",
    ),
    ("gift_redeemed", "summary.redemptions.gift.redeemed_amount", None, "money"),
    ("gift_balance", "summary.redemptions.gift.amount_to_go", None, "money"),
    ("points_redeemed", "summary.redemptions.loyalty_card.redeemed_points", None, "points"),
    ("points_to_go", "summary.redemptions.loyalty_card.points_to_go", None, "points"),
    ("loyalty_points", "loyalty.points", "loyalty_points", "points"),
    ("referred_customers", "loyalty.referred_customers", "loyalty_referred_customers", "count"),
)
ADDRESS_PARTS = ("city", "state", "line_1", "line_2", "country", "postal_code")
# As the export names them, and as the template of the import does.
ADDRESS_CELLS = (*(f"address_{part}" for part in ADDRESS_PARTS), *ADDRESS_PARTS)
CUSTOMER_OR_CELLS = (
    CUSTOMER
    | dict.fromkeys((*ADDRESS_CELLS, *(cell for _, _, cell, _ in STATS if cell)), TEXT)
    | {METADATA_CELLS: JSON}
)


def consent(each: str | pl.Expr, key: pl.Expr, stated: pl.Expr, since: pl.Expr, *otherwise: pl.Expr) -> Rows:
    """Consents by their keys, of which `unsubscribed` and its like are negative: true takes back all, and not to have
    unsubscribed is no consent."""
    is_negative = is_no(key)
    agreement = consent_word(stated)
    refusal = pl.when(consent_said(stated) == "opt_in").then(pl.lit("opt_out")).otherwise(pl.lit("unknown"))
    return rows(
        "customer_consents",
        each=each,
        channel=pl.lit("all"),
        purpose=pl.when(is_negative).then(pl.lit("marketing")).otherwise(key),
        status=Word(pl.when(is_negative).then(refusal).otherwise(agreement.expr), agreement.sources),
        status_raw=pl.concat_str(key, pl.lit("="), stated.str.strip_chars()),
        effective_at=time(since, *otherwise, else_export_date=True),
    )


class _Customer:
    """What a customer object gives, at the top of a record (as object or export row) or at `path` within it, where its
    id may stand apart."""

    def __init__(self, path: str = "", other_id: str | None = None, told_at: tuple[pl.Expr, ...] = ()) -> None:
        self._path = f"{path}." if path else ""
        self._has_cells = not path
        self._told_at = told_at
        self._id = first_given(self.at("id"), at(other_id)) if other_id else self.at("id")

    def at(self, path: str, cell: str | None = None) -> pl.Expr:
        told = at(self._path + path)
        return first_given(told, at(cell)) if cell and self._has_cells else told

    def part(self, name: str) -> pl.Expr:
        told = self.at(f"address.{name}")
        return first_given(told, at(f"address_{name}"), at(name)) if self._has_cells else told

    @property
    def record_id(self) -> pl.Expr:
        address = email(self.at("email")).struct.field("value")
        return pl.coalesce(first_given(self._id, self.at("source_id")), pl.concat_str(pl.lit("email:"), address))

    @property
    def profile(self) -> Profile:
        source_id = self.at("source_id")
        return Profile(
            record_id=self.record_id,
            identifiers=(
                Identifier("profile_id", self._id, "id"),
                Identifier(source_id_type(source_id), source_id, "source_id"),
                # A source id never changes, also where it is an address: the address of today is the other.
                Identifier("email", self.at("email"), "email", is_primary=pl.lit(value=True)),
                Identifier("phone", self.at("phone"), "phone", region=self.part("country")),
            ),
        )

    def rows(self, is_deleted: pl.Expr | None = None) -> tuple[Rows, ...]:
        return (
            self._customers(is_deleted),
            *self._consents(),
            *self._stats(),
            self._accounts(),
            *self._memberships(),
            self._referrals(),
        )

    def _customers(self, is_deleted: pl.Expr | None) -> Rows:
        deleted = {} if is_deleted is None else {"is_deleted": Typed(is_deleted)}
        return rows(
            "customers",
            created_at=time(self.at("created_at")),
            # What an event tells was so when it happened, whatever the copy of the customer in it says.
            source_updated_at=time(*self._told_at, self.at("updated_at")),
            full_name=self.at("name"),
            birth_date=first_given(self.at("birthdate"), self.at("birthday")),
            city=self.part("city"),
            state_raw=self.part("state"),
            address_line_1=self.part("line_1"),
            address_line_2=self.part("line_2"),
            country_raw=self.part("country"),
            postal_code=self.part("postal_code"),
            is_test=is_test(f"{self._path}metadata"),
            attributes=metadata(f"{self._path}metadata"),
            **deleted,
        )

    def _consents(self) -> tuple[Rows, Rows]:
        return self._consent("system_metadata.consents"), self._consent("consents")

    def _consent(self, path: str) -> Rows:
        return consent(pairs(self._path + path), item("key"), item("value.value"), item("value.date"))

    def _stats(self) -> tuple[Rows, ...]:
        return tuple(self._stat(*stat) for stat in STATS)

    def _stat(self, metric: str, path: str, cell: str | None, unit: str) -> Rows:
        value = self.at(path, cell)
        told: dict[str, Any] = (
            {"value_ts": time(value)}
            if unit == "time"
            else {"value_num": Amount(value, "minor") if unit == "money" else value}
        )
        if unit == "money":
            told["currency"] = account_currency()
        return rows(
            "vendor_stats",
            where=given(value),
            metric=pl.lit(metric),
            unit=pl.lit(unit),
            definition_id=pl.lit(path),
            **told,
        )

    def _accounts(self) -> Rows:
        return rows(
            "loyalty_accounts",
            each=pairs(f"{self._path}loyalty.campaigns"),
            account_id=loyalty_account(self.record_id, item("key")),
            program_id=item("key"),
            program_name=item("key"),
            balance_type=pl.lit("points"),
            balance=item("value.points"),
            tier_id=item("value.loyalty_tier"),
            referred_customers=item("value.referred_customers"),
        )

    def _memberships(self) -> tuple[Rows, ...]:
        campaigns = pairs(f"{self._path}loyalty.campaigns")
        tiers = (
            pl.col(campaigns)
            .list.eval(pl.element().struct.field("value").struct.field("loyalty_tier"))
            .list.drop_nulls()
        )
        return (
            member(campaigns, "loyalty_campaign", item("key"), item("key")),
            nobody(pl.col(campaigns).is_not_null() & ~filled(pl.col(campaigns)), "loyalty_campaign"),
            member(campaigns, "loyalty_tier", item("value.loyalty_tier"), pl.lit(None, pl.String)),
            nobody(pl.col(campaigns).is_not_null() & ~filled(tiers), "loyalty_tier"),
        )

    def _referrals(self) -> Rows:
        return rows(
            "referrals",
            each=f"{self._path}referrals.campaigns",
            campaign_id=item("campaign_id"),
            referrer_profile_id=item("referrer_id"),
            referred_profile_id=self.record_id,
            related_object_id=item("related_object_id"),
            related_object_type=item("related_object_type"),
            referred_at=time(item("date")),
        )


def loyalty_account(customer_id: pl.Expr, campaign: pl.Expr) -> pl.Expr:
    """A customer's account in a programme: the vendor names no account of its own beside the balance."""
    return pl.concat_str(customer_id, pl.lit(":"), campaign)


def member(each: str, kind: str | pl.Expr | None, segment_id: pl.Expr, name: pl.Expr) -> Rows:
    """Membership of every segment that a full list names."""
    return rows(
        "segment_memberships",
        each=each,
        where=given(segment_id),
        segment_id=segment_id,
        segment_name=name,
        kind=pl.lit(kind, pl.String) if kind is None or isinstance(kind, str) else kind,
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=TRUE,
    )


def nobody(where: pl.Expr, kind: str | None) -> Rows:
    """A full list that names no segment."""
    return rows(
        "segment_memberships",
        where=where,
        kind=pl.lit(kind, pl.String),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=TRUE,
    )


# -- orders ----------------------------------------------------------------------------------------------------------

PERSON = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "name": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "metadata": KEEP,
}
ORDER_LINE = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "related_object": TEXT,
    "product_id": TEXT,
    "sku_id": TEXT,
    "quantity": NUMBER,
    "discount_quantity": KEEP,
    "initial_quantity": KEEP,
    "applied_quantity": KEEP,
    "applied_quantity_amount": KEEP,
    "applied_discount_quantity": KEEP,
    "amount": NUMBER,
    "initial_amount": KEEP,
    "discount_amount": NUMBER,
    "applied_discount_amount": KEEP,
    "subtotal_amount": NUMBER,
    "price": NUMBER,
    "product": {"id": TEXT, "source_id": TEXT, "name": TEXT, "price": NUMBER, "override": KEEP, "metadata": KEEP},
    "sku": {"id": TEXT, "source_id": TEXT, "sku": TEXT, "price": NUMBER, "override": KEEP, "metadata": KEEP},
    "metadata": KEEP,
}
ORDER: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "status": TEXT,
    "amount": SCALAR,
    "initial_amount": KEEP,
    "discount_amount": SCALAR,
    "items_discount_amount": KEEP,
    "total_discount_amount": SCALAR,
    "total_amount": SCALAR,
    "applied_discount_amount": KEEP,
    "items_applied_discount_amount": KEEP,
    "total_applied_discount_amount": KEEP,
    "created_at": TEXT,
    "updated_at": TEXT,
    "customer_id": TEXT,
    "customer": PERSON,
    "referrer_id": KEEP,
    "referrer": KEEP,
    "redemptions": KEEP,
    "items": [ORDER_LINE],
    "metadata": JSON,
}
ORDER_OR_CELLS = ORDER | {METADATA_CELLS: JSON}


def person(
    profile_id: pl.Expr, path: str, *more: Identifier, source_id: pl.Expr | None = None, name: pl.Expr | None = None
) -> Contact:
    """The customer that a record names, by id alone or with a copy of what is known of it at `path`."""
    shop_id = at(f"{path}.source_id") if source_id is None else source_id
    return Contact(
        identifiers=(
            Identifier("profile_id", profile_id, f"{path}.id"),
            Identifier(source_id_type(shop_id), shop_id, f"{path}.source_id"),
            Identifier("email", at(f"{path}.email"), f"{path}.email", is_primary=pl.lit(value=True)),
            Identifier("phone", at(f"{path}.phone"), f"{path}.phone"),
            *more,
        ),
        profile_id=profile_id,
        attributes={"full_name": at(f"{path}.name") if name is None else name},
    )


def order_figures(path: str = "") -> dict[str, Any]:
    """Ids, amounts and times of an order; a total that is not told is the amount less discounts, as the vendor defines
    it."""
    amount = at(f"{path}amount")
    discount = first_given(at(f"{path}total_discount_amount"), at(f"{path}discount_amount"))
    worked_out = money(amount) - money(discount).abs().fill_null(0)
    return {
        "source_order_id": first_given(at(f"{path}id"), at(f"{path}source_id")),
        "order_number": at(f"{path}source_id"),
        "source_updated_at": time(at(f"{path}updated_at")),
        "subtotal": amount,
        "discount_total": absolute(discount, "minor"),
        "total": first_given(at(f"{path}total_amount"), worked_out.cast(pl.String), amount),
        "status_raw": at(f"{path}status"),
    }


def order_lines(path: str = "", where: pl.Expr | None = None) -> Rows:
    """Lines of an order; ids of the shop's own catalogue come before those the vendor gave."""
    is_variant = item("related_object") == "sku"
    shop_id = item("source_id")
    name = first_given(item("product.name"), item("sku.sku"))
    ids = [item("source_id"), item("product_id"), item("product.source_id")]
    is_shipping = name.str.strip_chars().str.to_lowercase().is_in(SHIPPING_NAMES).fill_null(value=False)
    for one in ids:
        is_shipping = is_shipping | one.str.to_lowercase().is_in(SHIPPING_IDS).fill_null(value=False)
    return rows(
        "order_lines",
        each=f"{path}items",
        where=where,
        amounts="minor",
        source_order_id=first_given(at(f"{path}id"), at(f"{path}source_id")),
        line_no=Typed(pl.col("position")),
        source_line_id=item("id"),
        product_id=first_given(
            item("product.source_id"),
            pl.when(~is_variant.fill_null(value=False)).then(shop_id),
            item("product_id"),
            item("product.id"),
        ),
        variant_id=first_given(item("sku_id"), item("sku.id")),
        sku=first_given(item("sku.source_id"), pl.when(is_variant).then(shop_id), item("sku.sku")),
        title=name,
        quantity=item("quantity"),
        unit_price=first_given(item("price"), item("sku.price"), item("product.price")),
        discount=absolute(item("discount_amount"), "minor"),
        subtotal=item("amount"),
        total=item("subtotal_amount"),
        is_shipping=Typed(is_shipping),
    )


order_customer_id = first_given(at("customer_id"), at("customer.id"))
orders = rows(
    "orders",
    amounts="minor",
    ordered_at=time(at("created_at"), else_export_date=True),
    status=word(at("status"), STATUS, "unknown"),
    is_test=is_test(),
    attributes=metadata(),
    **order_figures(),
)

# -- redemptions -----------------------------------------------------------------------------------------------------

VOUCHER: dict[str, Any] = {"id": KEEP, "code": TEXT, "type": TEXT, "campaign": TEXT, "campaign_id": TEXT} | dict.fromkeys(
    (
        "object", "category", "category_id", "categories", "discount", "gift", "loyalty_card", "start_date", "expiration_date", "validity_timeframe",
        "validity_day_of_week", "validity_hours", "active", "additional_info", "metadata", "is_referral_code", "created_at", "updated_at", "holder_id",
        "holder", "referrer_id", "publish", "redemption", "validation_rules_assignments",
    ),
    KEEP,
) | {"assets": drop("pictures of the code, by address with a token")}  # fmt: skip
PROMOTION_TIER: dict[str, Any] = {"id": TEXT, "campaign_id": TEXT} | dict.fromkeys(
    (
        "object", "name", "banner", "action", "metadata", "hierarchy", "promotion_id", "campaign", "active", "start_date", "expiration_date",
        "validity_timeframe", "validity_day_of_week", "validity_hours", "summary", "validation_rule_assignments", "category_id", "categories",
        "created_at", "updated_at",
    ),
    KEEP,
)  # fmt: skip
REWARD: dict[str, Any] = {"id": TEXT} | dict.fromkeys(
    (
        "object", "name", "type", "customer", "assignment_id", "voucher", "product", "sku", "loyalty_tier_id", "created_at", "updated_at",
        "parameters", "metadata",
    ),
    KEEP,
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
    "reason": KEEP,
    "session": KEEP,
    "related_redemptions": KEEP,
    "failure_code": TEXT,
    "failure_message": KEEP,
    "order": (
        {"id": TEXT, "source_id": TEXT}
        | dict.fromkeys((name for name in ORDER if name not in ("id", "source_id")), KEEP)
    ),
    "previous_order": KEEP,
    "channel": {"channel_id": KEEP, "channel_type": TEXT},
    "customer": PERSON,
    "related_object_type": TEXT,
    "related_object_id": TEXT,
    "related_object_parent_id": KEEP,
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
    "order_amount": KEEP,
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


def redemption_rows(
    path: str = "", *, where: pl.Expr | None = None, attributes: pl.Expr, beside: tuple[str, ...] = ("",)
) -> tuple[Rows, pl.Expr]:
    """The redemption or rollback at `path`, with what stands beside it, and where its amount may be money as well as
    points.

    Of the amount of a rollback only the redemption it takes back tells what it is: it is kept in both readings.
    """

    def of(name: str) -> pl.Expr:
        return at(f"{path}{name}")

    def cell(name: str) -> pl.Expr:
        return pl.lit(None, pl.String) if path else at(name)

    def around(name: str) -> pl.Expr:
        return first_given(of(name), *(at(f"{start}{name}") for start in beside if start != path))

    voucher_type = around("voucher.type")
    is_rollback = (
        pl.lit(value=True) if "rollback" in path else (of("object") == "redemption_rollback").fill_null(value=False)
    )
    is_gift = given(of("gift.amount")) | (voucher_type == "GIFT_VOUCHER").fill_null(value=False)
    is_loyalty = (
        given(of("loyalty_card.points"))
        | (voucher_type == "LOYALTY_CARD").fill_null(value=False)
        | given(of("reward.id"))
    )
    is_unclear = given(of("amount")) & ~is_gift & ~is_loyalty
    by_parent = pl.when(is_unclear & is_rollback & given(of("redemption"))).then(taken_back(of("amount"), is_rollback))
    order_ids = (
        of("order.id"),
        cell("order_id"),
        of("order.source_id"),
        *(at(f"{start}order.{name}") for start in beside if start != path for name in ("id", "source_id")),
    )
    order_keys = (
        of("order.source_id"),
        of("order.id"),
        cell("order_id"),
        *(at(f"{start}order.{name}") for start in beside if start != path for name in ("source_id", "id")),
    )
    made = rows(
        "redemptions",
        amounts="minor",
        where=where,
        redemption_id=of("id"),
        kind=pl.when(is_rollback).then(pl.lit("rollback")).otherwise(pl.lit("redemption")),
        parent_redemption_id=of("redemption"),
        result=words(
            pl.coalesce(lookup(of("result"), RESULT), lookup(of("status"), RESULT)),
            (of("result"), RESULT),
            (of("status"), RESULT),
        ),
        failure_code=of("failure_code"),
        tracking_id=of("tracking_id"),
        source_order_id=first_given(*order_ids),
        order_match_key=first_given(*order_keys),
        voucher_code=first_given(around("voucher.code"), cell("voucher_code")),
        campaign_id=first_given(
            around("voucher.campaign_id"),
            of("promotion_tier.campaign_id"),
            around("voucher.campaign"),
            cell("campaign"),
        ),
        promotion_tier_id=first_given(
            of("promotion_tier.id"),
            cell("promotion_tier_id"),
            pl.when(of("related_object_type") == "promotion_tier").then(of("related_object_id")),
        ),
        money_amount=taken_back(
            first_given(of("gift.amount"), cell("gift_amount"), pl.when(is_gift).then(of("amount"))), is_rollback
        ),
        points_amount=taken_back(
            first_given(of("loyalty_card.points"), cell("loyalty_points"), pl.when(is_loyalty).then(of("amount"))),
            is_rollback,
        ),
        unclear_money_amount=by_parent,
        unclear_points_amount=by_parent,
        redeemed_at=(
            time(of("date"), else_export_date=True)
            if not path
            else time(of("date"), at("event.created_at"), at("created_at"), else_export_date=True)
        ),
        channel=of("channel.channel_type"),
        attributes=attributes,
    )
    return made, is_unclear & by_parent.is_null()


redemptions, is_amount_unclear = redemption_rows(attributes=metadata())
# Of an amount that nothing else speaks of, only the kind of voucher would tell whether it is money or points.
unclear_amount = Doubt("amount", at("amount"), is_amount_unclear)
redemption_customer_id = first_given(at("customer_id"), at("customer.id"))

# -- segments --------------------------------------------------------------------------------------------------------

SEGMENT = {
    "id": TEXT,
    "object": SAME_WORD,
    "name": TEXT,
    "type": TEXT,
    "filter": JSON,
    "initial_sync_status": KEEP,
    "created_at": TEXT,
    "updated_at": KEEP,
    "metadata": KEEP,
}
CUSTOMER_SEGMENTS = {
    "customer_id": TEXT,
    "source_id": TEXT,
    "customer": PERSON,
    "object": SAME_WORD,
    "data_ref": KEEP,
    "total": KEEP,
    "has_more": KEEP,
}
segment_customer_id = first_given(at("customer_id"), at("customer.id"))
segments = rows(
    "segments",
    segment_id=at("id"),
    name=at("name"),
    kind=lookup(at("type"), SEGMENT_KIND, at("type")),
    definition=raw("filter"),
    created_at=time(at("created_at")),
)
segment_in_named_file = rows(
    "segment_memberships",
    where=file_value().is_not_null(),
    segment_id=at("id"),
    segment_name=at("name"),
    kind=lookup(at("type"), SEGMENT_KIND, at("type")),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
)


def customer_segments(key: str, other: str) -> Any:
    """All segments of one customer, in a list under `key`; the other key names the list in the other spelling."""
    source_id = first_given(at("source_id"), at("customer.source_id"))
    return dialect(
        f"voucherify.customer_segments.{key}",
        "segment_membership",
        CUSTOMER_SEGMENTS | {key: [{**SEGMENT, "filter": KEEP, "created_at": KEEP}]},
        member(key, lookup(item("type"), SEGMENT_KIND, item("type")), item("id"), item("name")),
        nobody(at(key).is_not_null() & ~filled(at(key)), None),
        about=person(segment_customer_id, "customer", source_id=source_id),
        has=(key,),
        lacks=(other,),
        kinds=("segments_of_a_customer",),
        checks=(
            Check(
                "missing_identity",
                "customer_id",
                ~given(segment_customer_id) & ~given(source_id) & ~given(at("customer.email")),
            ),
        ),
    )


# -- events ----------------------------------------------------------------------------------------------------------


def told(shape: dict[str, Any]) -> dict[str, Any]:
    """The part of a shape that is decoded: inside an open object the rest stays in its JSON."""
    return {
        key: _told(inner)
        for key, inner in shape.items()
        if not isinstance(inner, Leaf) or inner.kind in ("text", "number", "flag", "scalar")
    }


def _told(shape: Any) -> Any:
    if isinstance(shape, list):
        return [told(shape[0])]
    return told(shape) if isinstance(shape, dict) else shape


TIER = {"id": TEXT, "name": TEXT}
ENVELOPE: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "type": TEXT,
    "created_at": TEXT,
    "entity_id": TEXT,
    "group_id": KEEP,
    "project_id": KEEP,
    "source": KEEP,
    "event_source": KEEP,
    "event": {"id": TEXT, "type": TEXT, "created_at": TEXT, "entity_id": TEXT, "group_id": KEEP, "event_source": KEEP},
}
EVENT = ENVELOPE | {
    "data": Open(
        {
            "customer": told(PERSON),
            "order": told(ORDER),
            "redemption": told(REDEMPTION),
            "redemption_rollback": told(REDEMPTION),
            "rollback": told(REDEMPTION),
            "voucher": {"code": TEXT, "type": TEXT, "campaign_id": TEXT, "campaign": TEXT},
            "segment": {"id": TEXT, "name": TEXT},
            "campaign": {"id": TEXT, "name": TEXT},
            "loyalty_tier": TIER,
            "loyalty_tier_from": TIER,
            "loyalty_tier_to": TIER,
        }
    )
}
CUSTOMER_EVENT = ENVELOPE | {
    "id": KEEP,
    "entity_id": KEEP,
    "event": ENVELOPE["event"] | {"id": KEEP, "entity_id": KEEP},
    "data": {"customer": CUSTOMER, "unconfirmed_customer": KEEP, "event_source": KEEP},
}

# The answer to a customer's permanent deletion; the vendor spells `object` so.
DELETION = {
    "id": KEEP,
    "object": SAME_WORD,
    "created_at": TEXT,
    "related_object": KEEP,
    "related_object_id": TEXT,
    "status": TEXT,
    "data_json": KEEP,
}
CUSTOMER_NOTICE = {"event": TEXT, "created_at": TEXT, "customer_id": TEXT, "customer": CUSTOMER}


# A project's webhook names an event without the word before it that the activity of a customer has: one fact has one
# name.
def _bare_name(stated: pl.Expr) -> pl.Expr:
    return stated.str.strip_chars().str.to_lowercase().str.strip_prefix("customer.")


event_name = pl.concat_str(pl.lit("customer."), _bare_name(first_given(at("event.type"), at("type"))))
# A webhook states its event's name twice; the event's own word counts.
other_type = Doubt(
    "type",
    at("type"),
    given(at("type")) & given(at("event.type")) & (_bare_name(at("type")) != event_name.str.strip_prefix("customer.")),
    code="other_kind",
)
event_key = first_given(at("event.id"), at("id"))
event_time = time(at("event.created_at"), at("created_at"), else_export_date=True)
entity_id = first_given(at("event.entity_id"), at("entity_id"))
TOLD_WITH_CUSTOMER = ("order", "redemption", "redemption_rollback", "rollback")
event_customer_id = first_given(
    at("data.customer.id"),
    pl.when(entity_id.str.starts_with("cust_")).then(entity_id),
    *(at(f"data.{name}.{path}") for name in TOLD_WITH_CUSTOMER for path in ("customer_id", "customer.id")),
)
event_order = "data.order."
event_order_id = first_given(at(f"{event_order}id"), at(f"{event_order}source_id"))
# The order in the event of a redemption or a reward is a report of it as well; one that is only looked at is none.
tells_of_order = given(event_order_id) & (
    event_name.str.starts_with("customer.order.")
    | (given(at(f"{event_order}status")) & ~event_name.str.starts_with("customer.validation."))
).fill_null(value=False)


def told_json(path: str) -> pl.Expr:
    """A value of the event's data that is no object in every event that has it."""
    return raw("data").str.json_path_match(f"$.{path}")


def event_word(position: int, default: pl.Expr) -> pl.Expr:
    """One of the words of an event name; all that are not listed take theirs from the name."""
    return lookup(event_name, {name: words[position] for name, words in EVENTS.items()}, default)


named = event_name.str.strip_prefix("customer.")
first_word = named.str.extract(r"^([^.]+)")
rest = named.str.extract(r"^[^.]+\.(.+)$").fill_null(named)
is_loyalty_event = (
    first_word.is_in(("loyalty", "rewarded", "reward_redemptions")) | named.str.starts_with("voucher.")
).fill_null(value=False)
is_custom = (event_name == "customer.custom_event").fill_null(value=False)
events = rows(
    "events",
    event_id=event_key,
    event_type=event_word(
        0,
        pl.when(is_custom).then(pl.lit("custom"))
        .when(is_loyalty_event).then(pl.lit("loyalty"))
        .when(first_word.is_in(MESSENGERS)).then(pl.lit("message"))
        .when(~named.str.contains(".", literal=True)).then(pl.lit("customer"))
        .otherwise(first_word),
    ),
    event_action=event_word(
        1,
        pl.when(is_custom).then(pl.coalesce(told_json("event.type"), pl.lit("custom_event")))
        .when(first_word.is_in(("rewarded", "reward_redemptions", "voucher"))).then(named)
        .otherwise(rest),
    ),
    event_name_raw=first_given(at("event.type"), at("type")),
    engagement_class=event_word(2, pl.when(is_custom).then(pl.lit("custom")).when(is_loyalty_event).then(pl.lit("loyalty")).otherwise(pl.lit("none"))),
    is_active=event_word(3, pl.when(is_custom).then(pl.lit("true")).otherwise(pl.lit("false"))),
    occurred_at=event_time,
    source_order_id=event_order_id,
    order_match_key=first_given(at(f"{event_order}source_id"), at(f"{event_order}id")),
    product_id=pl.lit(None, pl.String),
    campaign_id=at("data.campaign.id"),
    origin=first_given(told_json("event_source.channel")),
    properties=raw("data"),
)  # fmt: skip
event_orders = rows(
    "orders",
    where=tells_of_order,
    amounts="minor",
    ordered_at=time(
        at(f"{event_order}created_at"),
        at("event.created_at"),
        at("created_at"),
        else_export_date=True,
        is_inferred=~given(at(f"{event_order}created_at")),
    ),
    canceled_at=time(
        pl.when(event_name == "customer.order.canceled").then(first_given(at("event.created_at"), at("created_at")))
    ),
    status=words(
        furthest(lookup(at(f"{event_order}status"), STATUS), lookup(event_name, ORDER_EVENTS)).fill_null("unknown"),
        (at(f"{event_order}status"), STATUS),
    ),
    is_from_event=TRUE,
    **order_figures(event_order),
)
event_cancellations = rows(
    "order_adjustments",
    where=tells_of_order & (event_name == "customer.order.canceled"),
    source_order_id=event_order_id,
    order_match_key=first_given(at(f"{event_order}source_id"), at(f"{event_order}id")),
    action=pl.lit("cancel"),
    amount_kind=pl.lit("running_total"),
    occurred_at=event_time,
)


def told_redemption(name: str) -> Rows:
    """The redemption or rollback that an event is about, as it stands in its data."""
    path = f"data.{name}."
    made, _ = redemption_rows(
        path, where=given(at(f"{path}id")), attributes=told_json(f"{name}.metadata"), beside=("data.",)
    )
    return made


def _consents_of(text: str) -> list[dict[str, str | None]]:
    """The consents in a JSON text, read as those of a customer are."""
    try:
        value = decode_generic(text.encode())
    except msgspec.DecodeError:
        value = text
    found = fit({"told": value}, {"told": Pairs(CONSENT)}).record["told"] or {}
    return [
        {"key": key, "value": _text(one.get("value")), "date": _text(one.get("date"))}
        for key, one in found.items()
        if one
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def told_consent(path: str) -> Rows:
    """The consents of the customer in an event: an object with open keys inside the event's open data."""
    found = told_json(f"customer.{path}").replace("{}", None)
    each = found.map_elements(
        _consents_of, return_dtype=pl.List(pl.Struct(dict.fromkeys(("key", "value", "date"), pl.String)))
    )
    return consent(each, item("key"), item("value"), item("date"), at("event.created_at"), at("created_at"))


event_consents = (told_consent("system_metadata.consents"), told_consent("consents"))
event_redemptions = tuple(told_redemption(name) for name in ("redemption", "redemption_rollback", "rollback"))


def _told_membership(kind: str | None, path: str, state: str, where: pl.Expr) -> Rows:
    return rows(
        "segment_memberships",
        where=where & given(at(f"{path}.id")),
        segment_id=at(f"{path}.id"),
        segment_name=at(f"{path}.name"),
        kind=pl.lit(kind, pl.String),
        state=pl.lit(state),
        observed_at=event_time,
    )


def _tier_event(word: str) -> pl.Expr:
    return event_name == f"customer.loyalty.tier.{word}"


moved = _tier_event("upgraded") | _tier_event("downgraded")
event_memberships = (
    _told_membership(None, "data.segment", "entered", event_name == "customer.segment.entered"),
    _told_membership(None, "data.segment", "left", event_name == "customer.segment.left"),
    _told_membership("loyalty_tier", "data.loyalty_tier", "entered", _tier_event("joined")),
    _told_membership("loyalty_tier", "data.loyalty_tier", "left", _tier_event("left")),
    _told_membership("loyalty_tier", "data.loyalty_tier_to", "entered", moved),
    _told_membership("loyalty_tier", "data.loyalty_tier_from", "left", moved),
)
points = first_given(told_json("balance.points"), told_json("points"))
is_expiry = event_name == "customer.voucher.loyalty_card.points_expired"
event_points = rows(
    "loyalty_transactions",
    where=event_name.is_in(tuple(POINT_EVENTS)) & given(points),
    transaction_id=first_given(told_json("transaction.id"), event_key),
    account_id=loyalty_account(event_customer_id, at("data.campaign.name")),
    type=lookup(event_name, POINT_EVENTS),
    type_raw=first_given(told_json("transaction.type"), at("event.type"), at("type")),
    points_delta=taken_back(points, is_expiry),
    source_order_id=event_order_id,
    occurred_at=event_time,
    is_sign_normalised=Typed(is_expiry),
)

# -- what a record is --------------------------------------------------------------------------------------------------

# Events that tell of a customer as a whole are observations of it where they land among the customers.
OBSERVATIONS = dict.fromkeys(
    (
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.confirmed",
        "customer.consents.given",
        "customer.consents.revoked",
    ),
    "customer_event",
)
KINDS = Kinds(
    signs=(
        sign("data", word_in="type", kind="event", words=OBSERVATIONS),
        sign(word_in="event", words={"customer.*": "customer_notice"}),
        sign("related_object_id", word_in="related_object", words={"customer": "deletion_of_a_customer"}),
        # A list of segments that names its owner is a record itself.
        *(sign(key, owner, kind="segments_of_a_customer") for key in ("data", "segments") for owner in ("customer_id", "customer")),
        sign("data", "source_id", kind="segments_of_a_customer"),
        sign(word_in="object", words={"list": ""}),
        sign("exported_object", kind="export"),
        sign("campaign_type", kind="campaign"),
        sign("voucher_type", kind="voucher"),
        sign("voucher_id", kind="voucher_transaction"),
        sign("is_winner", kind="publication"),
        sign("price", kind="product"),
        sign("image_url", kind="product"),
        sign("rules", kind="validation_rule"),
        sign("schema", kind="metadata_schema"),
    ),
    pages={
        "customers": "customer",
        "orders": "order",
        "redemptions": "redemption",
        "redemption_entries": "redemption",
        "segments": "segment",
        "events": "event",
        "activities": "event",
        "data": "",
    },
    common=frozenset({
        "id", "object", "source_id", "name", "description", "code", "type", "status", "result", "reason", "channel", "date", "amount",
        "metadata", METADATA_CELLS, "created_at", "updated_at", "assets", "campaign", "campaign_id", "voucher_code", "customer", "customer_id",
        "customer_source_id", "summary", "total", "data_ref", "has_more",
    }),
    holders={"data": ("customer", "order", "voucher", "campaign")},
)  # fmt: skip

# -- the vendor ------------------------------------------------------------------------------------------------------


def headers_of(shape: dict[str, Any]) -> CsvForm:
    """An export's headers stand for the fields of the shape, however they are written."""
    return CsvForm(names=tuple(shape))


customer = _Customer()
told_customer = _Customer("data.customer", told_at=(at("event.created_at"), at("created_at")))
noticed_customer = _Customer("customer", other_id="customer_id", told_at=(at("created_at"),))

VENDOR = vendor(
    "voucherify",
    "Voucherify",
    stream(
        "customers",
        "Customers with figures, loyalty balances, referrals and consents; also the events that tell of a customer as a"
        " whole.",
        dialect(
            "voucherify.customer",
            "customer",
            CUSTOMER_OR_CELLS,
            *customer.rows(),
            about=customer.profile,
            lacks=("type", "data", "event"),
            kinds=("customer",),
            tells=dict.fromkeys(("source_id", "name", "summary", "metadata", METADATA_CELLS), ANY_WORD),
        ),
        dialect(
            "voucherify.customer_event",
            "customer",
            CUSTOMER_EVENT,
            *told_customer.rows(is_deleted=event_name == "customer.deleted"),
            about=told_customer.profile,
            doubts=(other_type,),
            has=("type", "data"),
            kinds=("customer_event",),
        ),
        dialect(
            "voucherify.customer_notice",
            "customer",
            CUSTOMER_NOTICE,
            *noticed_customer.rows(is_deleted=at("event").str.strip_chars().str.to_lowercase() == "customer.deleted"),
            about=noticed_customer.profile,
            has=("event",),
            lacks=("type", "data"),
            kinds=("customer_notice",),
        ),
        dialect(
            "voucherify.deletion",
            "customer",
            DELETION,
            rows(
                "customers",
                where=at("status").str.to_uppercase() == "DONE",
                source_updated_at=time(at("created_at")),
                is_deleted=TRUE,
            ),
            about=Profile(
                at("related_object_id"), (Identifier("profile_id", at("related_object_id"), "related_object_id"),)
            ),
            has=("related_object_id",),
            kinds=("deletion_of_a_customer",),
        ),
        csv=headers_of(CUSTOMER_OR_CELLS),
    ),
    stream(
        "orders",
        "Orders with their lines; the CSV export has none.",
        dialect(
            "voucherify.order",
            "order",
            ORDER_OR_CELLS,
            orders,
            order_lines(),
            about=person(order_customer_id, "customer"),
            duplicates_of="orders",
            kinds=("order",),
            tells={"amount": ANY_WORD, "status": STATUS},
        ),
        csv=headers_of(ORDER_OR_CELLS),
    ),
    stream(
        "redemptions",
        "Vouchers, gift cards and points used, refused and taken back.",
        dialect(
            "voucherify.redemption",
            "redemption",
            REDEMPTION_OR_CELLS,
            redemptions,
            about=person(
                redemption_customer_id,
                "customer",
                Identifier("tracking_id", at("tracking_id"), "tracking_id"),
                source_id=first_given(at("customer.source_id"), at("customer_source_id")),
                name=first_given(at("customer.name"), at("customer_name")),
            ),
            doubts=(unclear_amount,),
            kinds=("redemption", "redemption_rollback"),
            tells={"result": RESULT, "status": RESULT},
        ),
        envelopes=("redemption_entries",),
        csv=headers_of(REDEMPTION_OR_CELLS),
    ),
    stream(
        "segments",
        "Segments as defined, and the segments of single customers.",
        customer_segments("segments", "data"),
        customer_segments("data", "segments"),
        dialect(
            "voucherify.segment",
            "segment",
            SEGMENT,
            segments,
            segment_in_named_file,
            about=Contact(identifiers=(Identifier("profile_id", file_value(), "file name"),), profile_id=file_value()),
            has=("id",),
            lacks=("segments", "data"),
            kinds=("segment",),
            tells={"name": ANY_WORD, "type": SEGMENT_KIND},
            checks=(Check("missing_segment_id", "id", ~given(at("id"))),),
        ),
        owners=("customer_id", "customer", "source_id"),
        file_value=r"(cust_[0-9A-Za-z]{8,})",
    ),
    stream(
        "events",
        "What customers did and what was done to them: the activity list, and webhooks as sent.",
        dialect(
            "voucherify.event",
            "event",
            EVENT,
            events,
            event_orders,
            order_lines(event_order, tells_of_order),
            event_cancellations,
            *event_memberships,
            event_points,
            *event_redemptions,
            *event_consents,
            about=person(event_customer_id, "data.customer"),
            doubts=(other_type,),
            has=("type",),
            duplicates_of="events",
            kinds=("event", "customer_event"),
        ),
    ),
    money=(
        "Minor units, with as many decimals as the currency has: orders are documented in the smallest unit, summaries"
        " times 100, which differ only where a currency has not two decimals. Voucherify names no currency: it is a"
        " setting of the project, hence the account's. A column of a table that holds a decimal point anywhere in its"
        " file is in major units there."
    ),
    kinds=KINDS,
)
