"""Omnisend: events in the published event schema and in the v5 shape, contacts as JSON or CSV, segments, v3 orders
times 100.

Several events tell of one order (placed, paid for, fulfilled, refunded): each reports the order as it then stood. The
refunded amount in them is a running total. `nonSubscribed` means that nobody ever said yes or no: unknown. In a contact
the channels of its identifiers decide over its statuses, these over its opt-ins, and all over the word at its top: they
are one action told again.
"""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    file_value,
    filled,
    first_given,
    furthest,
    given,
    item,
    lookup,
    pairs,
    parent,
    phone_number,
    raw,
)
from orchestration.mapping.model import ANY_WORD, CsvForm, Dialect, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.record_schema import FLAG, JSON, KEEP, NUMBER, SCALAR, TEXT, Open, Pairs, alone, kept
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Check,
    Contact,
    Doubt,
    Identifier,
    Profile,
    Rows,
    no_refusal,
    one_address,
    one_name,
    rows,
)
from orchestration.mapping.values import Typed, Word, absolute, time
from orchestration.mapping.words import (
    consent_said,
    consent_word,
    is_no,
    is_plain_no,
    no_since,
    translated,
    words,
    yes_since,
)
from orchestration.parsing.numbers import money

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
FULFILLMENT_STATUS = {
    "inProgress": "in_progress",
    "fulfilled": "shipped",
    "delivered": "completed",
    "restocked": "canceled",
}
EVENT_STATUS = {
    "placed order": "created",
    "paid for order": "paid",
    "order fulfilled": "shipped",
    "order canceled": "canceled",
    "order cancelled": "canceled",
}
CONTACT_STATUS = ("subscribed", "unsubscribed", "nonSubscribed")
IDENTIFIER_TYPE = {"email": "email", "phone": "phone"}
EMPTY = pl.lit(None, pl.String)


def _status(payment: pl.Expr, fulfillment: pl.Expr, *told: pl.Expr) -> pl.Expr:
    """Status of an order; goods put back on the shelf of an order that was paid back do not cancel it."""
    paid = lookup(payment, PAYMENT_STATUS)
    shipped = lookup(fulfillment, FULFILLMENT_STATUS)
    is_paid_back = paid.is_in(["partially_refunded", "refunded"]).fill_null(value=False)
    return furthest(
        paid, pl.when(~(is_paid_back & (shipped == "canceled").fill_null(value=False))).then(shipped), *told
    ).fill_null("unknown")


def _told(status: pl.Expr, payment: pl.Expr, fulfillment: pl.Expr) -> Word:
    """The status with the words it was made of: one that is not known is booked."""
    return words(status, (payment, PAYMENT_STATUS), (fulfillment, {**FULFILLMENT_STATUS, "unfulfilled": ""}))


def _dialled(phone_number: pl.Expr) -> pl.Expr:
    """The number without the apostrophe that makes spreadsheets keep it as text."""
    return phone_number.str.strip_chars().str.strip_prefix("'")


def event_word(position: int, default: str | pl.Expr) -> pl.Expr:
    """One of the words of an event name; custom events have the default."""
    return lookup(at("eventName"), {name: words[position] for name, words in EVENTS.items()}, default)


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
    "productStrikeThroughPrice": KEEP,
    "productVendor": KEEP,
    "productWeight": KEEP,
    "productURL": KEEP,
    "productImageURL": KEEP,
    "productDescription": KEEP,
    "productCategories": [{"id": TEXT, "title": TEXT}],
    "productTags": [TEXT],
}
OPTED = {"channel": alone(TEXT), "date": TEXT, "createdAt": TEXT, "optInAt": TEXT, "optOutAt": TEXT}
STATUS_TIMES = ("statusDate", "statusChangedAt", "date", "optInAt", "optOutAt")
CONSENT = {"channel": alone(TEXT), "source": TEXT, "createdAt": TEXT, "ip": TEXT, "userAgent": TEXT}
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
# An order event sent again without an id has a new time: its name, order and person tell it, and the product of a line.
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
            _dialled(at("contact.phone")),
            "contact.phone",
            region=first_given(at("contact.countryCode"), at("contact.country")),
            is_primary=pl.lit(value=True),
        ),
        Identifier(
            "phone",
            _dialled(at(f"{billing}.phone")),
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
        first_given(at("eventID")), pl.when(tells_of_order & pl.col("owner").is_not_null()).then(event_key)
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
    where=tells_of_order,
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
    total=pl.when(tells_all_lines).then(total_price),
    refunded_total=absolute(refunded_price),
    status_raw=at("eventName"),
    payment_status_raw=payment_status,
    fulfillment_status_raw=fulfillment_status,
    status=_told(
        _status(payment_status, fulfillment_status, lookup(at("eventName"), EVENT_STATUS), refund_status),
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
            first_given(refunded_price, pl.when(lookup(payment_status, PAYMENT_STATUS) == "refunded").then(total_price))
        )
    ),
    occurred_at=time(at("eventTime"), else_export_date=True),
    reason=at("properties.cancelReason"),
)


