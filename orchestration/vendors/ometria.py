"""Ometria: profiles, contacts as JSON or CSV, orders of its own interface and of its shop connectors, lists, custom
events.

A profile is Ometria's own cluster of contacts; a contact is known by its collection and id, and `customer_id` is always
the shop's. The dates of consent decide over its word; null is no opt-out. An order with a negative total is a refund
told as a second order ("method two"): an adjustment of the order it names, and never an order.
"""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from orchestration.mapping.consent_words import CONSENT_WORDS
from orchestration.mapping.expressions import (
    account_currency,
    at,
    email_address,
    filled,
    first_given,
    given,
    item,
    pairs,
    phone_number,
    raw,
)
from orchestration.mapping.model import ANY_WORD, CsvForm, Dialect, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.record_schema import FLAG, JSON, KEEP, NUMBER, SCALAR, TEXT, Open, Pairs, drop, kept
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
from orchestration.mapping.values import Typed, Value, absolute, time
from orchestration.mapping.words import consent_said, consent_word, no_since, translated, word, words, yes_since
from orchestration.parsing import ids, numbers, times
from orchestration.parsing.text import clean

# -- words -----------------------------------------------------------------------------------------------------------

ORDER_STATUS = {
    "pending": "created",
    "open": "created",
    "authorized": "created",
    "pending_payment": "pending_payment",
    "paid": "paid",
    "processing": "in_progress",
    "complete": "completed",
    "partial_refund": "partially_refunded",
    "partially_refunded": "partially_refunded",
    "closed": "refunded",
    "refunded": "refunded",
    "canceled": "canceled",
    "cancelled": "canceled",
    "voided": "canceled",
    "expired": "canceled",
}
IDENTITY_TYPE = {
    "email": "email",
    "email_address": "email",
    "customer_id": "customer_id",
    "phone": "phone",
    "phone_number": "phone",
    "profile_id": "profile_id",
    "profile_hash": "profile_id",
    "visitor_id": "tracking_id",
}
LIST_KIND = {"STATIC": "static_list", "DYNAMIC": "dynamic_segment"}
LIST_CHANGE = {
    "enter": "entered",
    "entered": "entered",
    "add": "entered",
    "added": "entered",
    "join": "entered",
    "joined": "entered",
    "subscribe": "entered",
    "subscribed": "entered",
    "exit": "left",
    "exited": "left",
    "leave": "left",
    "left": "left",
    "remove": "left",
    "removed": "left",
    "unsubscribe": "left",
    "unsubscribed": "left",
}
NO_NEWS = drop("It repeats what the stream says of all its records.")
CHANNELS = {
    "email": "email",
    "sms": "sms",
    "push": "push",
    "app_push": "push",
    "whatsapp": "whatsapp",
    "phone": "phone",
    "post": "post",
    "direct_mail": "post",
    "all": "all",
}
# What somebody has unsubscribed from: a sending of mails, or one of the channels.
UNSUBSCRIBED_FROM = {
    "mass": "email",
    "trigger": "email",
    "automation": "email",
    "campaign": "email",
    "broadcast": "email",
} | CHANNELS
EMPTY = pl.lit(None, pl.String)


def _value(parsed: pl.Expr) -> pl.Expr:
    """The normalised value of a parsed identifier."""
    return parsed.struct.field("value")


def _keyed_by_person(record_id: pl.Expr, phone: pl.Expr, country: pl.Expr) -> pl.Expr:
    """The record's own id, else the first identifier of the person in the order in which Ometria merges."""
    return pl.coalesce(
        ids.identifier(record_id, "profile_id"),
        pl.concat_str(pl.lit("customer_id:"), ids.identifier(at("customer_id"), "customer_id")),
        pl.concat_str(pl.lit("email:"), email_address(at("email"))),
        pl.concat_str(pl.lit("phone:"), phone_number(phone, country)),
    )


# -- consent ---------------------------------------------------------------------------------------------------------


