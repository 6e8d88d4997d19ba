"""Omnisend: events in the published event schema and in the v5 shape, contacts, and v3 orders in cents.

Several events tell of one order (placed, paid for, fulfilled, refunded): each reports the order as it then stood. The
refunded amount in them is a running total. `nonSubscribed` means that nobody ever said yes or no: unknown.
"""

import polars as pl

from orchestration.mapping import (
    Amount,
    Contact,
    Identifier,
    Profile,
    Rows,
    Typed,
    absolute,
    at,
    dialect,
    filled,
    first_given,
    given,
    item,
    item_raw,
    lookup,
    pairs,
    parent,
    raw,
    rows,
    stream,
    time,
    vendor,
)
from orchestration.expressions import email, phone
from orchestration.shapes import FLAG, JSON, KEEP, NUMBER, SCALAR, TEXT, Open, Pairs

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
FULFILLMENT_STATUS = {"inProgress": "in_progress", "fulfilled": "shipped", "delivered": "completed", "restocked": "canceled"}
EVENT_STATUS = {"placed order": "created", "paid for order": "paid", "order fulfilled": "shipped", "order canceled": "canceled", "order cancelled": "canceled"}
CONSENT_STATUS = {"subscribed": "opt_in", "unsubscribed": "opt_out", "nonSubscribed": "unknown"}
STATUS_ORDER = ("created", "pending_payment", "paid", "in_progress", "shipped", "completed", "partially_refunded", "refunded", "canceled")


def event_word(position: int, default: str | pl.Expr) -> pl.Expr:
    """One of the words of an event name; custom events have the default."""
    return lookup(at("eventName"), {name: words[position] for name, words in EVENTS.items()}, default)


def furthest(*statuses: pl.Expr) -> pl.Expr:
    """The status furthest along of several."""
    ranks = {status: rank for rank, status in enumerate(STATUS_ORDER)}
    back = {rank: status for status, rank in ranks.items()}
    best = pl.max_horizontal([status.replace_strict(ranks, default=None, return_dtype=pl.Int8) for status in statuses])
    return best.replace_strict(back, default=None, return_dtype=pl.String)


# -- events ----------------------------------------------------------------------------------------------------------

ADDRESS = {
    "firstName": TEXT,
    "lastName": TEXT,
    "company": TEXT,
    "phone": TEXT,
    "country": TEXT,
    "countryCode": TEXT,
    "state": TEXT,
    "stateCode": TEXT,
    "city": TEXT,
    "address": TEXT,
    "address2": TEXT,
    "address1": TEXT,
    "postalCode": TEXT,
    "zip": TEXT,
}
EVENT_LINE = {
    "productID": TEXT,
    "variantID": TEXT,
    "title": TEXT,
    "vendor": KEEP,
    "sku": TEXT,
    "quantity": NUMBER,
    "price": NUMBER,
    "discount": NUMBER,
    "imageUrl": KEEP,
    "productUrl": KEEP,
    "categoryIDs": [TEXT],
    "tags": [TEXT],
}
PROPERTY_LINE = {
    "productID": TEXT,
    "productVariantID": TEXT,
    "productTitle": TEXT,
    "productSKU": TEXT,
    "productQuantity": NUMBER,
    "productPrice": NUMBER,
    "productDiscount": SCALAR,
    "productCategories": [{"id": TEXT, "title": TEXT}],
    "productTags": [TEXT],
}
EVENT = {
    "eventName": TEXT,
    "eventTime": TEXT,
    "eventID": TEXT,
    "eventVersion": KEEP,
    "origin": TEXT,
    "contact": {
        "contactID": TEXT,
        "id": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "firstName": TEXT,
        "lastName": TEXT,
        "birthdate": TEXT,
        "gender": TEXT,
        "address": TEXT,
        "city": TEXT,
        "state": TEXT,
        "postalCode": TEXT,
        "country": TEXT,
        "countryCode": TEXT,
        "customProperties": KEEP,
        "tags": [TEXT],
        "optIns": KEEP,
        "optOuts": KEEP,
        "consents": KEEP,
    },
    "properties": Open(
        {
            "orderID": TEXT,
            "orderNumber": TEXT,
            "createdAt": TEXT,
            "currency": TEXT,
            "totalPrice": NUMBER,
            "subTotalPrice": NUMBER,
            "totalTax": NUMBER,
            "totalDiscount": NUMBER,
            "shippingPrice": NUMBER,
            "totalRefundedAmount": NUMBER,
            "subTotalTaxIncluded": FLAG,
            "subtotalTaxIncluded": FLAG,
            "paymentStatus": TEXT,
            "fulfillmentStatus": TEXT,
            "paymentMethod": TEXT,
            "shippingMethod": TEXT,
            "cancelReason": TEXT,
            "discounts": [{"amount": SCALAR, "code": TEXT, "type": TEXT}],
            "tags": [TEXT],
            "lineItems": [PROPERTY_LINE],
            "productID": TEXT,
            "billingAddress": ADDRESS,
            "shippingAddress": ADDRESS,
        }
    ),
    "order": {
        "orderID": TEXT,
        "orderNumber": TEXT,
        "totalPrice": NUMBER,
        "subTotalPrice": NUMBER,
        "currency": TEXT,
        "discountCode": TEXT,
        "discountValue": NUMBER,
        "paymentStatus": TEXT,
        "fulfillmentStatus": TEXT,
        "cartID": KEEP,
        "cartRecoveryURL": KEEP,
    },
    "lineItems": [EVENT_LINE],
}