says_something = pl.any_horizontal([given(item(name)) for name in OPTED])


def _tell(expr: pl.Expr) -> pl.Expr:
    """Channels of a list of {channel, …}, as text between commas."""
    return _between_commas(expr.list.eval(pl.element().struct.field("channel")))


def _between_commas(words: pl.Expr) -> pl.Expr:
    return pl.concat_str(
        pl.lit(","), words.list.drop_nulls().list.join(",").str.to_lowercase().fill_null(""), pl.lit(",")
    )


def _is_untold(channel: pl.Expr, told: pl.Expr) -> pl.Expr:
    return ~told.str.contains(
        pl.concat_str(pl.lit(","), channel.str.strip_chars().str.to_lowercase(), pl.lit(",")), literal=True
    ).fill_null(value=False)


def _channel(status: pl.Expr) -> pl.Expr:
    """The channel that an element names; a no that names none is a no to all."""
    return first_given(
        pl.when(consent_said(item("channel")).is_null()).then(item("channel")),
        pl.when(status == "opt_out").then(pl.lit("all")),
    )


def _meant(status: str) -> pl.Expr:
    """What an element of opt-ins or opt-outs says, where the place of its channel may hold a yes or no: a no among the
    opt-ins is one."""
    return (
        pl.lit(status)
        if status == "opt_out"
        else pl.when(is_no(item("channel"))).then(pl.lit("opt_out")).otherwise(pl.lit(status))
    )


def _says_nothing(status: str) -> pl.Expr:
    """A yes or no in the place of a channel that makes no statement: a yes to nothing in particular, or no opt-out."""
    channel = item("channel")
    return is_plain_no(channel) if status == "opt_out" else (consent_said(channel) == "opt_in").fill_null(value=False)


def _opted_doubts(path: str, status: str) -> Doubt:
    return Doubt(f"{path}[].channel", item("channel"), _says_nothing(status), path)


def _opted(
    path: str, status: str, *, where: pl.Expr | None = None, since: tuple[pl.Expr, ...] = (), **more: pl.Expr
) -> Rows:
    """Yes or no to the channel each element of a list names."""
    return rows(
        "customer_consents",
        each=path,
        where=(says_something if where is None else where) & ~_says_nothing(status),
        channel=_channel(_meant(status)),
        purpose=pl.lit("marketing"),
        status=_meant(status),
        effective_at=time(
            *(since or (item("date"), item("createdAt"), item("optInAt"), item("optOutAt"))), else_export_date=True
        ),
        **more,
    )