def _consents(
    *,
    yes: pl.Expr,
    no: pl.Expr,
    known_since: pl.Expr = EMPTY,
    changed: pl.Expr = EMPTY,
    forced: pl.Expr = EMPTY,
    says_unknown: bool = True,
) -> tuple[Rows, Rows, Rows]:
    """Consent to mail: a row per date, and one for the word where the dates do not say the same.

    A word without a date holds since the record last changed; that nothing is known holds since the person is known.
    """
    # The shop connectors say true and false: false is everybody who is not on the shop's newsletter.
    told = consent_said(at("marketing_optin"))
    is_definite = told.is_not_null()
    yes, no = yes_since(yes), no_since(no, yes)
    is_no_latest = given(no) & (~given(yes) | (_value(times.time(no)) >= _value(times.time(yes))).fill_null(value=True))
    dated = pl.when(is_no_latest).then(pl.lit("opt_out")).when(given(yes)).then(pl.lit("opt_in"))
    is_news = is_definite & (dated.is_null() | (dated != told))
    is_unknown = ~is_definite & dated.is_null() & (pl.lit(says_unknown) | given(at("marketing_optin")))

    def dated_row(since: pl.Expr, status: str) -> Rows:
        is_of_word = (told == status) | ~is_definite
        return rows(
            "customer_consents",
            where=given(since),
            channel=pl.lit("email"),
            purpose=pl.lit("marketing"),
            status=pl.lit(status),
            status_raw=pl.when(is_of_word).then(at("marketing_optin")),
            is_forced=pl.when(is_of_word).then(forced),
            effective_at=time(since, else_export_date=True),
        )

    word_row = rows(
        "customer_consents",
        where=is_news | is_unknown,
        channel=pl.lit("email"),
        purpose=pl.lit("marketing"),
        status=told.fill_null("unknown"),
        status_raw=at("marketing_optin"),
        is_forced=forced,
        effective_at=time(
            pl.when(is_definite).then(changed).otherwise(known_since),
            else_export_date=True,
            is_inferred=pl.lit(value=True),
        ),
    )
    return dated_row(yes, "opt_in"), dated_row(no, "opt_out"), word_row


CHANNEL = {
    "allow_marketing": consented(SCALAR),
    "allow_transactional": replace(consented(SCALAR), stands_alone=False),
    "dt_updated_marketing": TEXT,
    "dt_updated_transactional": TEXT,
}
CHANNEL_CELLS = {f"channels.{channel}.{field}": leaf for channel in CHANNELS for field, leaf in CHANNEL.items()}
CHANNEL_CELLS |= {f"channels.{channel}": consented(SCALAR) for channel in CHANNELS}
PURPOSES = ("marketing", "transactional")


def _allowed(
    purpose: str, channel: Value, read: Callable[[str], pl.Expr], each: str | None = None, changed: pl.Expr = EMPTY
) -> Rows:
    """Whether a channel may be used for the purpose: a yes or no with the time of its last change, where that is
    told."""
    stated, since = read(f"allow_{purpose}"), read(f"dt_updated_{purpose}")
    return rows(
        "customer_consents",
        each=each,
        where=given(stated),
        channel=channel,
        purpose=pl.lit(purpose),
        status=consent_word(stated),
        status_raw=stated,
        effective_at=time(since, changed, else_export_date=True, is_inferred=~given(since)),
    )


def _channels(changed: pl.Expr = EMPTY) -> tuple[Rows, ...]:
    """Consent by channel, as `channels` of a profile or contact tells it."""
    key = item("key")
    return tuple(
        _allowed(purpose, word(key, CHANNELS), lambda name: item(f"value.{name}"), pairs("channels"), changed)
        for purpose in PURPOSES
    )


def _channel_cells(changed: pl.Expr = EMPTY) -> tuple[Rows, ...]:
    """The same of a flat record."""

    def cell(channel: str, name: str) -> pl.Expr:
        told = at(f"channels.{channel}.{name}")
        return first_given(told, at(f"channels.{channel}")) if name == "allow_marketing" else told

    return tuple(
        _allowed(purpose, pl.lit(ours), lambda name, channel=channel: cell(channel, name), changed=changed)
        for channel, ours in CHANNELS.items()
        for purpose in PURPOSES
    )


def _consent_doubts(refused: str) -> tuple[Doubt, Doubt]:
    """Words of consent that are none, `refused` being the field of the time of a no."""
    stated = at("marketing_optin")
    is_unknown = given(stated) & translated(stated, CONSENT_WORDS).is_null()
    return Doubt("marketing_optin", stated, is_unknown, None, "unknown_word"), no_refusal(refused, at(refused))


# -- segments --------------------------------------------------------------------------------------------------------


def _nobody(kind: str, where: pl.Expr) -> Rows:
    """The field was delivered and names no segment of the kind: what was a stay has ended."""
    return rows(
        "segment_memberships",
        where=where,
        kind=pl.lit(kind),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )


