"""Every money column that a vendor fills, in a currency without decimals, with two and with three: the amount in major units, and the right code.

A case states one amount in all money fields of its records; `docs/money.md` says which those are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from orchestration.docgen.money_fields import money_fields
from orchestration.vendors import discover
from tests.support.goldens import normalise

AMOUNTS = {"JPY": "1234", "EUR": "12.34", "KWD": "1.234"}
# Vendors of which every money column has a case.
COVERED: tuple[str, ...] = ("ometria", "omnisend", "open_delivery", "optimizely", "voucherify")


@dataclass(frozen=True)
class Case:
    """Records with one amount, as the vendor would state it, in each of their money fields.

    `fills` are the money columns that must come out of it, by table, each with how often the amount, negative where it is taken back. `scale` is by how much the vendor's number is
    greater than the amount; `is_named` says that the record names its currency, which else is the account's.
    """

    vendor: str
    stream: str
    dialect: str
    records: Callable[[str, str], list[Mapping[str, Any]]]
    fills: Mapping[str, Mapping[str, int]]
    scale: Callable[[str], int] = lambda code: 1
    is_named: bool = True
    account: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[str, str] = field(default_factory=lambda: AMOUNTS)


def minor(code: str) -> int:
    """How many of its smallest units make one of the currency."""
    return {"JPY": 1, "EUR": 100, "KWD": 1000}[code]


def once(*columns: str) -> dict[str, int]:
    return dict.fromkeys(columns, 1)


# -- ODP -----------------------------------------------------------------------------------------------------------------

ORDER = once("total", "subtotal", "discount_total", "shipping_total", "tax_total")
LINE = {"unit_price": 2, **once("discount", "subtotal", "total")}
CHANGE = once("amount", "subtotal_amount")
WHO = {"email": "ana@example.com"}


def amounts(code: str, amount: str, start: str = "") -> dict[str, Any]:
    """An order with every amount the same."""
    fields = {
        "order_id": "1",
        "currency": code,
        **dict.fromkeys(("total", "subtotal", "discount", "tax", "shipping"), amount),
    }
    return {f"{start}{name}": value for name, value in fields.items()}


def piece(amount: str, start: str = "") -> dict[str, Any]:
    """One piece of a product at half its price."""
    fields = {
        "product_id": "p",
        "quantity": 1,
        "price": str(2 * Decimal(amount)),
        "discount": amount,
        "subtotal": amount,
    }
    return {f"{start}{name}": value for name, value in fields.items()}


def both(build: Callable[[str, str, str], dict[str, Any]]) -> Callable[[str, str], list[Mapping[str, Any]]]:
    """A purchase and its refund."""
    return lambda code, amount: [build("purchase", code, amount), build("refund", code, amount)]


def odp_event(action: str, code: str, amount: str) -> dict[str, Any]:
    return {
        "type": "order",
        "action": action,
        "identifiers": WHO,
        "data": {"order": {**amounts(code, amount), "items": [piece(amount)]}},
    }


def odp_anonymous(action: str, code: str, amount: str) -> dict[str, Any]:
    return {
        "type": "order",
        "data": {"action": action, **WHO, "order": {**amounts(code, amount), "items": [piece(amount)]}},
    }


def odp_nested(action: str, code: str, amount: str) -> dict[str, Any]:
    return {"type": "order", "action": action, **WHO, "order": {**amounts(code, amount), "items": [piece(amount)]}}


def odp_flat(action: str, code: str, amount: str) -> dict[str, Any]:
    # In an export the order's amounts stand beside the change's own.
    change = {"total": amount, "subtotal": amount} if action == "refund" else piece(amount)
    return {"event_type": "order", "action": action, **WHO, **amounts(code, amount, "order."), **change}


def odp_identified(action: str, code: str, amount: str) -> dict[str, Any]:
    flat = {name: value for name, value in odp_flat(action, code, amount).items() if name not in WHO}
    return {**flat, "identifiers": WHO}


def odp_order(action: str, code: str, amount: str) -> dict[str, Any]:
    return {"action": action, **WHO, **amounts(code, amount), "items": [piece(amount)]}


def odp_row(action: str, code: str, amount: str) -> dict[str, Any]:
    return {"action": action, **WHO, **amounts(code, amount), **piece(amount, "item_")}


def odp_profile(key: str) -> Callable[[str, str], list[Mapping[str, Any]]]:
    def build(code: str, amount: str) -> list[Mapping[str, Any]]:
        events = [
            {
                "type": "order",
                "action": action,
                "timestamp": "2026-02-01T00:00:00Z",
                "data": {"order": amounts(code, amount)},
            }
            for action in ("purchase", "refund")
        ]
        return [{key: WHO, "insights": {"total_revenue": amount, "average_order_value": amount}, "events": events}]

    return build


def odp_customer(code: str, amount: str) -> list[Mapping[str, Any]]:
    return [{**WHO, "insights.total_revenue": amount, "insights.average_order_value": amount}]


STATS = {"vendor_stats": once("value_num")}
WHOLE = {"orders": ORDER, "order_lines": LINE, "order_adjustments": CHANGE}
ODP = (
    Case("optimizely", "events", "optimizely.event", both(odp_event), WHOLE),
    Case("optimizely", "events", "optimizely.anonymous_event", both(odp_anonymous), WHOLE),
    Case("optimizely", "orders", "optimizely.nested_order", both(odp_nested), WHOLE),
    Case("optimizely", "events", "optimizely.identified_event", both(odp_identified), WHOLE),
    Case("optimizely", "events", "optimizely.events", both(odp_flat), WHOLE),
    Case("optimizely", "orders", "optimizely.order", both(odp_order), WHOLE),
    Case("optimizely", "orders", "optimizely.orders", both(odp_row), WHOLE),
    Case("optimizely", "profiles", "optimizely.customers", odp_customer, STATS, is_named=False),
    *(
        Case(
            "optimizely",
            "profiles",
            dialect,
            odp_profile(key),
            {"orders": ORDER, "order_adjustments": CHANGE, **STATS},
            is_named=False,
        )
        for dialect, key in (("optimizely.profile", "identifiers"), ("optimizely.attributes", "attributes"))
    ),
)

# -- Ometria ---------------------------------------------------------------------------------------------------------------

FIGURES = ("subtotal", "discount", "shipping", "tax", "grand_total", "total_refunded")
LINE_FIGURES = ("unit_price", "subtotal", "discount", "tax", "total")
OMETRIA_ORDER = once("subtotal", "discount_total", "shipping_total", "tax_total", "total", "refunded_total")


def ometria_orders(start: str) -> Callable[[str, str], list[Mapping[str, Any]]]:
    """An order and a negative one that takes it back; beside a base currency the order's own is another."""

    def build(code: str, amount: str) -> list[Mapping[str, Any]]:
        line = {
            "sku": "a",
            "quantity": 1,
            **{f"{start}{name}": amount for name in LINE_FIGURES},
            **({} if start else {"refunded": amount}),
        }
        order = {
            "@type": "order",
            "id": "1",
            "currency": "CHF",
            f"{start}currency": code,
            **{f"{start}{name}": amount for name in FIGURES},
            "lineitems": [line],
        }
        return [order, {**order, "id": "2", f"{start}grand_total": f"-{amount}", "original_order_id": "1"}]

    return build