# One subscription stands in `optIns` and, with where it was given, in `consents`: of two that are dated the latter
# counts. A consent that names no channel is none to any, and its proof is kept.
dated_consents = at("contact.consents").list.eval(pl.element().filter(given(pl.element().struct.field("createdAt"))))
event_consents = (
    _opted(
        "contact.optIns", "opt_in", where=given(item("channel")) & _is_untold(item("channel"), _tell(dated_consents))
    ),
    _opted("contact.optOuts", "opt_out"),
    _opted(
        "contact.consents",
        "opt_in",
        where=~given(item("channel"))
        | (
            (given(item("createdAt")) | _is_untold(item("channel"), _tell(at("contact.optIns"))))
            & _is_untold(item("channel"), _tell(at("contact.optOuts")))
        ),
        since=(item("createdAt"),),
        consent_source=item("source"),
        ip=item("ip"),
        user_agent=item("userAgent"),
    ),
)
event_tags = rows(
    "segment_memberships",
    each="contact.tags",
    where=given(item()),
    segment_id=item().str.strip_chars().str.to_lowercase(),
    segment_name=item().str.strip_chars(),
    kind=pl.lit("tag"),
    state=pl.lit("member"),
    observed_at=time(at("eventTime"), else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=False)),
)

# -- contacts --------------------------------------------------------------------------------------------------------

CONTACT = {
    "contactID": TEXT,
    "id": TEXT,
    "email": TEXT,
    "phone": JSON,
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
    "status": consented(TEXT),
    **dict.fromkeys(STATUS_TIMES, TEXT),
    "statuses": [{"channel": TEXT, "status": consented(TEXT), **dict.fromkeys(STATUS_TIMES, TEXT)}],
    "identifiers": [
        {
            "id": TEXT,
            "type": TEXT,
            "channels": Pairs({"status": consented(TEXT), **dict.fromkeys(STATUS_TIMES, TEXT)}),
            "consent": {"source": TEXT, "createdAt": KEEP, "ip": TEXT, "userAgent": TEXT},
            "optInAt": TEXT,
            "sendWelcomeMessage": KEEP,
        }
    ],
    "optIns": [OPTED],
    "optOuts": [OPTED],
    "doubleOptIns": KEEP,
    "consents": KEEP,
    "customProperties": JSON,
}


def _identifier_type(told: pl.Expr, value: pl.Expr) -> pl.Expr:
    """What an identifier is, by its word or, without one, by its look; one of a word that is not known is kept as the
    shop's own."""
    looks = pl.when(value.str.contains("@", literal=True)).then(pl.lit("email")).otherwise(pl.lit("phone"))
    return pl.when(given(told)).then(translated(told, IDENTIFIER_TYPE).fill_null("custom")).otherwise(looks)


def _identifier_of(kind: str) -> pl.Expr:
    """First of the contact's identifiers of a kind."""
    element = pl.element().struct
    return (
        at("identifiers")
        .list.eval(pl.when(element.field("type").str.to_lowercase() == kind).then(element.field("id")))
        .list.drop_nulls()
        .list.first()
    )


_PLAIN = r'(?:"(?:[^"\\]|\\.)*"|[^\s\[\]{}",]+)'
is_phone = raw("phone").str.contains(rf"^\s*(?:{_PLAIN}|\[\s*(?:{_PLAIN}(?:\s*,\s*{_PLAIN})*)?\s*\])\s*$")


def _phones() -> pl.Expr:
    """One number or a list of them, as text or, without its plus, as number."""
    element = pl.element()
    number = (
        pl.when(element.str.contains(r"^[1-9][0-9]{7,14}$"))
        .then(pl.concat_str(pl.lit("+"), element))
        .when(element != "null")
        .then(element)
    )
    told = pl.when(element.str.starts_with('"')).then(_dialled(element.str.strip_chars('"'))).otherwise(number)
    return pl.when(is_phone).then(raw("phone")).str.extract_all(_PLAIN).list.eval(told)


def _contact_key(contact_id: pl.Expr, address: pl.Expr, number: pl.Expr, region: pl.Expr) -> pl.Expr:
    return pl.coalesce(
        first_given(contact_id),
        pl.concat_str(pl.lit("email:"), email_address(address)),
        pl.concat_str(pl.lit("phone:"), phone_number(number, region)),
    )