order_id = first_given(at("order.orderID"), at("properties.orderID"))
order_currency = first_given(at("order.currency"), at("properties.currency"))
payment_status = first_given(at("order.paymentStatus"), at("properties.paymentStatus"))
fulfillment_status = first_given(at("order.fulfillmentStatus"), at("properties.fulfillmentStatus"))
is_order_event = event_word(0, "custom") == "order"
tells_of_order = is_order_event & given(order_id)
tells_all_lines = tells_of_order & (event_word(1, "") != "line")
event_contact_id = first_given(at("contact.contactID"), at("contact.id"))
billing = "properties.billingAddress"

event_contact = Contact(
    identifiers=(
        Identifier("contact_id", event_contact_id, "contact.contactID"),
        Identifier("email", at("contact.email"), "contact.email"),
        Identifier("phone", at("contact.phone"), "contact.phone", region=first_given(at("contact.countryCode"), at("contact.country"))),
    ),
    profile_id=event_contact_id,
    attributes={
        "first_name": first_given(at("contact.firstName"), at(f"{billing}.firstName")),
        "last_name": first_given(at("contact.lastName"), at(f"{billing}.lastName")),
        "birth_date": at("contact.birthdate"),
        "gender_raw": at("contact.gender"),
        "country_raw": first_given(at("contact.countryCode"), at("contact.country"), at(f"{billing}.countryCode"), at(f"{billing}.country")),
        "state_raw": first_given(at("contact.state"), at(f"{billing}.stateCode"), at(f"{billing}.state")),
        "city": first_given(at("contact.city"), at(f"{billing}.city")),
        "postal_code": first_given(at("contact.postalCode"), at(f"{billing}.zip"), at(f"{billing}.postalCode")),
        "address_line_1": first_given(at("contact.address"), at(f"{billing}.address"), at(f"{billing}.address1")),
    },
)

