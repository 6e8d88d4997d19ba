"""What all versions of an order share: buyer, lines, fees, payments, and the rows they make."""

import polars as pl

from orchestration.mapping.expressions import at, first_given, furthest, given, item
from orchestration.mapping.record_schema import EXTRA, NUMBER, TEXT, alone
from orchestration.mapping.selects import Contact, Identifier, Rows, rows
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import word, words
from orchestration.parsing.numbers import decimal, money
from orchestration.vendors.open_delivery.customers import ADDRESS, address
from orchestration.vendors.open_delivery.identifiers import (
    customer_reference,
    phone_line,
)
from orchestration.vendors.open_delivery.order_words import DELIVERY_FEES, PAYMENT_TYPES, PRICE, STATUS_WORDS, status_of


def _sum(amounts: pl.Expr) -> pl.Expr:
    """Sum of a list of amounts as text; if one of them is no number, that one instead, so that it is logged."""
    given_amounts = amounts.list.drop_nulls()
    parsed = given_amounts.list.eval(pl.element().cast(pl.Decimal(18, 4), strict=False))
    wrong = given_amounts.list.eval(
        pl.element().filter(pl.element().cast(pl.Decimal(18, 4), strict=False).is_null())
    ).list.first()
    return pl.when(given_amounts.list.len() > 0).then(pl.coalesce(wrong, parsed.list.sum().cast(pl.String)))


def _fees(*, is_delivery: bool) -> pl.Expr:
    fee = pl.element().struct.field
    is_one = fee("type").str.to_uppercase().is_in(DELIVERY_FEES).fill_null(value=False)
    return _sum(
        at("otherFees").list.eval(pl.when(is_one if is_delivery else ~is_one).then(fee("price").struct.field("value")))
    )


def _line_total(quantity: pl.Expr, unit_price: pl.Expr, options_price: pl.Expr) -> pl.Expr:
    """Quantity times the price of one with its options, for items that state no total."""
    return (
        (decimal(quantity) * (money(unit_price) + money(options_price).fill_null(0)))
        .cast(pl.Decimal(38, 4))
        .cast(pl.String)
    )


# -- v1.3 and v2 -------------------------------------------------------------------------------------------------------

CUSTOMER = {
    "id": TEXT,
    "name": TEXT,
    "documentNumber": TEXT,
    "phone": {"number": TEXT, "extension": TEXT},
    "email": TEXT,
    "ordersCountOnMerchant": NUMBER,
    "birthDate": TEXT,
    "gender": TEXT,
}
SPONSORSHIP = {"name": EXTRA, "amount": EXTRA, "discountCode": TEXT}
PRICED = {
    "otherFees": [
        {
            "name": EXTRA,
            "type": TEXT,
            "receivedBy": EXTRA,
            "receiverDocument": EXTRA,
            "price": PRICE,
            "observation": EXTRA,
        }
    ],
    "discounts": [{"amount": PRICE, "target": EXTRA, "targetId": EXTRA, "sponsorshipValues": [SPONSORSHIP]}],
    "total": {
        "itemsPrice": PRICE,
        "orderAmount": PRICE,
        **{key: {"value": alone(NUMBER), "currency": EXTRA} for key in ("otherFees", "discount")},
    },
    "payments": {
        "prepaid": EXTRA,
        "pending": EXTRA,
        "methods": [
            {
                "value": NUMBER,
                "currency": TEXT,
                "type": TEXT,
                "method": TEXT,
                "brand": TEXT,
                "methodInfo": EXTRA,
                "changeFor": EXTRA,
                "transaction": EXTRA,
            }
        ],
    },
}


def _items(prices: str, item_fields: dict[str, object]) -> list[dict[str, object]]:
    kinds = {"unitPrice": PRICE, "originalPrice": EXTRA, "optionsPrice": PRICE, "totalPrice": PRICE}
    priced = {prices: kinds} if prices else kinds
    return [
        {
            "id": TEXT,
            "name": TEXT,
            "externalCode": TEXT,
            "unit": TEXT,
            "quantity": NUMBER,
            "options": EXTRA,
            **item_fields,
            **priced,
        }
    ]


COMMON = {
    "id": TEXT,
    "displayId": TEXT,
    "sourceAppId": EXTRA,
    "createdAt": TEXT,
    "lastEvent": TEXT,
    "status": TEXT,
    "merchant": {"id": TEXT, "externalCode": EXTRA, "name": EXTRA},
    "customer": CUSTOMER,
    **PRICED,
    "extraInfo": EXTRA,
}
V1_ORDER = {
    **COMMON,
    "type": TEXT,
    "salesChannel": TEXT,
    "orderTiming": EXTRA,
    "preparationStartDateTime": EXTRA,
    "items": _items("", {"index": EXTRA, "ean": TEXT, "specialInstructions": EXTRA}),
    "schedule": {"scheduledDateTimeStart": EXTRA, "scheduledDateTimeEnd": EXTRA},
    "delivery": {
        "deliveredBy": EXTRA,
        "deliveryAddress": ADDRESS,
        "estimatedDeliveryDateTime": EXTRA,
        "deliveryDateTime": EXTRA,
    },
    "takeout": {"mode": EXTRA, "takeoutDateTime": EXTRA},
    "indoor": {"mode": EXTRA, "indoorDateTime": EXTRA, "place": EXTRA, "tab": EXTRA},
    "virtualBrand": EXTRA,
    "category": EXTRA,
    "taxInvoice": EXTRA,
    "orderPriority": EXTRA,
    "sendPreparing": EXTRA,
    "sendPickedUp": EXTRA,
    "sendDelivered": EXTRA,
    "sendTracking": EXTRA,
}
V2_ORDER = {
    **COMMON,
    "fulfillment": {
        "orderType": TEXT,
        "delivery": {"address": ADDRESS, "estimatedDeliveryDateTime": EXTRA, "observations": EXTRA},
        "takeout": EXTRA,
        "indoor": EXTRA,
        "billingAddress": ADDRESS,
    },
    "timing": EXTRA,
    "items": _items("pricing", {"itemOfferId": EXTRA, "observations": EXTRA}),
    "taxInvoice": EXTRA,
    "context": {"salesChannel": TEXT},
    "observations": EXTRA,
}