contact_id = first_given(at("contactID"), at("id"))
contact_region = first_given(at("countryCode"), at("country"))
contact = Profile(
    record_id=_contact_key(
        contact_id,
        first_given(at("email"), _identifier_of("email")),
        first_given(_phones().list.first(), _dialled(_identifier_of("phone"))),
        contact_region,
    ),
    identifiers=(
        Identifier("contact_id", contact_id, "contactID"),
        Identifier("email", at("email"), "email", is_primary=pl.lit(value=True)),
        Identifier("phone", item(), "phone", each=_phones(), region=contact_region, is_primary=pl.lit(value=True)),
        Identifier(
            _identifier_type(item("type"), item("id")),
            _dialled(item("id")),
            "identifiers[].id",
            each="identifiers",
            namespace=pl.when(given(item("type")) & translated(item("type"), IDENTIFIER_TYPE).is_null()).then(
                item("type").str.strip_chars()
            ),
            region=contact_region,
        ),
    ),
)
unknown_identifiers = Doubt(
    "identifiers[].type",
    item("type"),
    given(item("type")) & translated(item("type"), IDENTIFIER_TYPE).is_null(),
    "identifiers",
    "unknown_word",
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


def _segments(path: str, kind: str) -> tuple[Rows, Rows]:
    member = rows(
        "segment_memberships",
        each=path,
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase() if kind == "tag" else item(),
        segment_name=item().str.strip_chars() if kind == "tag" else EMPTY,
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


# A channel without a status, as in files whose records have all fields, is no word on it.
channel_status = pl.element().struct.field("value").struct.field("status")
told_by_identifiers = _between_commas(
    pl.col("item_pairs:identifiers:channels").list.eval(
        pl.element().list.eval(pl.element().struct.field("key").filter(given(channel_status))).list.join(",")
    )
)
is_told_last = (
    given(item("channel"))
    & _is_untold(item("channel"), told_by_identifiers)
    & _is_untold(item("channel"), _tell(at("statuses")))
)
top_channel = (
    pl.when(given(at("email")) | given(_identifier_of("email"))).then(pl.lit("email")).otherwise(pl.lit("sms"))
)
contact_consents = (
    rows(
        "customer_consents",
        each=("identifiers", pairs("channels")),
        where=given(item("value").struct.field("status")),
        channel=item("key"),
        purpose=pl.lit("marketing"),
        status=consent_word(item("value").struct.field("status")),
        status_raw=item("value").struct.field("status"),
        effective_at=time(
            *(item("value").struct.field(name) for name in STATUS_TIMES), parent("optInAt"), else_export_date=True
        ),
        id_type=_identifier_type(parent("type"), parent("id")),
        id_value=_dialled(parent("id")),
        consent_source=parent("consent.source"),
        ip=parent("consent.ip"),
        user_agent=parent("consent.userAgent"),
    ),
    rows(
        "customer_consents",
        each="statuses",
        where=given(item("status")) & _is_untold(item("channel"), told_by_identifiers),
        channel=_channel(consent_said(item("status"))),
        purpose=pl.lit("marketing"),
        status=consent_word(item("status")),
        status_raw=item("status"),
        effective_at=time(*(item(name) for name in STATUS_TIMES), else_export_date=True),
    ),
    # The word at the top is of the channel that the contact is known by.
    rows(
        "customer_consents",
        where=given(at("status"))
        & _is_untold(top_channel, told_by_identifiers)
        & _is_untold(top_channel, _tell(at("statuses"))),
        channel=top_channel,
        purpose=pl.lit("marketing"),
        status=consent_word(at("status")),
        status_raw=at("status"),
        effective_at=time(*(at(name) for name in STATUS_TIMES), else_export_date=True),
    ),
    _opted(
        "optOuts",
        "opt_out",
        where=says_something
        & _is_untold(item("channel"), told_by_identifiers)
        & _is_untold(item("channel"), _tell(at("statuses"))),
    ),
    _opted("optIns", "opt_in", where=is_told_last),
)
# A segment exported by hand has its id in the name of the file alone.
exported_segment = rows(
    "segment_memberships",
    where=file_value().is_not_null(),
    segment_id=file_value(),
    kind=pl.lit("dynamic_segment"),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=False)),
)

# -- contacts as CSV -------------------------------------------------------------------------------------------------