events = rows(
    "events",
    event_id=at("eventID"),
    event_type=event_word(0, "custom").pipe(lambda word: pl.when(given(at("eventName"))).then(word)),
    event_action=event_word(1, at("eventName").str.strip_chars().str.to_lowercase()),
    event_name_raw=at("eventName"),
    engagement_class=event_word(2, "custom"),
    is_active=event_word(3, "true"),
    occurred_at=time(at("eventTime"), else_export_date=True),
    source_order_id=order_id,
    order_match_key=first_given(at("order.orderNumber"), at("properties.orderNumber"), order_id),
    product_id=first_given(at("properties.productID"), at("properties.lineItems").list.first().struct.field("productID"), at("lineItems").list.first().struct.field("productID")),
    origin=at("origin"),
    properties=raw("properties"),
)
event_orders = rows(
    "orders",
    where=tells_of_order,
    source_order_id=order_id,
    order_number=first_given(at("order.orderNumber"), at("properties.orderNumber")),
    ordered_at=time(at("properties.createdAt"), at("eventTime"), else_export_date=True, is_inferred=~given(at("properties.createdAt"))),
    source_updated_at=time(at("eventTime")),
    canceled_at=time(pl.when(event_word(1, "") == "cancel").then(at("eventTime"))),
    currency=order_currency,
    subtotal=first_given(at("order.subTotalPrice"), at("properties.subTotalPrice")),
    discount_total=absolute(first_given(at("order.discountValue"), at("properties.totalDiscount"))),
    shipping_total=at("properties.shippingPrice"),
    tax_total=at("properties.totalTax"),
    is_tax_included=first_given(at("properties.subtotalTaxIncluded"), at("properties.subTotalTaxIncluded")),
    total=pl.when(tells_all_lines).then(first_given(at("order.totalPrice"), at("properties.totalPrice"))),
    refunded_total=absolute(at("properties.totalRefundedAmount")),
    status_raw=at("eventName"),
    payment_status_raw=payment_status,
    fulfillment_status_raw=fulfillment_status,
    status=furthest(
        lookup(payment_status, PAYMENT_STATUS),
        lookup(fulfillment_status, FULFILLMENT_STATUS),
        lookup(at("eventName"), EVENT_STATUS),
    ).fill_null("unknown"),
    coupon_codes=pl.when(given(at("order.discountCode")))
    .then(pl.concat_list(at("order.discountCode")))
    .otherwise(at("properties.discounts").list.eval(pl.element().struct.field("code")).list.drop_nulls()),
    tags=at("properties.tags"),
    payment_method=at("properties.paymentMethod"),
    shipping_method=at("properties.shippingMethod"),
    is_from_event=Typed(pl.lit(value=True)),
)
event_lines = rows(
    "order_lines",
    each="lineItems",
    where=tells_all_lines,
    source_order_id=order_id,
    line_no=Typed(pl.col("position")),
    product_id=item("productID"),
    variant_id=item("variantID"),
    sku=item("sku"),
    title=item("title"),
    quantity=item("quantity"),
    unit_price=item("price"),
    discount=absolute(item("discount")),
    currency=order_currency,
    categories=item("categoryIDs"),
    tags=item("tags"),
)
property_lines = rows(
    "order_lines",
    each="properties.lineItems",
    where=tells_all_lines,
    source_order_id=order_id,
    line_no=Typed(pl.col("position")),
    product_id=item("productID"),
    variant_id=item("productVariantID"),
    sku=item("productSKU"),
    title=item("productTitle"),
    quantity=item("productQuantity"),
    unit_price=item("productPrice"),
    discount=absolute(item("productDiscount")),
    currency=order_currency,
    categories=item("productCategories").list.eval(pl.element().struct.field("title")).list.drop_nulls(),
    tags=item("productTags"),
)
event_adjustments = rows(
    "order_adjustments",
    where=tells_of_order & event_word(1, "").is_in(["refund", "cancel"]),
    source_order_id=order_id,
    order_match_key=first_given(at("order.orderNumber"), at("properties.orderNumber"), order_id),
    action=event_word(1, ""),
    amount_kind=pl.lit("running_total"),
    currency=order_currency,
    amount=absolute(
        pl.when(event_word(1, "") == "refund").then(
            first_given(
                at("properties.totalRefundedAmount"),
                pl.when(lookup(payment_status, PAYMENT_STATUS) == "refunded").then(first_given(at("order.totalPrice"), at("properties.totalPrice"))),
            )
        )
    ),
    occurred_at=time(at("eventTime"), else_export_date=True),
    reason=at("properties.cancelReason"),
)

# -- contacts --------------------------------------------------------------------------------------------------------