order_currency = first_given(
    at("total.orderAmount.currency"),
    at("total.itemsPrice.currency"),
    at("payments.methods").list.first().struct.field("currency"),
)


def contact(*places: pl.Expr) -> Contact:
    return Contact(
        identifiers=(
            customer_reference(at("customer.id"), "customer.id"),
            Identifier("document", at("customer.documentNumber"), "customer.documentNumber"),
            Identifier("email", at("customer.email"), "customer.email"),
            Identifier(
                "phone", phone_line(at("customer.phone.number"), at("customer.phone.extension")), "customer.phone"
            ),
        ),
        profile_id=at("customer.id"),
        attributes={
            "full_name": at("customer.name"),
            "birth_date": at("customer.birthDate"),
            "gender_raw": at("customer.gender"),
            **address(*places),
        },
    )


order_total, items_price = at("total.orderAmount.value"), at("total.itemsPrice.value")
discount = first_given(
    at("total.discount.value"),
    _sum(at("discounts").list.eval(pl.element().struct.field("amount").struct.field("value"))),
)
delivery_fees = _fees(is_delivery=True)
other_fees = (
    pl.when(at("otherFees").list.len() > 0).then(_fees(is_delivery=False)).otherwise(at("total.otherFees.value"))
)


def _worked_out() -> pl.Expr:
    """The total as the protocol defines it: items and fees less discounts; null if one of them cannot be read."""

    def part(stated: pl.Expr) -> pl.Expr:
        return pl.when(given(stated)).then(money(stated)).otherwise(0)

    left = money(items_price) + part(delivery_fees) + part(other_fees) - part(discount).abs()
    return pl.when(left < 0).then(0).otherwise(left).cast(pl.Decimal(18, 4), strict=False).cast(pl.String)


def order(channel: pl.Expr, shipping_method: pl.Expr, *, is_unit_open: bool) -> Rows:
    return rows(
        "orders",
        is_amount_unit_inferred=is_unit_open,
        source_order_id=at("id"),
        order_number=at("displayId"),
        order_match_key=at("id"),
        store_id=at("merchant.id"),
        channel=channel,
        ordered_at=time(at("createdAt"), else_export_date=True),
        currency=order_currency,
        subtotal=items_price,
        discount_total=discount,
        shipping_total=delivery_fees,
        fees_total=other_fees,
        total=first_given(order_total, _worked_out()),
        is_total_inferred=Typed(given(items_price) & ~given(order_total)),
        status_raw=first_given(at("status"), at("lastEvent")),
        status=words(furthest(status_of(at("status")), status_of(at("lastEvent"))), (at("status"), STATUS_WORDS), (at("lastEvent"), STATUS_WORDS)),
        orders_count_on_merchant=at("customer.ordersCountOnMerchant"),
        coupon_codes=at("discounts").list.eval(
            pl.element().struct.field("sponsorshipValues").list.eval(pl.element().struct.field("discountCode")).explode()
        ).list.drop_nulls().list.unique(maintain_order=True),
        payment_method=at("payments.methods").list.first().struct.field("method"),
        shipping_method=shipping_method,
    )  # fmt: skip


def lines(prices: str, *, is_unit_open: bool, **columns: Value) -> Rows:
    start = f"{prices}." if prices else ""
    quantity, unit_price, options_price = (
        item("quantity"),
        item(f"{start}unitPrice.value"),
        item(f"{start}optionsPrice.value"),
    )
    return rows(
        "order_lines",
        each="items",
        is_amount_unit_inferred=is_unit_open,
        source_order_id=at("id"),
        line_no=Typed(pl.col("position")),
        source_line_id=item("id"),
        product_id=first_given(item("externalCode"), item("id")),
        sku=item("externalCode"),
        title=item("name"),
        quantity=quantity,
        unit=item("unit"),
        currency=first_given(item(f"{start}totalPrice.currency"), item(f"{start}unitPrice.currency"), order_currency),
        unit_price=unit_price,
        total=first_given(item(f"{start}totalPrice.value"), _line_total(quantity, unit_price, options_price)),
        **columns,
    )


def payments(*, is_unit_open: bool) -> Rows:
    return rows(
        "order_payments",
        each="payments.methods",
        is_amount_unit_inferred=is_unit_open,
        source_order_id=at("id"),
        seq=Typed(pl.col("position")),
        method=item("method"),
        brand=item("brand"),
        value=item("value"),
        currency=first_given(item("currency"), order_currency),
        type=word(item("type"), PAYMENT_TYPES, "unknown"),
    )