def ometria_profile(code: str, amount: str) -> list[Mapping[str, Any]]:
    return [{"@type": "profile", "id": "p", "stats": {"revenue": amount, "aov": amount}}]


def ometria_profile_row(code: str, amount: str) -> list[Mapping[str, Any]]:
    return [{"@type": "profile", "id": "p", "stats.revenue": amount, "stats.aov": amount}]


OMETRIA = (
    Case(
        "ometria", "orders", "ometria.order", ometria_orders(""),
        {"orders": OMETRIA_ORDER, "order_lines": once(*LINE_FIGURES, "refunded_amount"), "order_adjustments": CHANGE},
    ),
    Case("ometria", "orders", "ometria.order", ometria_orders("base_"), {"orders": OMETRIA_ORDER, "order_lines": once(*LINE_FIGURES), "order_adjustments": CHANGE}),
    Case("ometria", "profiles", "ometria.profile", ometria_profile, STATS, is_named=False),
    Case("ometria", "profiles", "ometria.csv_profile", ometria_profile_row, STATS, is_named=False),
)  # fmt: skip

# -- Omnisend --------------------------------------------------------------------------------------------------------------


def omnisend_v3(code: str, amount: str) -> list[Mapping[str, Any]]:
    line = {"productID": "p", "quantity": 1, "price": amount, "discount": amount}
    figures = dict.fromkeys(("orderSum", "subTotalSum", "discountSum", "taxSum", "shippingSum"), amount)
    return [{"orderID": "1", "currency": code, "paymentStatus": "refunded", **figures, "products": [line]}]