# Columns as the import page names them, and those of the interface that it does not know.
CSV_COLUMNS = {
    "contact_id": ("contactID", "id"),
    "created_at": ("createdAt",),
    "updated_at": ("updatedAt",),
    "email": ("Email", "Email Address"),
    "phone": ("Phone", "Phone Number", "Mobile", "Mobile Number", "Mobile Phone"),
    "first_name": ("First Name",),
    "last_name": ("Last Name",),
    "birth_date": ("Birthdate", "Birthday", "Date of Birth"),
    "gender": ("Gender",),
    "address": ("Address",),
    "city": ("City",),
    "state": ("State",),
    "postal_code": ("Postal Code", "Zip", "Zip Code", "Postcode"),
    "country": ("Country",),
    "country_code": ("Country Code",),
    "tags": ("Tags",),
    "email_opt_in": ("Email Opt-in Date", "Opt-in Date"),
    "email_opt_out": ("Email Opt-out Date", "Opt-out Date", "Unsubscribe Date"),
    "sms_opt_in": ("SMS Opt-in Date",),
    "sms_opt_out": ("SMS Opt-out Date",),
    "email_status": ("Email Status", "Email Subscription Status"),
    "sms_status": ("SMS Status", "SMS Subscription Status"),
}
CSV_FORM = CsvForm(names=tuple(header for written in CSV_COLUMNS.values() for header in written))
NOON = 12


def _csv_contact(name: str) -> Dialect:
    """A row of the import or of an export. Blank cells are left out of it, so no column alone tells it: none of those
    that only JSON has may be there."""

    def cell(column: str) -> pl.Expr:
        return first_given(*(at(header) for header in CSV_COLUMNS[column]))

    def consent(channel: str, status: str, since: pl.Expr) -> Rows:
        return rows(
            "customer_consents",
            where=given(since),
            channel=pl.lit(channel),
            purpose=pl.lit("marketing"),
            status=pl.lit(status),
            effective_at=time(since, else_export_date=True, date_only_hour=NOON),
        )

    def dated(channel: str) -> tuple[Rows, Rows]:
        agreed, refused = cell(f"{channel}_opt_in"), cell(f"{channel}_opt_out")
        return consent(channel, "opt_in", yes_since(agreed)), consent(channel, "opt_out", no_since(refused, agreed))

    region = first_given(cell("country_code"), cell("country"))
    about = Profile(
        record_id=_contact_key(cell("contact_id"), cell("email"), _dialled(cell("phone")), region),
        identifiers=(
            Identifier("contact_id", cell("contact_id"), "contactID"),
            Identifier("email", cell("email"), "Email"),
            Identifier("phone", _dialled(cell("phone")), "Phone", region=region),
        ),
    )
    columns = rows(
        "customers",
        created_at=time(cell("created_at")),
        source_updated_at=time(cell("updated_at")),
        first_name=cell("first_name"),
        last_name=cell("last_name"),
        gender_raw=cell("gender"),
        birth_date=cell("birth_date"),
        country_raw=region,
        state_raw=cell("state"),
        city=cell("city"),
        postal_code=cell("postal_code"),
        address_line_1=cell("address"),
    )
    tags = rows(
        "segment_memberships",
        each=cell("tags").str.split(","),
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase(),
        segment_name=item().str.strip_chars(),
        kind=pl.lit("tag"),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )

    def state(channel: str) -> Rows:
        """The word for the channel, where no date tells more."""
        stated = cell(f"{channel}_status")
        return rows(
            "customer_consents",
            where=given(stated)
            & ~given(cell(f"{channel}_opt_in"))
            & ~given(no_since(cell(f"{channel}_opt_out"), cell(f"{channel}_opt_in"))),
            channel=pl.lit(channel),
            purpose=pl.lit("marketing"),
            status=consent_word(stated),
            status_raw=stated,
            effective_at=time(else_export_date=True),
        )

    consents = [*dated("email"), *dated("sms"), state("email"), state("sms")]
    doubts = tuple(no_refusal(CSV_COLUMNS[column][0], cell(column)) for column in ("email_opt_out", "sms_opt_out"))
    shape = dict.fromkeys([header for written in CSV_COLUMNS.values() for header in written], TEXT)
    lacks = tuple(header for header in CONTACT if header not in shape)
    return dialect(
        name,
        "contact",
        shape,
        columns,
        *consents,
        tags,
        exported_segment,
        about=about,
        lacks=lacks,
        doubts=doubts,
        kinds=("contact",),
    )


