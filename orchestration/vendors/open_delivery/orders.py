"""Orders: v1.3 (which the draft reuses) and v2 with {value, currency}, the rc.2 relationship view in cents, the
transport view.

The id is what events and reviews name an order by; `displayId` is what people see and may come again another day.
An item's price is that of one piece; the options chosen with it are inside the item's total and stay in `extra`.
"""

import polars as pl

from orchestration.mapping.expressions import at, first_given, furthest, given, item, lookup, raw
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import JSON, KEEP, NUMBER, TEXT, alone
from orchestration.mapping.selects import Contact, Identifier, Rows, rows
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import word, words
from orchestration.parsing.numbers import decimal, money
from orchestration.vendors.open_delivery.people import (
    ADDRESS,
    EXTERNAL_ID,
    IDENTIFIER,
    address,
    canonical_identifier,
    customer_key,
    customer_reference,
    external_ids,
    phone_line,
)

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
        .str.replace("^order_(completed|cancell?ed|created|delivered)$", "$1")
    )
    return lookup(bare, STATUS)


# Every word of a state that is known, be it that it says something of the state or nothing.
STATUS_WORDS = {
    f"{start}{word}": state
    for start in ("", "order.", "order_")
    for word, state in (STATUS | dict.fromkeys(NO_CHANGE, "")).items()
}


def _sum(amounts: pl.Expr) -> pl.Expr:
    """Sum of a list of amounts as text; if one of them is no number that one instead, so that it is booked."""
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
SPONSORSHIP = {"name": KEEP, "amount": KEEP, "discountCode": TEXT}
PRICED = {
    "otherFees": [
        {"name": KEEP, "type": TEXT, "receivedBy": KEEP, "receiverDocument": KEEP, "price": PRICE, "observation": KEEP}
    ],
    "discounts": [{"amount": PRICE, "target": KEEP, "targetId": KEEP, "sponsorshipValues": [SPONSORSHIP]}],
    "total": {
        "itemsPrice": PRICE,
        "orderAmount": PRICE,
        **{key: {"value": alone(NUMBER), "currency": KEEP} for key in ("otherFees", "discount")},
    },
    "payments": {
        "prepaid": KEEP,
        "pending": KEEP,
        "methods": [
            {
                "value": NUMBER,
                "currency": TEXT,
                "type": TEXT,
                "method": TEXT,
                "brand": TEXT,
                "methodInfo": KEEP,
                "changeFor": KEEP,
                "transaction": KEEP,
            }
        ],
    },
}


def _items(prices: str, item_fields: dict[str, object]) -> list[dict[str, object]]:
    kinds = {"unitPrice": PRICE, "originalPrice": KEEP, "optionsPrice": PRICE, "totalPrice": PRICE}
    priced = {prices: kinds} if prices else kinds
    return [
        {
            "id": TEXT,
            "name": TEXT,
            "externalCode": TEXT,
            "unit": TEXT,
            "quantity": NUMBER,
            "options": KEEP,
            **item_fields,
            **priced,
        }
    ]


