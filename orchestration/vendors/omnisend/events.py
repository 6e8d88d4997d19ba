"""Events: what happened, the orders, lines and adjustments they report, the consents and tags they carry."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, FLAG, NUMBER, SCALAR, TEXT, Open, alone
from orchestration.mapping.selects import (
    Contact,
    Identifier,
    one_address,
    one_name,
    rows,
)
from orchestration.mapping.values import Typed, absolute, time
from orchestration.mapping.words import translated
from orchestration.parsing.numbers import money
from orchestration.vendors.omnisend.words import (
    PAYMENT_STATUS,
    dialled,
    event_status,
    event_word,
    status,
    word_of_state,
)

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
    "vendor": EXTRA,
    "sku": TEXT,
    "quantity": NUMBER,
    "price": NUMBER,
    "discount": NUMBER,
    "imageUrl": EXTRA,
    "productUrl": EXTRA,
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
    "productStrikeThroughPrice": EXTRA,
    "productVendor": EXTRA,
    "productWeight": EXTRA,
    "productURL": EXTRA,
    "productImageURL": EXTRA,
    "productDescription": EXTRA,
    "productCategories": [{"id": TEXT, "title": TEXT}],
    "productTags": [TEXT],
}
OPTED = {"channel": alone(TEXT), "date": TEXT, "createdAt": TEXT, "optInAt": TEXT, "optOutAt": TEXT}
# When a status was set, whichever it is, and when it was agreed to or refused.
CHANGE_TIMES = ("statusDate", "statusChangedAt", "date")
STATUS_TIMES = (*CHANGE_TIMES, "optInAt", "optOutAt")
CONSENT = {"channel": alone(TEXT), "source": TEXT, "createdAt": TEXT, "ip": TEXT, "userAgent": TEXT}
EVENT = {
    "eventName": TEXT,
    "eventTime": TEXT,
    "eventID": TEXT,
    "eventVersion": EXTRA,
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
        "customProperties": EXTRA,
        "tags": [TEXT],
        "optIns": [OPTED],
        "optOuts": [OPTED],
        "consents": [CONSENT],
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
        "cartID": EXTRA,
        "cartRecoveryURL": EXTRA,
    },
    "lineItems": [EVENT_LINE],
}

order_id = first_given(at("order.orderID"), at("properties.orderID"))
order_currency = first_given(at("order.currency"), at("properties.currency"))
payment_status = first_given(at("order.paymentStatus"), at("properties.paymentStatus"))
fulfillment_status = first_given(at("order.fulfillmentStatus"), at("properties.fulfillmentStatus"))
is_order_event = event_word(0, "custom") == "order"
is_about_order = is_order_event & given(order_id)
has_all_lines = is_about_order & (event_word(1, "") != "line")
event_contact_id = first_given(at("contact.contactID"), at("contact.id"))
billing = "properties.billingAddress"

total_price = first_given(at("order.totalPrice"), at("properties.totalPrice"))
refunded_price = at("properties.totalRefundedAmount")
refund_status = (
    pl.when(event_word(1, "") != "refund")
    .then(None)
    .when(money(refunded_price).abs() < money(total_price))
    .then(pl.lit("partially_refunded"))
    .when(money(refunded_price).abs() >= money(total_price))
    .then(pl.lit("refunded"))
)
# An order event sent again without an id has a new time: its name, order and person identify it, and the product of a
# line.
event_key = pl.concat_str(
    pl.lit("order_event"),
    at("eventName").str.strip_chars().str.to_lowercase(),
    order_id,
    pl.when(event_word(1, "") == "line").then(
        first_given(at("properties.productID"), at("lineItems").list.first().struct.field("productID"))
    ),
    pl.col("owner"),
    separator="|",
    ignore_nulls=True,
)
event_contact = Contact(
    identifiers=(
        Identifier("contact_id", event_contact_id, "contact.contactID"),
        Identifier("email", at("contact.email"), "contact.email"),
        Identifier(
            "phone",
            dialled(at("contact.phone")),
            "contact.phone",
            region=first_given(at("contact.countryCode"), at("contact.country")),
            is_primary=pl.lit(value=True),
        ),
        Identifier(
            "phone",
            dialled(at(f"{billing}.phone")),
            f"{billing}.phone",
            region=first_given(at(f"{billing}.countryCode"), at(f"{billing}.country")),
        ),
    ),
    profile_id=event_contact_id,
    attributes={"birth_date": at("contact.birthdate"), "gender_raw": at("contact.gender")}
    | one_name(
        *({"first_name": at(f"{of}.firstName"), "last_name": at(f"{of}.lastName")} for of in ("contact", billing))
    )
    | one_address(
        {
            "country_raw": first_given(at("contact.countryCode"), at("contact.country")),
            "state_raw": at("contact.state"),
            "city": at("contact.city"),
            "postal_code": at("contact.postalCode"),
            "address_line_1": at("contact.address"),
        },
        {
            "country_raw": first_given(at(f"{billing}.countryCode"), at(f"{billing}.country")),
            "state_raw": first_given(at(f"{billing}.stateCode"), at(f"{billing}.state")),
            "city": at(f"{billing}.city"),
            "postal_code": first_given(at(f"{billing}.zip"), at(f"{billing}.postalCode")),
            "address_line_1": first_given(at(f"{billing}.address"), at(f"{billing}.address1")),
        },
    ),
)

events = rows(
    "events",
    event_id=pl.coalesce(
        first_given(at("eventID")), pl.when(is_about_order & pl.col("owner").is_not_null()).then(event_key)
    ),
    is_event_id_derived=Typed(~given(at("eventID"))),
    event_type=event_word(0, "custom").pipe(lambda word: pl.when(given(at("eventName"))).then(word)),
    event_action=event_word(1, at("eventName").str.strip_chars().str.to_lowercase()),
    event_name_raw=at("eventName"),
    engagement_class=event_word(2, "custom"),
    is_active=event_word(3, "true"),
    occurred_at=time(at("eventTime"), else_export_date=True),
    source_order_id=order_id,
    order_match_key=first_given(at("order.orderNumber"), at("properties.orderNumber"), order_id),
    product_id=first_given(
        at("properties.productID"),
        at("properties.lineItems").list.first().struct.field("productID"),
        at("lineItems").list.first().struct.field("productID"),
    ),
    origin=at("origin"),
    properties=raw("properties"),
)
event_orders = rows(
    "orders",
    where=is_about_order,
    source_order_id=order_id,
    order_number=first_given(at("order.orderNumber"), at("properties.orderNumber")),
    ordered_at=time(
        at("properties.createdAt"),
        at("eventTime"),
        else_export_date=True,
        is_inferred=~given(at("properties.createdAt")),
    ),
    source_updated_at=time(at("eventTime")),
    canceled_at=time(pl.when(event_word(1, "") == "cancel").then(at("eventTime"))),
    currency=order_currency,
    subtotal=first_given(at("order.subTotalPrice"), at("properties.subTotalPrice")),
    discount_total=absolute(first_given(at("order.discountValue"), at("properties.totalDiscount"))),
    shipping_total=at("properties.shippingPrice"),
    tax_total=at("properties.totalTax"),
    is_tax_included=first_given(at("properties.subtotalTaxIncluded"), at("properties.subTotalTaxIncluded")),
    total=pl.when(has_all_lines).then(total_price),
    refunded_total=absolute(refunded_price),
    status_raw=at("eventName"),
    payment_status_raw=payment_status,
    fulfillment_status_raw=fulfillment_status,
    status=word_of_state(
        status(payment_status, fulfillment_status, event_status(payment_status, fulfillment_status), refund_status),
        payment_status,
        fulfillment_status,
    ),
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
    where=has_all_lines,
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
    where=has_all_lines,
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
    where=is_about_order & event_word(1, "").is_in(["refund", "cancel"]),
    source_order_id=order_id,
    order_match_key=first_given(at("order.orderNumber"), at("properties.orderNumber"), order_id),
    action=event_word(1, ""),
    amount_kind=pl.lit("running_total"),
    currency=order_currency,
    amount=absolute(
        pl.when(event_word(1, "") == "refund").then(
            first_given(
                refunded_price, pl.when(translated(payment_status, PAYMENT_STATUS) == "refunded").then(total_price)
            )
        )
    ),
    occurred_at=time(at("eventTime"), else_export_date=True),
    reason=at("properties.cancelReason"),
)