# -- segments --------------------------------------------------------------------------------------------------------

SEGMENT = {
    "segmentID": TEXT,
    "id": TEXT,
    "name": TEXT,
    "description": KEEP,
    "memberCount": NUMBER,
    "creationDate": TEXT,
    "createdAt": TEXT,
    "updatedAt": KEEP,
}
segment_id = first_given(at("segmentID"), at("id"))
segments = rows(
    "segments",
    segment_id=segment_id,
    name=at("name"),
    kind=pl.lit("dynamic_segment"),
    reported_members=at("memberCount"),
    created_at=time(at("creationDate"), at("createdAt")),
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
    "cancelReason": TEXT,
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
    "billingAddress": kept(ADDRESS),
    "shippingAddress": kept(ADDRESS),
    "products": [ORDER_LINE],
    "orderItems": [ORDER_LINE],
}
order_status = _status(
    at("paymentStatus"), at("fulfillmentStatus"), pl.when(given(at("canceledDate"))).then(pl.lit("canceled"))
)
order_region = first_given(at("billingAddress.countryCode"), at("billingAddress.country"))


def _address(path: str) -> dict[str, pl.Expr]:
    """The columns of the address under `path`."""
    return {
        "country_raw": first_given(at(f"{path}.countryCode"), at(f"{path}.country")),
        "state_raw": first_given(at(f"{path}.stateCode"), at(f"{path}.state")),
        "city": at(f"{path}.city"),
        "postal_code": first_given(at(f"{path}.postalCode"), at(f"{path}.zip")),
        "address_line_1": first_given(at(f"{path}.address"), at(f"{path}.address1")),
        "address_line_2": at(f"{path}.address2"),
    }


order_contact = Contact(
    identifiers=(
        Identifier("contact_id", at("contactID"), "contactID"),
        Identifier("email", at("email"), "email"),
        Identifier(
            "phone", _dialled(first_given(at("phone"), at("billingAddress.phone"))), "phone", region=order_region
        ),
    ),
    profile_id=at("contactID"),
    attributes={
        "first_name": at("billingAddress.firstName"),
        "last_name": at("billingAddress.lastName"),
        **one_address(_address("billingAddress"), _address("shippingAddress")),
    },
)
orders = rows(
    "orders",
    amounts="hundredths",
    source_order_id=at("orderID"),
    order_number=at("orderNumber"),
    ordered_at=time(at("createdAt"), else_export_date=True),
    source_updated_at=time(at("updatedAt")),
    canceled_at=time(at("canceledDate")),
    currency=at("currency"),
    subtotal=at("subTotalSum"),
    discount_total=absolute(at("discountSum"), "hundredths"),
    shipping_total=at("shippingSum"),
    tax_total=at("taxSum"),
    is_tax_included=at("subTotalTaxIncluded"),
    total=at("orderSum"),
    refunded_total=absolute(pl.when(order_status == "refunded").then(at("orderSum")), "hundredths"),
    status_raw=first_given(at("paymentStatus"), at("fulfillmentStatus")),
    payment_status_raw=at("paymentStatus"),
    fulfillment_status_raw=at("fulfillmentStatus"),
    status=_told(order_status, at("paymentStatus"), at("fulfillmentStatus")),
    coupon_codes=pl.when(given(at("discountCode"))).then(pl.concat_list(at("discountCode"))),
    tags=at("tags"),
    payment_method=at("paymentMethod"),
    shipping_method=at("shippingMethod"),
)
cancellations = rows(
    "order_adjustments",
    where=order_status == "canceled",
    source_order_id=at("orderID"),
    order_match_key=first_given(at("orderNumber"), at("orderID")),
    adjustment_id=pl.concat_str(pl.lit("canceled:"), at("orderID").str.strip_chars()),
    action=pl.lit("cancel"),
    amount_kind=pl.lit("running_total"),
    currency=at("currency"),
    occurred_at=time(at("canceledDate"), else_export_date=True),
    reason=at("cancelReason"),
)