def omnisend_event(code: str, amount: str) -> list[Mapping[str, Any]]:
    figures = dict.fromkeys(("totalPrice", "subTotalPrice", "discountValue"), amount)
    line = {"productID": "p", "quantity": 1, "price": amount, "discount": amount}
    return [{"eventName": "placed order", "order": {"orderID": "1", "currency": code, **figures}, "lineItems": [line]}]


def omnisend_refund(code: str, amount: str) -> list[Mapping[str, Any]]:
    figures = dict.fromkeys(
        ("totalPrice", "subTotalPrice", "totalDiscount", "shippingPrice", "totalTax", "totalRefundedAmount"), amount
    )
    line = {"productID": "p", "productQuantity": 1, "productPrice": amount, "productDiscount": amount}
    return [
        {
            "eventName": "order refunded",
            "properties": {"orderID": "1", "currency": code, **figures, "lineItems": [line]},
        }
    ]


OMNISEND_LINE = {"order_lines": once("unit_price", "discount")}
OMNISEND = (
    Case("omnisend", "events", "omnisend.event", omnisend_event, {"orders": once("subtotal", "discount_total", "total"), **OMNISEND_LINE}),
    Case(
        "omnisend", "events", "omnisend.event", omnisend_refund,
        {
            "orders": once("subtotal", "discount_total", "shipping_total", "tax_total", "total", "refunded_total"),
            "order_adjustments": once("amount"),
            **OMNISEND_LINE,
        },
    ),
    Case(
        "omnisend", "orders", "omnisend.v3", omnisend_v3,
        {
            "orders": once("subtotal", "discount_total", "shipping_total", "tax_total", "total", "refunded_total"),
            "order_lines": once("unit_price", "discount"),
        },
        # Hundredths in every currency, which are whole: of a dinar no mills can be stated.
        scale=lambda code: 100,
        amounts={**AMOUNTS, "KWD": "1.23"},
    ),
)  # fmt: skip

# -- Open Delivery ---------------------------------------------------------------------------------------------------------


def open_order(prices: str) -> Callable[[str, str], list[Mapping[str, Any]]]:
    """An order as version 1 reports it, or as version 2 does, which names an item's prices together."""

    def build(code: str, amount: str) -> list[Mapping[str, Any]]:
        price = {"value": amount, "currency": code}
        reported, worked_out = (
            {"unitPrice": price, "totalPrice": price},
            {"unitPrice": price, "optionsPrice": {"value": "0", "currency": code}},
        )
        items = [
            {"id": name, "name": name, "quantity": 1, **({prices: one} if prices else one)}
            for name, one in (("a", reported), ("b", worked_out))
        ]
        order = {
            "id": "1",
            "status": "CONFIRMED",
            "createdAt": "2026-02-01T10:00:00Z",
            **({"fulfillment": {"orderType": "DELIVERY"}} if prices else {"type": "DELIVERY"}),
            "items": items,
            "otherFees": [{"type": "DELIVERY_FEE", "price": price}, {"type": "SERVICE_FEE", "price": price}],
            "total": dict.fromkeys(("itemsPrice", "otherFees", "discount", "orderAmount"), price),
            "payments": {"methods": [{"value": amount, "currency": code, "type": "PREPAID", "method": "PIX"}]},
        }
        summed = {
            **order,
            "id": "2",
            "discounts": [{"amount": price}],
            "total": dict.fromkeys(("itemsPrice", "orderAmount"), price),
        }
        return [order, summed]

    return build


def open_event(holder: str, **more: Any) -> Callable[[str, str], list[Mapping[str, Any]]]:
    def build(code: str, amount: str) -> list[Mapping[str, Any]]:
        reported = {"orderId": "1", "totalAmount": amount, "currency": code}
        return [{"eventType": "ORDER_COMPLETED", "occurredAt": "2026-02-01T10:00:00Z", **more, holder: reported}]

    return build