COMMON = {
    "id": TEXT,
    "displayId": TEXT,
    "sourceAppId": KEEP,
    "createdAt": TEXT,
    "lastEvent": TEXT,
    "status": TEXT,
    "merchant": {"id": TEXT, "externalCode": KEEP, "name": KEEP},
    "customer": CUSTOMER,
    **PRICED,
    "extraInfo": KEEP,
}
V1_ORDER = {
    **COMMON,
    "type": TEXT,
    "salesChannel": TEXT,
    "orderTiming": KEEP,
    "preparationStartDateTime": KEEP,
    "items": _items("", {"index": KEEP, "ean": TEXT, "specialInstructions": KEEP}),
    "schedule": {"scheduledDateTimeStart": KEEP, "scheduledDateTimeEnd": KEEP},
    "delivery": {
        "deliveredBy": KEEP,
        "deliveryAddress": ADDRESS,
        "estimatedDeliveryDateTime": KEEP,
        "deliveryDateTime": KEEP,
    },
    "takeout": {"mode": KEEP, "takeoutDateTime": KEEP},
    "indoor": {"mode": KEEP, "indoorDateTime": KEEP, "place": KEEP, "tab": KEEP},
    "virtualBrand": KEEP,
    "category": KEEP,
    "taxInvoice": KEEP,
    "orderPriority": KEEP,
    "sendPreparing": KEEP,
    "sendPickedUp": KEEP,
    "sendDelivered": KEEP,
    "sendTracking": KEEP,
}
V2_ORDER = {
    **COMMON,
    "fulfillment": {
        "orderType": TEXT,
        "delivery": {"address": ADDRESS, "estimatedDeliveryDateTime": KEEP, "observations": KEEP},
        "takeout": KEEP,
        "indoor": KEEP,
        "billingAddress": ADDRESS,
    },
    "timing": KEEP,
    "items": _items("pricing", {"itemOfferId": KEEP, "observations": KEEP}),
    "taxInvoice": KEEP,
    "context": {"salesChannel": TEXT},
    "observations": KEEP,
}

order_currency = first_given(
    at("total.orderAmount.currency"),
    at("total.itemsPrice.currency"),
    at("payments.methods").list.first().struct.field("currency"),
)


def _contact(*places: pl.Expr) -> Contact:
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


def _order(channel: pl.Expr, shipping_method: pl.Expr, *, is_unit_open: bool) -> Rows:
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
        subtotal=at("total.itemsPrice.value"),
        discount_total=first_given(at("total.discount.value"), _sum(at("discounts").list.eval(pl.element().struct.field("amount").struct.field("value")))),
        shipping_total=_fees(is_delivery=True),
        fees_total=pl.when(at("otherFees").list.len() > 0).then(_fees(is_delivery=False)).otherwise(at("total.otherFees.value")),
        total=at("total.orderAmount.value"),
        status_raw=first_given(at("status"), at("lastEvent")),
        status=words(furthest(status_of(at("status")), status_of(at("lastEvent"))), (at("status"), STATUS_WORDS), (at("lastEvent"), STATUS_WORDS)),
        orders_count_on_merchant=at("customer.ordersCountOnMerchant"),
        coupon_codes=at("discounts").list.eval(
            pl.element().struct.field("sponsorshipValues").list.eval(pl.element().struct.field("discountCode")).explode()
        ).list.drop_nulls().list.unique(maintain_order=True),
        payment_method=at("payments.methods").list.first().struct.field("method"),
        shipping_method=shipping_method,
    )  # fmt: skip


def _lines(prices: str, *, is_unit_open: bool, **columns: Value) -> Rows:
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


def _payments(*, is_unit_open: bool) -> Rows:
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


orders_before = rows(
    "vendor_stats",
    where=given(at("customer.ordersCountOnMerchant")),
    metric=pl.lit("orders_count_on_merchant"),
    value_num=at("customer.ordersCountOnMerchant"),
    unit=pl.lit("orders"),
    definition_id=pl.lit("customer.ordersCountOnMerchant"),
)
v1_order = dialect(
    "open_delivery.v1.3",
    "order",
    V1_ORDER,
    _order(at("salesChannel"), at("type"), is_unit_open=False),
    _lines("", is_unit_open=False, ean=item("ean")),
    _payments(is_unit_open=False),
    orders_before,
    about=_contact(at("delivery.deliveryAddress")),
    has=("id",),
    duplicates_of="orders",
    kinds=("order",),
    tells={"status": STATUS},
)
v2_order = dialect(
    "open_delivery.v2",
    "order",
    V2_ORDER,
    # Its text says decimals, its examples are in cents: the account settles it.
    _order(at("context.salesChannel"), at("fulfillment.orderType"), is_unit_open=True),
    _lines("pricing", is_unit_open=True),
    _payments(is_unit_open=True),
    orders_before,
    about=_contact(at("fulfillment.delivery.address"), at("fulfillment.billingAddress")),
    has=("id",),
    duplicates_of="orders",
    kinds=("order",),
    tells={"status": STATUS},
)