def _names_no_list(word: str) -> pl.Expr:
    names = (
        at("lists")
        .list.eval(pl.element().struct.field("type").str.strip_chars().str.to_uppercase() == word)
        .list.any()
        .fill_null(value=False)
    )
    return at("lists").is_not_null() & ~names


TAGS = (
    rows(
        "segment_memberships",
        each="tags",
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase(),
        segment_name=item().str.strip_chars(),
        kind=pl.lit("tag"),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    _nobody("tag", at("tags").is_not_null() & ~filled(at("tags"))),
)
LISTS = (
    rows(
        "segment_memberships",
        each="lists",
        where=given(item("id")),
        segment_id=item("id"),
        segment_name=item("title"),
        kind=word(item("type"), LIST_KIND),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    _nobody("static_list", _names_no_list("STATIC")),
    _nobody("dynamic_segment", _names_no_list("DYNAMIC")),
)

# -- profiles --------------------------------------------------------------------------------------------------------

LIST = {"id": TEXT, "title": TEXT, "type": TEXT}
PROFILE = {
    "@type": NO_NEWS,
    "id": TEXT,
    "customer_id": TEXT,
    "email": TEXT,
    "phone_number": TEXT,
    "identities": [{"id": TEXT, "type": TEXT}],
    "prefix": TEXT,
    "firstname": TEXT,
    "middlename": TEXT,
    "lastname": TEXT,
    "suffix": TEXT,
    "name": TEXT,
    "gender": TEXT,
    "date_of_birth": TEXT,
    "country": TEXT,
    "marketing_optin": consented(SCALAR),
    "channels": Pairs(CHANNEL),
    "dates": {
        "acquired": TEXT,
        "first_seen": TEXT,
        "last_seen": TEXT,
        "first_purchase": TEXT,
        "last_purchase": TEXT,
        "marketing_optin": TEXT,
        "marketing_optout": TEXT,
    },
    "seen": KEEP,
    "properties": JSON,
    "tags": [TEXT],
    "lists": [LIST],
    "stats": {
        "orders": NUMBER,
        "orders_attempted": NUMBER,
        "revenue": NUMBER,
        "aov": NUMBER,
        "total_items": NUMBER,
        "visits": NUMBER,
    },
}
profile = Profile(
    record_id=_keyed_by_person(at("id"), at("phone_number"), at("country")),
    identifiers=(
        Identifier("profile_id", at("id"), "id"),
        Identifier("customer_id", at("customer_id"), "customer_id"),
        Identifier("email", at("email"), "email", is_primary=pl.lit(value=True)),
        Identifier("phone", at("phone_number"), "phone_number", region=at("country"), is_primary=pl.lit(value=True)),
        Identifier(
            translated(item("type"), IDENTITY_TYPE).fill_null("custom"),
            item("id"),
            "identities[].id",
            each="identities",
            namespace=pl.when(translated(item("type"), IDENTITY_TYPE).is_null()).then(item("type").str.strip_chars()),
            region=at("country"),
        ),
    ),
)
profile_customers = rows(
    "customers",
    acquired_at=time(at("dates.acquired")),
    first_seen_at=time(at("dates.first_seen")),
    last_seen_at=time(at("dates.last_seen")),
    full_name=at("name"),
    name_prefix=at("prefix"),
    first_name=at("firstname"),
    middle_name=at("middlename"),
    last_name=at("lastname"),
    name_suffix=at("suffix"),
    gender_raw=at("gender"),
    birth_date=at("date_of_birth"),
    country_raw=at("country"),
    attributes=raw("properties"),
)
profile_consents = _consents(
    yes=at("dates.marketing_optin"),
    no=at("dates.marketing_optout"),
    known_since=first_given(at("dates.acquired"), at("dates.first_seen")),
)


def _figure(metric: str, path: str, *, currency: pl.Expr = EMPTY) -> Rows:
    return rows(
        "vendor_stats",
        where=given(at(path)),
        metric=pl.lit(metric),
        value_num=at(path),
        currency=currency,
        definition_id=pl.lit(path),
    )


def _moment(metric: str, path: str) -> Rows:
    return rows(
        "vendor_stats",
        where=given(at(path)),
        metric=pl.lit(metric),
        value_ts=time(at(path)),
        definition_id=pl.lit(path),
    )


unknown_identities = Doubt(
    "identities[].type",
    item("type"),
    given(item("type")) & translated(item("type"), IDENTITY_TYPE).is_null(),
    "identities",
    "unknown_word",
)
PROFILE_STATS = (
    _figure("order_count", "stats.orders"),
    _figure("orders_attempted", "stats.orders_attempted"),
    _figure("total_revenue", "stats.revenue", currency=account_currency()),
    _figure("average_order_value", "stats.aov", currency=account_currency()),
    _figure("total_items", "stats.total_items"),
    _figure("visits", "stats.visits"),
    _moment("first_order_at", "dates.first_purchase"),
    _moment("last_order_at", "dates.last_purchase"),
)

# -- contacts --------------------------------------------------------------------------------------------------------

CONTACT = {
    "@type": NO_NEWS,
    "@collection": TEXT,
    "collection": TEXT,
    "id": TEXT,
    "customer_id": TEXT,
    "profile_id": TEXT,
    "email": TEXT,
    "phone_number": TEXT,
    "prefix": TEXT,
    "firstname": TEXT,
    "middlename": TEXT,
    "lastname": TEXT,
    "suffix": TEXT,
    "name": TEXT,
    "gender": TEXT,
    "date_of_birth": TEXT,
    "country_id": TEXT,
    "timezone": TEXT,
    "store_id": KEEP,
    "store_ids": KEEP,
    "tags": [TEXT],
    "properties": JSON,
    "marketing_optin": consented(SCALAR),
    "@force_optin": FLAG,
    "@add_to_lists": KEEP,
    "@remove_from_lists": KEEP,
    "@merge": KEEP,
    "channels": Pairs(CHANNEL),
    "timestamp_acquired": TEXT,
    "timestamp_subscribed": TEXT,
    "timestamp_unsubscribed": TEXT,
    "dt_object_created": TEXT,
    "dt_object_updated": TEXT,
    "dt_object_observed": KEEP,
    "dt_observed": KEEP,
    "object_version": KEEP,
    "source": KEEP,
}
CSV_CONTACT = {
    **{name: leaf for name, leaf in CONTACT.items() if name not in ("@type", "@collection", "properties", "channels")},
    **CHANNEL_CELLS,
    "customer_id": TEXT,
    "@force_optin": SCALAR,
    "customer.phone_number": TEXT,
    "properties.*": JSON,
}


def _contact_dialect(
    name: str, shape: dict[str, object], *, has: tuple[str, ...], lacks: tuple[str, ...], says_unknown: bool
) -> Dialect:
    phone = first_given(*(at(name) for name in ("phone_number", "customer.phone_number") if name in shape))
    collection = first_given(*(at(name) for name in ("@collection", "collection") if name in shape)).str.strip_chars()
    key = _keyed_by_person(at("id"), phone, at("country_id"))
    customers = rows(
        "customers",
        created_at=time(at("dt_object_created")),
        source_updated_at=time(at("dt_object_updated")),
        acquired_at=time(at("timestamp_acquired")),
        full_name=at("name"),
        name_prefix=at("prefix"),
        first_name=at("firstname"),
        middle_name=at("middlename"),
        last_name=at("lastname"),
        name_suffix=at("suffix"),
        gender_raw=at("gender"),
        birth_date=at("date_of_birth"),
        timezone=at("timezone"),
        country_raw=at("country_id"),
        attributes=raw("properties" if "properties" in shape else "properties.*"),
    )
    consents = _consents(
        yes=at("timestamp_subscribed"),
        no=at("timestamp_unsubscribed"),
        known_since=first_given(at("timestamp_acquired"), at("dt_object_created")),
        changed=at("dt_object_updated"),
        forced=at("@force_optin"),
        says_unknown=says_unknown,
    )
    about = Profile(
        record_id=pl.when(key.is_not_null()).then(
            pl.concat_str(clean(collection), key, separator=":", ignore_nulls=True)
        ),
        identifiers=(
            Identifier("contact_id", at("id"), "id", namespace=clean(collection)),
            Identifier("customer_id", at("customer_id"), "customer_id"),
            Identifier("profile_id", at("profile_id"), "profile_id"),
            Identifier("email", at("email"), "email"),
            Identifier("phone", phone, "phone_number", region=at("country_id")),
        ),
    )
    channels = _channels(at("dt_object_updated")) if "channels" in shape else _channel_cells(at("dt_object_updated"))
    return dialect(
        name,
        "contact",
        shape,
        customers,
        *consents,
        *channels,
        *TAGS,
        about=about,
        has=has,
        lacks=lacks,
        doubts=_consent_doubts("timestamp_unsubscribed"),
        kinds=("contact",),
        tells={"name": ANY_WORD},
    )


CONTACTS = (
    _contact_dialect("ometria.contact", CONTACT, has=("@collection",), lacks=(), says_unknown=True),
    _contact_dialect(
        "ometria.connector_contact",
        {name: leaf for name, leaf in CONTACT.items() if name != "@collection"},
        has=("@type",),
        lacks=("@collection",),
        says_unknown=True,
    ),
    _contact_dialect("ometria.csv_contact", CSV_CONTACT, has=(), lacks=("@type", "@collection"), says_unknown=False),
)

# -- orders ----------------------------------------------------------------------------------------------------------

ADDRESS = Open(dict.fromkeys(("firstname", "lastname", "city", "state", "postcode", "country_code"), TEXT))
LINE_FIGURES = ("unit_price", "subtotal", "discount", "tax", "total")
LINE = {
    "product_id": TEXT,
    "product": {"id": TEXT, "sku": TEXT, "title": TEXT, "price": KEEP, "base_price": KEEP},
    "variant_id": TEXT,
    "variant_sku": TEXT,
    "sku": TEXT,
    "title": TEXT,
    "quantity": SCALAR,
    **dict.fromkeys(LINE_FIGURES, SCALAR),
    "quantity_refunded": SCALAR,
    "refunded": SCALAR,
    **{f"base_{name}": kept(SCALAR) for name in LINE_FIGURES},
    "is_on_sale": KEEP,
    "totals": KEEP,
    "tax_percent": KEEP,
    "discount_percent": KEEP,
    "properties": KEEP,
}
# In the currency of the Ometria account; the figures without `base_` are in the order's own.
OWN_FIGURES = ("currency", "subtotal", "discount", "shipping", "tax", "total_refunded")
BASE_FIGURES = (
    "base_currency",
    "base_subtotal",
    "base_discount",
    "base_shipping",
    "base_tax",
    "base_grand_total",
    "base_total_refunded",
)
ORIGINAL_ORDER = (
    "original_order_id",
    "original_increment_id",
    "parent_order_id",
    "relation_parent_id",
    "relation_parent_real_id",
)
ORDER = {
    "@type": NO_NEWS,
    "id": TEXT,
    "increment_id": TEXT,
    **dict.fromkeys(ORIGINAL_ORDER, TEXT),
    "status": TEXT,
    "state": TEXT,
    "is_valid": FLAG,
    "timestamp": TEXT,
    "time_stamp": TEXT,
    "currency": TEXT,
    **dict.fromkeys(("subtotal", "discount", "shipping", "tax", "grand_total", "total_refunded"), SCALAR),
    **dict.fromkeys(BASE_FIGURES, SCALAR),
    "coupon_code": TEXT,
    "payment_method": TEXT,
    "shipping_method": TEXT,
    "channel": TEXT,
    "store": TEXT,
    "web_id": KEEP,
    "ip_address": KEEP,
    "x_forwarded_for": KEEP,
    "customer": {"id": TEXT, "email": TEXT, "phone_number": TEXT, "firstname": TEXT, "lastname": TEXT},
    "shipping_address": ADDRESS,
    "billing_address": ADDRESS,
    "lineitems": [LINE],
    "properties": KEEP,
}
is_in_own_currency = given(at("grand_total")) | ~given(at("base_grand_total"))


def _figure_of(name: str) -> pl.Expr:
    """An amount in the order's currency; in the account's where the order is told in that alone."""
    return pl.when(is_in_own_currency).then(at(name)).otherwise(at(f"base_{name}"))


order_currency = (
    pl.when(is_in_own_currency).then(at("currency")).otherwise(first_given(at("base_currency"), account_currency()))
)
line_currency = first_given(at("currency"), at("base_currency"))
ordered_at = first_given(at("timestamp"), at("time_stamp"))
original_order = first_given(*(at(name) for name in ORIGINAL_ORDER))
is_refund_order = (numbers.money(_figure_of("grand_total")) < 0).fill_null(value=False)
order_status = pl.coalesce(
    translated(at("status"), ORDER_STATUS), translated(at("state"), ORDER_STATUS), pl.lit("unknown")
)
line_refunds = (
    at("lineitems")
    .list.eval(pl.element().struct.field("refunded").cast(pl.Decimal(38, 4), strict=False).abs())
    .list.drop_nulls()
)
ADDRESSES = ("billing_address", "shipping_address")
shop_customer = ids.identifier(at("customer.id"), "customer_id")


def _address(path: str) -> dict[str, pl.Expr]:
    columns = (("country_raw", "country_code"), ("state_raw", "state"), ("city", "city"), ("postal_code", "postcode"))
    return {column: at(f"{path}.{field}") for column, field in columns}


def _name(path: str) -> dict[str, pl.Expr]:
    return {"first_name": at(f"{path}.firstname"), "last_name": at(f"{path}.lastname")}


def _as_json(*names: str, objects: tuple[str, ...] = ()) -> pl.Expr:
    """The given ones of the named fields, and of the objects, as one JSON object; null if none is."""
    parts = [
        pl.when(given(at(name))).then(
            pl.struct(at(name).alias(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in names
    ]
    parts += [pl.when(raw(name) != "{}").then(pl.concat_str(pl.lit(f'"{name}":'), raw(name))) for name in objects]
    inner = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))


order_contact = Contact(
    identifiers=(
        Identifier("customer_id", at("customer.id"), "customer.id"),
        Identifier("email", at("customer.email"), "customer.email"),
        Identifier(
            "phone",
            at("customer.phone_number"),
            "customer.phone_number",
            region=first_given(at("billing_address.country_code"), at("shipping_address.country_code")),
        ),
    ),
    # A parcel may be sent to somebody else, but its bill is the buyer's.
    attributes=one_name(_name("customer"), _name("billing_address"))
    | one_address(_address("billing_address"), _address("shipping_address")),
)
orders = rows(
    "orders",
    where=~is_refund_order,
    source_order_id=at("id"),
    order_number=first_given(at("increment_id"), at("id")),
    store_id=at("store"),
    channel=at("channel"),
    is_guest=Typed(shop_customer.is_null()),
    ordered_at=time(ordered_at, else_export_date=True),
    currency=order_currency,
    subtotal=_figure_of("subtotal"),
    discount_total=absolute(_figure_of("discount")),
    shipping_total=_figure_of("shipping"),
    tax_total=_figure_of("tax"),
    total=_figure_of("grand_total"),
    refunded_total=absolute(
        first_given(
            _figure_of("total_refunded"),
            pl.when(is_in_own_currency & filled(line_refunds)).then(line_refunds.list.sum().cast(pl.String)),
            pl.when(order_status == "refunded").then(_figure_of("grand_total")),
        )
    ),
    status_raw=first_given(at("status"), at("state")),
    status=words(order_status, (at("status"), ORDER_STATUS), (at("state"), ORDER_STATUS)),
    is_valid_source=at("is_valid"),
    coupon_codes=pl.when(given(at("coupon_code"))).then(pl.concat_list(at("coupon_code"))),
    payment_method=at("payment_method"),
    shipping_method=at("shipping_method"),
    attributes=pl.when(is_in_own_currency)
    .then(_as_json(*BASE_FIGURES, objects=ADDRESSES))
    .otherwise(_as_json(*OWN_FIGURES, *BASE_FIGURES, objects=ADDRESSES)),
)
is_base_line = ~pl.any_horizontal(given(item(name)) for name in LINE_FIGURES) & pl.any_horizontal(
    given(item(f"base_{name}")) for name in LINE_FIGURES
)


def _of_line(name: str) -> pl.Expr:
    """An amount in the order's currency; in the account's where the line is told in that alone."""
    return pl.when(is_base_line).then(item(f"base_{name}")).otherwise(item(name))


# Those of a negative order are what was returned: they stand beside its adjustment, and count in no order.
order_lines = rows(
    "order_lines",
    each="lineitems",
    source_order_id=pl.when(is_refund_order).then(first_given(original_order, at("id"))).otherwise(at("id")),
    line_no=Typed(pl.col("position")),
    product_id=first_given(item("product_id"), item("product.id")),
    variant_id=item("variant_id"),
    sku=first_given(item("sku"), item("variant_sku"), item("product.sku")),
    title=first_given(item("title"), item("product.title")),
    quantity=item("quantity"),
    unit_price=_of_line("unit_price"),
    discount=absolute(_of_line("discount")),
    tax=_of_line("tax"),
    subtotal=_of_line("subtotal"),
    total=_of_line("total"),
    refunded_quantity=item("quantity_refunded"),
    refunded_amount=absolute(pl.when(~is_base_line).then(item("refunded"))),
    currency=pl.when(is_base_line).then(first_given(at("base_currency"), account_currency())).otherwise(line_currency),
)
refund_orders = rows(
    "order_adjustments",
    where=is_refund_order,
    source_order_id=first_given(original_order, at("id")),
    order_match_key=first_given(original_order, at("increment_id"), at("id")),
    adjustment_id=pl.concat_str(pl.lit("negative_order:"), ids.identifier(at("id"), "order_id")),
    action=pl.lit("refund"),
    amount_kind=pl.lit("delta"),
    currency=order_currency,
    amount=absolute(_figure_of("grand_total")),
    subtotal_amount=absolute(_figure_of("subtotal")),
    occurred_at=time(ordered_at, else_export_date=True),
)
cancellations = rows(
    "order_adjustments",
    where=~is_refund_order & (order_status == "canceled"),
    source_order_id=at("id"),
    order_match_key=first_given(at("increment_id"), at("id")),
    adjustment_id=pl.concat_str(pl.lit("canceled:"), ids.identifier(at("id"), "order_id")),
    action=pl.lit("cancel"),
    amount_kind=pl.lit("running_total"),
    currency=order_currency,
    occurred_at=time(else_export_date=True),
)
order_events = rows(
    "events",
    where=~is_refund_order,
    event_id=pl.concat_str(pl.lit("order:"), ids.identifier(at("id"), "order_id")),
    event_type=pl.lit("order"),
    event_action=pl.lit("purchase"),
    engagement_class=pl.lit("purchase"),
    is_active=pl.lit("true"),
    occurred_at=time(ordered_at, else_export_date=True),
    source_order_id=at("id"),
    order_match_key=first_given(at("increment_id"), at("id")),
)

# -- lists, changes of lists, unsubscriptions ------------------------------------------------------------------------

lists = rows("segments", segment_id=at("id"), name=at("title"), kind=word(at("type"), LIST_KIND))
told_person = Contact(
    identifiers=(Identifier("profile_id", at("profile_id"), "profile_id"), Identifier("email", at("email"), "email")),
    profile_id=at("profile_id"),
)
list_change = translated(at("event"), LIST_CHANGE)
changed_at = first_given(at("time_stamp"), at("timestamp"))
list_changes = rows(
    "segment_memberships",
    segment_id=at("list_id"),
    state=list_change,
    observed_at=time(changed_at, else_export_date=True),
    valid_from=time(changed_at),
    is_full_snapshot=Typed(pl.lit(value=False)),
)
LIST_CHANGE_DIALECT = dialect(
    "ometria.list_change",
    "list_change",
    {
        "@type": NO_NEWS,
        "list_id": TEXT,
        "profile_id": TEXT,
        "email": TEXT,
        "event": TEXT,
        "time_stamp": TEXT,
        "timestamp": TEXT,
    },
    list_changes,
    about=told_person,
    has=("list_id",),
    kinds=("list_change",),
    checks=(
        Check("missing_segment_id", "list_id", ~given(at("list_id"))),
        Check("missing_action", "event", list_change.is_null()),
        Check("missing_identity", "profile_id", ~given(at("profile_id")) & ~given(at("email"))),
    ),
)
unsubscribed = Contact(
    identifiers=(
        Identifier("profile_id", at("profile_id"), "profile_id"),
        Identifier("email", at("email_address"), "email_address"),
    ),
    profile_id=at("profile_id"),
)
unsubscriptions = rows(
    "customer_consents",
    # Whoever says no to what we do not know says no to all.
    channel=words(
        pl.when(given(at("type")))
        .then(translated(at("type"), UNSUBSCRIBED_FROM).fill_null("all"))
        .otherwise(pl.lit("email")),
        (at("type"), UNSUBSCRIBED_FROM),
    ),
    purpose=pl.lit("marketing"),
    status=pl.lit("opt_out"),
    status_raw=pl.lit("unsubscribed"),
    effective_at=time(changed_at, else_export_date=True),
    consent_source=at("type"),
    reason=pl.concat_str(first_given(at("reason")), first_given(at("reason_text")), separator=": ", ignore_nulls=True),
)

# -- custom events ---------------------------------------------------------------------------------------------------

CUSTOM_EVENT = {
    "@type": NO_NEWS,
    "id": TEXT,
    "event_type": TEXT,
    "timestamp": TEXT,
    "time_stamp": TEXT,
    "profile_id": TEXT,
    **dict.fromkeys(
        ("customer_id", "identity_account_id", "email", "identity_email", "phone_number", "identity_phone_number"), TEXT
    ),
    "properties": JSON,
}
event_person = Contact(
    identifiers=(
        Identifier("profile_id", at("profile_id"), "profile_id"),
        *(Identifier("customer_id", at(name), name) for name in ("customer_id", "identity_account_id")),
        *(Identifier("email", at(name), name) for name in ("identity_email", "email")),
        *(Identifier("phone", at(name), name) for name in ("identity_phone_number", "phone_number")),
    ),
    profile_id=at("profile_id"),
)
custom_events = rows(
    "events",
    event_id=at("id"),
    event_type=pl.when(given(at("event_type"))).then(pl.lit("custom")),
    event_action=at("event_type").str.strip_chars().str.to_lowercase(),
    event_name_raw=at("event_type"),
    engagement_class=pl.lit("custom"),
    is_active=pl.lit("true"),
    occurred_at=time(ordered_at, else_export_date=True),
    properties=raw("properties"),
)

KINDS = Kinds(
    signs=(
        sign(word_in="@type", words={"customer": "contact", "unsubscribe": "unsubscribed_contact"}),
        sign("list_id", kind="list_change"),
        sign("event_type", kind="custom_event"),
        sign("email_address", kind="unsubscribed_contact"),
        sign("grand_total", kind="order"),
        sign("lineitems", kind="order"),
        sign("price", kind="product"),
    ),
    pages={
        "profiles": "profile",
        "contacts": "contact",
        "orders": "order",
        "lists": "list",
        "list_changes": "list_change",
        "unsubscribes": "unsubscribed_contact",
        "custom_events": "custom_event",
        "data": "",
    },
    common=frozenset(
        {
            "@type",
            "@collection",
            "id",
            "name",
            "title",
            "type",
            "status",
            "currency",
            "store",
            "timestamp",
            "properties",
        }
    ),
)

IN_EITHER_ENCODING = CsvForm(encodings=("utf-8", "iso-8859-1"))

VENDOR = vendor(
    "ometria",
    "Ometria",
    stream(
        "profiles",
        "Profiles: people as Ometria has put them together, with their figures, tags and lists.",
        dialect(
            "ometria.profile",
            "profile",
            PROFILE,
            profile_customers,
            *profile_consents,
            *_channels(),
            *TAGS,
            *LISTS,
            *PROFILE_STATS,
            about=profile,
            doubts=(*_consent_doubts("dates.marketing_optout"), unknown_identities),
            kinds=("profile",),
            tells={"name": ANY_WORD},
        ),
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "contacts",
        "Contacts: people as the shop, forms and uploads have told of them.",
        *CONTACTS,
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "orders",
        "Orders of the shop, each as it stands.",
        dialect(
            "ometria.order",
            "order",
            ORDER,
            orders,
            order_lines,
            refund_orders,
            cancellations,
            order_events,
            about=order_contact,
            checks=(Check("missing_order_id", "id", ~given(at("id"))),),
            duplicates_of="orders",
            kinds=("order",),
            tells={"status": ANY_WORD},
        ),
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "lists",
        "The account's lists, and who has entered or left them.",
        dialect(
            "ometria.list",
            "list",
            {"@type": NO_NEWS, **LIST},
            lists,
            about=None,
            lacks=("list_id",),
            kinds=("list",),
            tells={"title": ANY_WORD},
            checks=(Check("missing_segment_id", "id", ~given(at("id"))),),
        ),
        LIST_CHANGE_DIALECT,
    ),
    stream("list_changes", "Who has entered or left which list.", LIST_CHANGE_DIALECT, envelopes=("lists",)),
    stream(
        "unsubscribes",
        "Who has unsubscribed, why and from what.",
        dialect(
            "ometria.unsubscribe",
            "unsubscribed_contact",
            {
                "@type": NO_NEWS,
                "profile_id": TEXT,
                "email_address": TEXT,
                "type": TEXT,
                "reason": TEXT,
                "reason_text": TEXT,
                "mass_campaign_id": KEEP,
                "trigger_campaign_id": KEEP,
                "send_id": KEEP,
                "time_stamp": TEXT,
                "timestamp": TEXT,
            },
            unsubscriptions,
            about=unsubscribed,
            kinds=("unsubscribed_contact",),
            checks=(
                Check("missing_identity", "email_address", ~given(at("profile_id")) & ~given(at("email_address"))),
            ),
        ),
    ),
    stream(
        "custom_events",
        "What people did, in the shop's own words.",
        dialect(
            "ometria.custom_event",
            "custom_event",
            CUSTOM_EVENT,
            custom_events,
            about=event_person,
            duplicates_of="events",
            kinds=("custom_event",),
        ),
    ),
    money=(
        "Major units, as numbers or as texts. An order's figures are in its `currency`; those that begin with `base_`"
        " are in the currency of the Ometria account (`base_currency`). Profiles state theirs in the account's."
    ),
    kinds=KINDS,
)