def open_rc2_order(code: str, amount: str) -> list[Mapping[str, Any]]:
    return [
        {
            "id": "1",
            "storeId": "s",
            "totalAmount": amount,
            "createdAt": "2026-02-01T10:00:00Z",
            "items": [{"sku": "a", "quantity": 1, "unitPrice": amount}],
        }
    ]


def open_coupon(code: str, amount: str) -> list[Mapping[str, Any]]:
    return [
        {
            "redemptionId": "1",
            "redeemedAt": "2026-02-01T10:00:00Z",
            "coupon": {"code": "C", "value": amount, "currency": code},
        }
    ]


OPEN_ORDER = {
    "orders": once("subtotal", "discount_total", "shipping_total", "fees_total", "total"),
    "order_lines": once("unit_price", "total"),
    "order_payments": once("value"),
}
TOTAL = {"orders": once("total")}
OPEN_EVENTS = (
    ("open_delivery.draft", open_event("data")),
    ("open_delivery.rc2", open_event("payload", id="e1")),
    ("open_delivery.transport", open_event("payload", entityType="ORDER")),
    (
        "open_delivery.transport.wrapped",
        lambda code, amount: [{"event": open_event("payload", entityType="ORDER")(code, amount)[0]}],
    ),
)
IN_MAJOR, IN_MINOR = {"amount_unit": "major"}, {"amount_unit": "minor"}
OPEN_DELIVERY = (
    Case("open_delivery", "orders", "open_delivery.v1.3", open_order(""), OPEN_ORDER),
    # The format settles its unit itself, whatever the account says.
    Case("open_delivery", "orders", "open_delivery.v1.3", open_order(""), OPEN_ORDER, account=IN_MINOR),
    Case("open_delivery", "orders", "open_delivery.v2", open_order("pricing"), OPEN_ORDER),
    Case(
        "open_delivery", "orders", "open_delivery.v2", open_order("pricing"), OPEN_ORDER, account=IN_MINOR, scale=minor
    ),
    Case(
        "open_delivery",
        "orders",
        "open_delivery.rc2",
        open_rc2_order,
        {**TOTAL, "order_lines": once("unit_price")},
        scale=minor,
        is_named=False,
    ),
    Case(
        "open_delivery",
        "orders",
        "open_delivery.rc2",
        open_rc2_order,
        {**TOTAL, "order_lines": once("unit_price")},
        account=IN_MAJOR,
        is_named=False,
    ),
    *(Case("open_delivery", "events", dialect, build, TOTAL, scale=minor) for dialect, build in OPEN_EVENTS),
    *(Case("open_delivery", "events", dialect, build, TOTAL, account=IN_MAJOR) for dialect, build in OPEN_EVENTS),
    Case("open_delivery", "redemptions", "open_delivery.draft", open_coupon, {"redemptions": once("money_amount")}),
    Case(
        "open_delivery",
        "redemptions",
        "open_delivery.draft",
        open_coupon,
        {"redemptions": once("money_amount")},
        account=IN_MINOR,
        scale=minor,
    ),
)

# -- Voucherify ------------------------------------------------------------------------------------------------------------

VOUCHERIFY_ORDER = {
    "orders": once("subtotal", "discount_total", "total"),
    "order_lines": once("unit_price", "discount", "subtotal", "total"),
}


def voucherify_summary(amount: str) -> dict[str, Any]:
    orders = dict.fromkeys(("total_amount", "average_amount", "last_order_amount"), amount)
    return {"orders": orders, "redemptions": {"gift": {"redeemed_amount": amount, "amount_to_go": amount}}}


def voucherify_order(amount: str) -> dict[str, Any]:
    line = {
        "object": "order_item",
        "product_id": "p",
        "quantity": 1,
        **dict.fromkeys(("price", "discount_amount", "amount", "subtotal_amount"), amount),
    }
    figures = dict.fromkeys(("amount", "total_discount_amount", "total_amount"), amount)
    return {"id": "ord_1", "object": "order", "status": "PAID", **figures, "items": [line]}