# -- the relationship view of rc.2, in cents, without a currency or a state
# -------------------------------------------------

RC2_ORDER = {
    "id": TEXT,
    "storeId": TEXT,
    "originChannel": TEXT,
    "customer": {"identifier": IDENTIFIER, "externalIds": [EXTERNAL_ID]},
    "totalAmount": NUMBER,
    "items": [{"sku": TEXT, "name": TEXT, "quantity": NUMBER, "unitPrice": NUMBER}],
    "metadata": JSON,
    "createdAt": TEXT,
    "updatedAt": TEXT,
}
rc2_order = dialect(
    "open_delivery.rc2",
    "order",
    RC2_ORDER,
    rows(
        "orders",
        amounts="minor",
        is_amount_unit_inferred=True,
        source_order_id=at("id"),
        store_id=at("storeId"),
        channel=at("originChannel"),
        ordered_at=time(at("createdAt"), else_export_date=True),
        source_updated_at=time(at("updatedAt")),
        total=at("totalAmount"),
        attributes=raw("metadata"),
    ),
    rows(
        "order_lines",
        each="items",
        amounts="minor",
        is_amount_unit_inferred=True,
        source_order_id=at("id"),
        line_no=Typed(pl.col("position")),
        product_id=item("sku"),
        sku=item("sku"),
        title=item("name"),
        quantity=item("quantity"),
        unit_price=item("unitPrice"),
    ),
    about=Contact(
        identifiers=(
            canonical_identifier("customer.identifier"),
            *external_ids("customer.externalIds", merchant=at("storeId")),
        ),
        profile_id=customer_key("customer.identifier"),
    ),
    has=("id",),
    duplicates_of="orders",
    kinds=("order",),
    tells={"status": STATUS},
)

# -- the transport view ------------------------------------------------------------------------------------------------

STATUS_TIMES = {
    "createdAt": "created",
    "confirmedAt": "in_progress",
    "dispatchedAt": "shipped",
    "deliveredAt": "completed",
    "concludedAt": "completed",
    "cancelledAt": "canceled",
}
TRANSPORT_ORDER = {
    "orderId": TEXT,
    "customerId": TEXT,
    "salesChannel": TEXT,
    "timestamps": {"updatedAt": TEXT, **dict.fromkeys(STATUS_TIMES, TEXT)},
}


def _transport_order(wrapper: str | None, *, has: tuple[str, ...]) -> Dialect:
    start = f"{wrapper}." if wrapper else ""

    def told(name: str) -> pl.Expr:
        return at(f"{start}timestamps.{name}")

    return dialect(
        "open_delivery.transport.wrapped" if wrapper else "open_delivery.transport",
        "order",
        {wrapper: TRANSPORT_ORDER} if wrapper else TRANSPORT_ORDER,
        rows(
            "orders",
            source_order_id=at(f"{start}orderId"),
            channel=at(f"{start}salesChannel"),
            ordered_at=time(told("createdAt"), else_export_date=True),
            source_updated_at=time(told("updatedAt")),
            canceled_at=time(told("cancelledAt")),
            status=furthest(
                *(pl.when(given(told(name))).then(pl.lit(status)) for name, status in STATUS_TIMES.items())
            ),
        ),
        about=Contact(
            identifiers=(customer_reference(at(f"{start}customerId"), f"{start}customerId"),),
            profile_id=at(f"{start}customerId"),
        ),
        has=has,
        duplicates_of="orders",
        kinds=("order",),
        tells={} if wrapper else {"customerId": ANY_WORD},
    )


ORDERS = (
    v1_order,
    v2_order,
    rc2_order,
    _transport_order(None, has=("orderId",)),
    _transport_order("order", has=("order",)),
)