CONTACT = {
    "contactID": TEXT,
    "id": TEXT,
    "email": TEXT,
    "phone": SCALAR,
    "createdAt": TEXT,
    "updatedAt": TEXT,
    "firstName": TEXT,
    "lastName": TEXT,
    "country": TEXT,
    "countryCode": TEXT,
    "state": TEXT,
    "city": TEXT,
    "postalCode": TEXT,
    "address": TEXT,
    "gender": TEXT,
    "birthdate": TEXT,
    "tags": [TEXT],
    "segments": [TEXT],
    "statuses": [{"channel": TEXT, "status": TEXT, "date": TEXT}],
    "identifiers": [{"id": TEXT, "type": TEXT, "channels": Pairs({"status": TEXT, "statusDate": TEXT, "date": TEXT}), "consent": KEEP, "sendWelcomeMessage": KEEP}],
    "optIns": KEEP,
    "doubleOptIns": KEEP,
    "consents": KEEP,
    "customProperties": JSON,
}
contact_email = first_given(at("email"), at("identifiers").list.eval(pl.when(pl.element().struct.field("type") == "email").then(pl.element().struct.field("id"))).list.drop_nulls().list.first())
contact_phone = first_given(at("phone"), at("identifiers").list.eval(pl.when(pl.element().struct.field("type") == "phone").then(pl.element().struct.field("id"))).list.drop_nulls().list.first())
contact_region = first_given(at("countryCode"), at("country"))
contact = Profile(
    record_id=pl.coalesce(
        first_given(at("contactID"), at("id")),
        pl.concat_str(pl.lit("email:"), email(contact_email).struct.field("value")),
        pl.concat_str(pl.lit("phone:"), phone(contact_phone, pl.lit(None, pl.String)).struct.field("value")),
    ),
    identifiers=(
        Identifier("contact_id", first_given(at("contactID"), at("id")), "contactID"),
        Identifier("email", at("email"), "email"),
        Identifier("phone", at("phone"), "phone", region=contact_region),
        Identifier(
            lookup(item("type"), {"email": "email", "phone": "phone"}), item("id"), "identifiers[].id", each="identifiers", region=contact_region
        ),
    ),
)
customers = rows(
    "customers",
    created_at=time(at("createdAt")),
    source_updated_at=time(at("updatedAt")),
    first_name=at("firstName"),
    last_name=at("lastName"),
    gender_raw=at("gender"),
    birth_date=at("birthdate"),
    country_raw=first_given(at("countryCode"), at("country")),
    state_raw=at("state"),
    city=at("city"),
    postal_code=at("postalCode"),
    address_line_1=at("address"),
    attributes=raw("customProperties"),
)


def _consents(each: str | tuple[str, str], channel: pl.Expr, status: pl.Expr, since: pl.Expr, **more: pl.Expr) -> Rows:
    return rows(
        "customer_consents",
        each=each,
        channel=channel,
        purpose=pl.lit("marketing"),
        status=lookup(status, CONSENT_STATUS, "unknown"),
        status_raw=status,
        effective_at=time(since, else_export_date=True),
        **more,
    )


def _segments(path: str, kind: str) -> tuple[Rows, Rows]:
    member = rows(
        "segment_memberships",
        each=path,
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase() if kind == "tag" else item(),
        segment_name=item() if kind == "tag" else pl.lit(None, pl.String),
        kind=pl.lit(kind),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )
    nobody = rows(
        "segment_memberships",
        where=at(path).is_not_null() & ~filled(at(path)),
        kind=pl.lit(kind),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )
    return member, nobody


contact_consents = _consents(
    ("identifiers", pairs("channels")),
    item("key"),
    item("value").struct.field("status"),
    first_given(item("value").struct.field("statusDate"), item("value").struct.field("date")),
    id_type=lookup(parent("type"), {"email": "email", "phone": "phone"}),
    id_value=parent("id"),
)

# -- v3 orders -------------------------------------------------------------------------------------------------------