def voucherify_redemptions(amount: str) -> dict[str, dict[str, Any]]:
    redemption = {"object": "redemption", "date": "2026-02-01T10:00:00Z", "result": "SUCCESS"}
    return {
        "gift": {**redemption, "id": "r_1", "gift": {"amount": amount}},
        "voucher": {**redemption, "id": "r_2", "amount": amount, "voucher": {"code": "G", "type": "GIFT_VOUCHER"}},
    }


def voucherify_rollback(amount: str) -> dict[str, Any]:
    """Of which only the redemption that it takes back says whether it is money or points."""
    return {
        "id": "rr_1",
        "object": "redemption_rollback",
        "date": "2026-02-01T10:00:00Z",
        "redemption": "r_1",
        "result": "SUCCESS",
        "amount": amount,
    }


def voucherify_message(type_: str, **data: Any) -> Mapping[str, Any]:
    return {"id": f"e_{type_}", "type": type_, "created_at": "2026-02-01T10:00:00Z", "data": data}


GIFT, UNCLEAR = {"redemptions": once("money_amount")}, {"redemptions": {"unclear_money_amount": -1}}
VOUCHERIFY_CASES: tuple[tuple[str, str, Callable[[str, str], list[Mapping[str, Any]]], Mapping[str, Mapping[str, int]]], ...] = (
    ("customers", "voucherify.customer", lambda code, amount: [{"id": "cust_1", "name": "Ana", "summary": voucherify_summary(amount)}], STATS),
    (
        "customers", "voucherify.customer_event",
        lambda code, amount: [voucherify_message("customer.updated", customer={"id": "cust_1", "summary": voucherify_summary(amount)})], STATS,
    ),
    (
        "customers", "voucherify.customer_notice",
        lambda code, amount: [{"event": "customer.updated", "customer": {"id": "cust_1", "summary": voucherify_summary(amount)}}], STATS,
    ),
    ("orders", "voucherify.order", lambda code, amount: [voucherify_order(amount)], VOUCHERIFY_ORDER),
    ("events", "voucherify.event", lambda code, amount: [voucherify_message("customer.order.paid", order=voucherify_order(amount))], VOUCHERIFY_ORDER),
    ("redemptions", "voucherify.redemption", lambda code, amount: [*voucherify_redemptions(amount).values()], GIFT),
    ("redemptions", "voucherify.redemption", lambda code, amount: [voucherify_rollback(amount)], UNCLEAR),
    (
        "events", "voucherify.event",
        lambda code, amount: [voucherify_message("redemption.succeeded", redemption=one) for one in voucherify_redemptions(amount).values()], GIFT,
    ),
    ("events", "voucherify.event", lambda code, amount: [voucherify_message("redemption.rollback.succeeded", redemption_rollback=voucherify_rollback(amount))], UNCLEAR),
)  # fmt: skip
VOUCHERIFY = tuple(
    Case("voucherify", stream, dialect, records, fills, scale=minor, is_named=False)
    for stream, dialect, records, fills in VOUCHERIFY_CASES
)

CASES: tuple[Case, ...] = (*ODP, *OMETRIA, *OMNISEND, *OPEN_DELIVERY, *VOUCHERIFY)


@pytest.mark.long
@pytest.mark.parametrize("code", AMOUNTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.dialect)
def test_an_amount_comes_out_in_major_units_and_its_own_currency(case: Case, code: str) -> None:
    amount = Decimal(case.amounts[code])
    account = {**case.account} if case.is_named else {"default_currency": code, **case.account}
    outcome = normalise(case.vendor, case.stream, case.records(code, format(amount * case.scale(code), "f")), **account)
    assert not outcome.rejects
    assert set(outcome.dialects) == {case.dialect}
    read = {
        (f"{table}.{column}", row.get(column), row["currency"])
        for table, columns in case.fills.items()
        for row in outcome.rows(table)
        if "currency" in row
        for column in columns
    }
    assert read == {
        (f"{table}.{column}", times * amount, code)
        for table, columns in case.fills.items()
        for column, times in columns.items()
    }


@pytest.mark.parametrize("vendor", COVERED)
def test_every_money_column_of_the_vendor_has_a_case(vendor: str) -> None:
    filled = {(found.dialect, found.column) for found in money_fields(discover()[vendor])}
    tried = {
        (case.dialect, f"{table}.{column}")
        for case in CASES
        for table, columns in case.fills.items()
        for column in columns
    }
    assert filled - tried == set()