def _order_lines(path: str) -> Rows:
    return rows(
        "order_lines",
        each=path,
        amounts="hundredths",
        source_order_id=at("orderID"),
        line_no=Typed(pl.col("position")),
        product_id=item("productID"),
        variant_id=item("variantID"),
        sku=item("sku"),
        title=item("title"),
        quantity=item("quantity"),
        unit_price=item("price"),
        discount=absolute(item("discount"), "hundredths"),
        currency=at("currency"),
        categories=item("categoryIDs"),
        tags=item("tags"),
    )


# -- what a record is --------------------------------------------------------------------------------------------------

NONE_OF_OURS = {
    "campaign": ("campaignID", "subject", "fromName", "campaignType", "abTest"),
    "automation": ("automationID", "trigger", "blocks"),
    "product": ("productID", "variants", "vendor", "categoryIDs"),
    "category": ("categoryID",),
    "cart": ("cartSum", "cartRecoveryUrl", "cartRecoveryURL"),
    "batch": ("batchID",),
}
KINDS = Kinds(
    signs=(
        sign("eventName", kind="event"),
        sign("orderID", kind="order"),
        *(sign(name, kind=kind) for kind, names in NONE_OF_OURS.items() for name in names),
        sign("cartID", kind="cart"),
        sign("segmentID", kind="segment"),
        *(sign(name, kind="contact") for name in ("contactID", "identifiers", "statuses", "optIns", "optOuts")),
    ),
    pages={
        "contacts": "contact",
        "orders": "order",
        "events": "event",
        "segments": "segment",
        "subscribers": "contact",
        "data": "",
        "results": "",
    },
    common=frozenset(
        {"id", "name", "title", "description", "type", "status", "currency", "tags", "createdAt", "updatedAt", "email"}
    ),
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
            *event_consents,
            event_tags,
            about=event_contact,
            doubts=(
                _opted_doubts("contact.optIns", "opt_in"),
                _opted_doubts("contact.optOuts", "opt_out"),
                _opted_doubts("contact.consents", "opt_in"),
            ),
            has=("eventName",),
            duplicates_of="events",
            kinds=("event",),
        ),
    ),
    stream(
        "contacts",
        "Contacts with their consents, tags and segments.",
        dialect(
            "omnisend.contact",
            "contact",
            CONTACT,
            customers,
            *contact_consents,
            *_segments("segments", "dynamic_segment"),
            *_segments("tags", "tag"),
            exported_segment,
            about=contact,
            lacks=tuple(header for header in CSV_FORM.names if header not in CONTACT),
            kinds=("contact",),
            tells={"email": ANY_WORD, "status": CONTACT_STATUS},
            doubts=(
                Doubt("phone", raw("phone"), ~is_phone),
                unknown_identifiers,
                _opted_doubts("optIns", "opt_in"),
                _opted_doubts("optOuts", "opt_out"),
            ),
        ),
        _csv_contact("omnisend.csv_contact"),
        csv=CSV_FORM,
        file_value=r"^segment[-_ ]([^.]+)",
    ),
    stream(
        "segments",
        "Segments by name.",
        dialect(
            "omnisend.segment",
            "segment",
            SEGMENT,
            segments,
            about=None,
            checks=(Check("missing_segment_id", "segmentID", ~given(segment_id)),),
            kinds=("segment",),
            tells={"name": ANY_WORD},
        ),
    ),
    stream(
        "orders",
        "Orders of the v3 interface, in hundredths.",
        dialect(
            "omnisend.v3",
            "order",
            ORDER,
            orders,
            _order_lines("products"),
            _order_lines("orderItems"),
            cancellations,
            about=order_contact,
            has=("orderID",),
            duplicates_of="orders",
            kinds=("order",),
        ),
    ),
    money="Events state major units; orders of interface v3 state the amount times 100 in every currency (hundredths).",
    kinds=KINDS,
)