ORDER_LINE = {
    "productID": TEXT,
    "variantID": TEXT,
    "title": TEXT,
    "quantity": NUMBER,
    "price": NUMBER,
    "discount": NUMBER,
    "sku": TEXT,
    "vendor": KEEP,
    "categoryIDs": [TEXT],
    "tags": [TEXT],
    "imageUrl": KEEP,
    "productUrl": KEEP,
    "weight": KEEP,
}
ORDER = {
    "orderID": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "contactID": TEXT,
    "orderNumber": TEXT,
    "cartID": KEEP,
    "currency": TEXT,
    "orderSum": NUMBER,
    "subTotalSum": NUMBER,
    "subTotalTaxIncluded": FLAG,
    "discountSum": NUMBER,
    "taxSum": NUMBER,
    "shippingSum": NUMBER,
    "discountCode": TEXT,
    "discountValue": KEEP,
    "discountType": KEEP,
    "createdAt": TEXT,
    "updatedAt": TEXT,
    "canceledDate": TEXT,
    "cancelReason": KEEP,
    "paymentStatus": TEXT,
    "fulfillmentStatus": TEXT,
    "paymentMethod": TEXT,
    "shippingMethod": TEXT,
    "source": KEEP,
    "contactNote": KEEP,
    "orderUrl": KEEP,
    "trackingCode": KEEP,
    "courierTitle": KEEP,
    "courierUrl": KEEP,
    "tags": [TEXT],
    "billingAddress": ADDRESS,
    "shippingAddress": ADDRESS,
    "products": [ORDER_LINE],
    "orderItems": [ORDER_LINE],
}
order_contact = Contact(
    identifiers=(
        Identifier("contact_id", at("contactID"), "contactID"),
        Identifier("email", at("email"), "email"),
        Identifier("phone", first_given(at("phone"), at("billingAddress.phone")), "phone", region=first_given(at("billingAddress.countryCode"), at("billingAddress.country"))),
    ),
    profile_id=at("contactID"),
    attributes={
        "first_name": at("billingAddress.firstName"),
        "last_name": at("billingAddress.lastName"),
        "country_raw": first_given(at("billingAddress.countryCode"), at("billingAddress.country")),
        "state_raw": first_given(at("billingAddress.stateCode"), at("billingAddress.state")),
        "city": at("billingAddress.city"),
        "postal_code": first_given(at("billingAddress.postalCode"), at("billingAddress.zip")),
        "address_line_1": first_given(at("billingAddress.address"), at("billingAddress.address1")),
    },
)
orders = rows(
    "orders",
    amounts="minor",
    source_order_id=at("orderID"),
    order_number=at("orderNumber"),
    ordered_at=time(at("createdAt"), else_export_date=True),
    source_updated_at=time(at("updatedAt")),
    canceled_at=time(at("canceledDate")),
    currency=at("currency"),
    subtotal=at("subTotalSum"),
    discount_total=absolute(at("discountSum"), "minor"),
    shipping_total=at("shippingSum"),
    tax_total=at("taxSum"),
    is_tax_included=at("subTotalTaxIncluded"),
    total=at("orderSum"),
    status_raw=first_given(at("paymentStatus"), at("fulfillmentStatus")),
    payment_status_raw=at("paymentStatus"),
    fulfillment_status_raw=at("fulfillmentStatus"),
    status=furthest(
        lookup(at("paymentStatus"), PAYMENT_STATUS),
        lookup(at("fulfillmentStatus"), FULFILLMENT_STATUS),
        pl.when(given(at("canceledDate"))).then(pl.lit("canceled")),
    ).fill_null("unknown"),
    coupon_codes=pl.when(given(at("discountCode"))).then(pl.concat_list(at("discountCode"))),
    tags=at("tags"),
    payment_method=at("paymentMethod"),
    shipping_method=at("shippingMethod"),
)


def _order_lines(path: str) -> Rows:
    return rows(
        "order_lines",
        each=path,
        amounts="minor",
        source_order_id=at("orderID"),
        line_no=Typed(pl.col("position")),
        product_id=item("productID"),
        variant_id=item("variantID"),
        sku=item("sku"),
        title=item("title"),
        quantity=item("quantity"),
        unit_price=item("price"),
        discount=absolute(item("discount"), "minor"),
        currency=at("currency"),
        categories=item("categoryIDs"),
        tags=item("tags"),
    )


VENDOR = vendor(
    "omnisend",
    "Omnisend",
    stream(
        "events",
        "What contacts did, told one event at a time.",
        dialect(
            "omnisend.event",
            "event",
            EVENT,
            events,
            event_orders,
            event_lines,
            property_lines,
            event_adjustments,
            about=event_contact,
            has=("eventName",),
            duplicates_of="events",
        ),
    ),
    stream(
        "contacts",
        "Contacts with their consents, tags and segments.",
        dialect("omnisend.contact", "contact", CONTACT, customers, contact_consents, *_segments("segments", "dynamic_segment"), *_segments("tags", "tag"), about=contact),
    ),
    stream(
        "orders",
        "Orders of the v3 interface, in cents.",
        dialect("omnisend.v3", "order", ORDER, orders, _order_lines("products"), _order_lines("orderItems"), about=order_contact, has=("orderID",), duplicates_of="orders"),
    ),
)
