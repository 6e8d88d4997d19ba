"""Optimizely Data Platform (ODP, once Zaius): profiles, events, orders, lists and segment exports, as JSON and as flat
files.

Flat files are what people import (`zaius_orders_….csv`, one row per item with the order's totals on each) and what ODP
exports (columns by dotted path: `customer.email`, `order.status`); both may be mixed, so one dialect reads both.

A purchase makes an order. A refund, return or cancellation makes an adjustment and never an order, so that one that
comes before its purchase, or without any, is an orphan and no revenue. Its amount counts without sign; what it says of
tax and shipping is what is left of them, not what was taken back, and stays with the event. The adjustment's id is made
of order, action, time and amount: the same refund in an event and in an order file is one, and so is one whose total
stands on every item's row. Whether a cancellation is whole follows from its amount; without one it is.

Lists: a subscription is consent for that list alone (purpose `list:<id>`); a list file without a column for what
happened names who is subscribed. Reachability says whether messages arrive at an identifier, and is no consent. Only
what stands under `identifiers` is known to be an identifier: a column of a flat file that is merely named like one
links with low confidence. ODP names no currency: it is the account's.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    account_currency,
    at,
    email_address,
    file_value,
    filled,
    first_given,
    given,
    item,
    item_raw,
    lookup,
    pairs,
    phone_number,
    raw,
)
from orchestration.mapping.model import CsvForm, Dialect, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.record_schema import JSON, KEEP, NUMBER, SCALAR, TEXT, Open, Pairs
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import Check, Contact, Doubt, Identifier, Profile, Rows, one_name, rows
from orchestration.mapping.values import Time, Typed, Value, absolute, time
from orchestration.mapping.words import consent_said, consent_word, is_no, translated, word
from orchestration.parsing.ids import identifier, order_key
from orchestration.parsing.numbers import flag, money
from orchestration.parsing.text import clean
from orchestration.parsing.times import ODP_TIME_FORMATS, date
from orchestration.parsing.times import time as read_time

NONE = pl.lit(None, pl.String)
TIME_FORMATS = (*ODP_TIME_FORMATS, "epoch_ms")

# -- words -----------------------------------------------------------------------------------------------------------

EVENTS: dict[str, tuple[str, str, str, str]] = {
    # type/action: type, action, engagement class, whether the person did it
    "order/purchase": ("order", "purchase", "purchase", "true"),
    "product/detail": ("product", "view", "browse", "true"),
    "product/add_to_cart": ("product", "add_to_cart", "intent", "true"),
    "product/remove_from_cart": ("product", "remove_from_cart", "browse", "true"),
    "email/open": ("email", "open", "open", "true"),
    "email/click": ("email", "click", "click", "true"),
    "push/open": ("push", "open", "open", "true"),
    "push/click": ("push", "click", "click", "true"),
    "account/login": ("account", "login", "visit", "true"),
    "account/register": ("account", "register", "visit", "true"),
}
EVENT_TYPES: dict[str, tuple[str, str]] = {
    # type: engagement class and whether the person did it, for actions that are not above
    "order": ("none", "false"),
    "product": ("browse", "true"),
    "pageview": ("browse", "true"),
    "navigation": ("browse", "true"),
    "account": ("none", "true"),
    "email": ("none", "false"),
    "push": ("none", "false"),
    "list": ("none", "false"),
    "campaign": ("none", "false"),
    "consent": ("none", "false"),
    "reachability": ("none", "false"),
    "customer_discovered": ("none", "false"),
    "loyalty": ("loyalty", "false"),
}
# As ODP names them; modules for shops write some in the plural.
KINDS = {f"{kind}{end}": kind for end in ("", "s") for kind in EVENT_TYPES} | {"page_views": "pageview"}
TAKEN_BACK = ("refund", "return", "cancel")
ORDER_ACTIONS = ("purchase", *TAKEN_BACK)
DEEDS = {action: action for action in ORDER_ACTIONS} | {
    "purchased": "purchase",
    "purchases": "purchase",
    "refunded": "refund",
    "refunds": "refund",
    "returned": "return",
    "returns": "return",
    "canceled": "cancel",
    "cancelled": "cancel",
    "cancels": "cancel",
}
ORDER_STATUS = {
    "created": "created",
    "pending": "pending_payment",
    "pending_payment": "pending_payment",
    "purchased": "paid",
    "paid": "paid",
    "processing": "in_progress",
    "shipped": "shipped",
    "fulfilled": "shipped",
    "complete": "completed",
    "completed": "completed",
    "delivered": "completed",
    "partially_returned": "partially_refunded",
    "partially_refunded": "partially_refunded",
    "returned": "refunded",
    "refunded": "refunded",
    "canceled": "canceled",
    "cancelled": "canceled",
}
SUBSCRIPTION_CONSENT = {"subscribed": "opt_in", "unsubscribed": "opt_out"}
KNOWN_LOYALTY = r"^(points|tier|referral)_"
LOYALTY = {"points_added": "earn", "points_removed": "adjust", "tier_earned": "tier_change", "tier_lost": "tier_change"}
IDENTIFIERS = {
    "email": "email",
    "phone": "phone",
    "customer_id": "customer_id",
    "vuid": "vuid",
    "zaius_id": "profile_id",
}
CONSENT_CHANNELS = {"email": "email", "phone": "phone", "push_token": "push"}

# -- identifiers -----------------------------------------------------------------------------------------------------

# ODP takes a custom field for an identifier only if its name ends so, and keeps the values seen under the plural.
CUSTOM_NAME = r"^[a-z0-9][a-z0-9_]*_(?:id|hash|number|token|alias|address|key)$"
PLURALS = r"_(id|number|token|key)s$|_(hash|alias|address)es$"
CUSTOM_FIELD = (
    r'"(?:customer\.)?[a-z0-9][a-z0-9_]*_(?:id|hash|number|token|alias|address|key)":(?:"(?:[^"\\]|\\.)+"|[0-9]+)'
)
# Columns that are named like an identifier and are something else.
NO_IDENTIFIERS = r"^(?:ip|email|e_mail|street|bill|billing|ship|shipping|mailing|home)_address$|^(?:phone|mobile|fax|house|street|tracking|order|invoice|item|line)_number$"


def singular(name: pl.Expr) -> pl.Expr:
    """Name of the identifier whose values a plural field lists; other names as they are."""
    bare = name.str.strip_chars().str.to_lowercase()
    return bare.str.replace(r"^(email|phone|vuid)s$", "$1").str.replace(PLURALS, "_$1$2")


def identifier_type(name: pl.Expr) -> pl.Expr:
    """Type of the identifier a field holds, by the field's name; null if it can hold none."""
    custom = pl.when(name.str.contains(r"push_token$")).then(pl.lit("push_token")).otherwise(pl.lit("custom"))
    return pl.coalesce(lookup(name, IDENTIFIERS), pl.when(name.str.contains(CUSTOM_NAME)).then(custom))


def own_namespace(name: pl.Expr) -> pl.Expr:
    """Custom identifiers are unique only under their name."""
    return pl.when(identifier_type(name).is_in(["custom", "push_token"])).then(name)


def paired(each: str, region: pl.Expr) -> tuple[Identifier, ...]:
    """Everything under `identifiers`: fields in the singular first, for they hold the value seen last. A token is no
    proof of a person."""
    name = singular(item("key"))
    is_single = item("key").str.strip_chars().str.to_lowercase() == name
    is_token = name.str.ends_with("_token")

    def spec(where: pl.Expr, confidence: Any, *, is_primary: bool) -> Identifier:
        return Identifier(
            identifier_type(name),
            item("value"),
            "identifiers",
            namespace=own_namespace(name),
            region=region,
            each=each,
            confidence=confidence,
            is_primary=pl.lit(is_primary),
            where=where,
        )

    return (
        spec(is_single & ~is_token, None, is_primary=True),
        spec(is_single & is_token, "low", is_primary=True),
        spec(~is_single & ~is_token, None, is_primary=False),
        spec(~is_single & is_token, "low", is_primary=False),
    )


def paired_value(name: str) -> pl.Expr:
    """Value of one field under `identifiers`."""
    found = pl.col(pairs("identifiers")).list.eval(
        pl.element().struct.field("value").filter(pl.element().struct.field("key") == name)
    )
    return found.list.first()


def odd_names() -> Doubt:
    """Fields under `identifiers` that cannot hold one."""
    name, value = pl.element().struct.field("key"), pl.element().struct.field("value")
    found = pl.col(pairs("identifiers")).list.eval(
        pl.concat_str(name, pl.lit(": "), value.fill_null("")).filter(identifier_type(singular(name)).is_null())
    )
    return Doubt("identifiers", found.list.join(", "), filled(found))


def custom_columns() -> tuple[Identifier, ...]:
    """Undeclared columns of a flat record that are named like an identifier."""
    text = pl.element()
    found = (
        pl.col("extra")
        .str.extract_all(CUSTOM_FIELD)
        .list.eval(
            pl.struct(
                text.str.extract(r'^"(?:customer\.)?([a-z0-9_]+)"').alias("key"),
                text.str.extract(r':"?(.*?)"?$').alias("value"),
            )
        )
    )
    name = item("key")
    is_identifier = ~name.str.contains(NO_IDENTIFIERS)
    return (
        Identifier(
            identifier_type(name),
            item("value"),
            "*",
            namespace=own_namespace(name),
            each=found,
            confidence="low",
            where=is_identifier,
        ),
    )


# -- flat records ----------------------------------------------------------------------------------------------------


def cell(*names: str) -> pl.Expr:
    """First given of a flat record's columns; a name may hold dots."""
    return first_given(*map(at, names))


PERSON = {
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "full_name": ("name",),
    "gender_raw": ("gender",),
    "birth_date": ("date_of_birth",),
    "timezone": ("timezone",),
    "country_raw": ("country",),
    "state_raw": ("state",),
    "city": ("city",),
    "postal_code": ("zip_code", "zip"),
    "address_line_1": ("street1",),
    "address_line_2": ("street2",),
}
# Also a date of birth is written month first.
US_DATE = r"^([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})$"


def birth_date(stated: pl.Expr) -> Typed:
    """A date of birth, also as ODP's imports write dates."""
    month, day, year = (stated.str.strip_chars().str.extract(US_DATE, group) for group in (1, 2, 3))
    return Typed(
        date(clean(pl.coalesce(pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-"), stated))),
        given=stated,
    )


def person_columns(read: Callable[..., pl.Expr]) -> dict[str, Value]:
    """The person's own columns, each from the first of its fields that is given."""
    return {
        column: birth_date(read(*names)) if column == "birth_date" else read(*names) for column, names in PERSON.items()
    }


PERSON_FIELDS = [name for names in PERSON.values() for name in names]
LOYALTY_FIELDS = [
    "loyalty_points_balance", "loyalty_tier_id", "loyalty_is_enrolled_member", "loyalty_referral_code_id", "loyalty_profile_created_at",
    "loyalty_profile_updated_at",
]  # fmt: skip
LOYALTY_READ = ("loyalty_points_balance", "loyalty_tier_id")
INSIGHTS = {
    "total_revenue": "total_revenue",
    "order_count": "order_count",
    "average_order_value": "average_order_value",
    "first_order_date": "first_order_at",
    "last_order_date": "last_order_at",
    "engagement_score": "engagement_score",
}
OTHER_INSIGHTS = ["engagement_rank", "order_likelihood", "winback_zone"]
MONEY_INSIGHTS = ("total_revenue", "average_order_value")
PLURAL_FIELDS = {"emails": "email", "vuids": "vuid", "customer_ids": "customer_id", "phones": "phone"}


def customer_columns(*names: str) -> dict[str, Any]:
    """Fields of the customer as columns of a flat record, also by their path."""
    return {f"{start}{name}": SCALAR for start in ("", "customer.") for name in names}


FLAT_IDENTIFIERS = customer_columns(*IDENTIFIERS, "country") | {
    f"{start}{name}": [SCALAR] for start in ("", "customer.") for name in PLURAL_FIELDS
}


def customer_cell(*names: str) -> pl.Expr:
    """A field of the customer in a flat record."""
    return cell(*(f"{start}{name}" for name in names for start in ("", "customer.")))


def flat_identifiers() -> tuple[Identifier, ...]:
    """Identifiers of a flat record: the value seen last, then the lists of all, then what is named like one."""
    region = cell("country", "customer.country")
    single = tuple(
        Identifier(kind, customer_cell(name), name, region=region, is_primary=pl.lit(value=True))
        for name, kind in IDENTIFIERS.items()
    )
    listed = tuple(
        Identifier(kind, item(), name, region=region, each=at(f"{start}{name}"), is_primary=pl.lit(value=False))
        for name, kind in PLURAL_FIELDS.items()
        for start in ("", "customer.")
    )
    return (*single, *listed, *custom_columns())


FLAT_PERSON = FLAT_IDENTIFIERS | customer_columns(*PERSON_FIELDS)
flat_person = person_columns(customer_cell)


def record_id(
    *,
    customer_id: pl.Expr,
    vuid: pl.Expr,
    address: pl.Expr,
    zaius_id: pl.Expr,
    number: pl.Expr,
    country: pl.Expr,
    custom: pl.Expr,
) -> pl.Expr:
    """What a profile is known by: the shop's customer id, else the device, else the e-mail address, else whatever is
    left."""
    return pl.coalesce(
        identifier(customer_id, "customer_id"),
        identifier(vuid, "vuid"),
        pl.concat_str(pl.lit("email:"), email_address(address)),
        pl.concat_str(pl.lit("zaius_id:"), identifier(zaius_id, "profile_id")),
        pl.concat_str(pl.lit("phone:"), phone_number(number, country)),
        custom,
    )


# -- times, amounts --------------------------------------------------------------------------------------------------

EARLIEST_EPOCH = 631_152_000  # 1990: a smaller number is a counter or a blank that became 0, not seconds since 1970


def is_no_time(stated: pl.Expr) -> pl.Expr:
    """A number too small to be the time of anything a person did."""
    return (stated.cast(pl.Float64, strict=False) < EARLIEST_EPOCH).fill_null(value=False)


def as_time(stated: pl.Expr) -> pl.Expr:
    """The time a text states, zoneless ones in UTC: for ids and checks."""
    return read_time(stated, formats=TIME_FORMATS).struct.field("value")


def moment(stated: pl.Expr, *, else_export_date: bool = True) -> Time:
    """A time as ODP writes it: epoch seconds or one of its date formats; milliseconds are read, and flagged as a
    guess."""
    is_milliseconds = stated.str.strip_chars().str.contains(r"^[0-9]{13}$").fill_null(value=False)
    return time(
        pl.when(~is_no_time(stated)).then(stated),
        formats=TIME_FORMATS,
        else_export_date=else_export_date,
        is_inferred=is_milliseconds,
    )


def line_total(price: pl.Expr, quantity: pl.Expr, discount: pl.Expr, subtotal: pl.Expr) -> pl.Expr:
    """What the line costs: its subtotal, else (price - discount) x quantity."""
    by_price = (money(price) - money(discount).fill_null(0)) * money(quantity)
    return first_given(subtotal, by_price.cast(pl.Decimal(18, 4), strict=False).cast(pl.String))


def line_discount(price: pl.Expr, quantity: pl.Expr, discount: pl.Expr, subtotal: pl.Expr) -> pl.Expr:
    """Discount on the whole line. ODP's own samples state it now per piece, now per line: what the line costs
    decides."""
    by_total = (money(price) * money(quantity)).cast(pl.Decimal(18, 4), strict=False) - money(
        line_total(price, quantity, discount, subtotal)
    )
    return pl.coalesce(
        pl.when(money(discount).is_not_null() & (by_total >= 0)).then(by_total.cast(pl.String)), discount
    )


# -- events ----------------------------------------------------------------------------------------------------------


event_person = pl.coalesce(
    pl.col("profile"), pl.col("first:vuid"), pl.concat_str(pl.lit("email:"), pl.col("first:email")), pl.col("owner")
)


@dataclass(frozen=True)
class Told:
    """Where the facts of an event stand: in JSON of its own, in a flat record, or in a profile."""

    type: pl.Expr
    action: pl.Expr
    stated_time: pl.Expr
    data: Callable[[str], pl.Expr]
    """A field of the event."""
    order: Callable[[str], pl.Expr]
    """A field of the order, as the event leaves it."""
    change: Callable[[str], pl.Expr]
    """An amount of this event alone."""
    active: pl.Expr
    origin: pl.Expr
    properties: Value
    is_sound: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
    """False for what is passed over: a profile is not lost for the sake of one of its events."""
    is_amount_sound: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
    person: pl.Expr = field(default_factory=lambda: event_person)
    """Record id of the profile that the event is about."""
    is_guest: pl.Expr = field(default_factory=lambda: pl.col("profile").is_null())
    line_key: pl.Expr = field(default_factory=lambda: NONE)
    """What tells two changes of one moment apart: the product, where each line is an event."""
    each: str | None = None

    @property
    def kind(self) -> pl.Expr:
        """The event's type as ODP names it; one of the account's own as it stands."""
        return pl.coalesce(
            translated(self.type, KINDS), self.type.str.strip_chars().str.to_lowercase().replace("", None)
        )

    @property
    def deed(self) -> pl.Expr:
        """The event's action; what befell an order in one spelling."""
        bare = self.action.str.strip_chars().str.to_lowercase().replace("", None)
        return pl.when(self.kind == "order").then(pl.coalesce(translated(self.action, DEEDS), bare)).otherwise(bare)

    @property
    def at_time(self) -> pl.Expr:
        """The time to the second as text, for ids."""
        stated = pl.when(~is_no_time(self.stated_time)).then(self.stated_time)
        return as_time(stated).dt.strftime("%Y-%m-%dT%H:%M:%S")

    def word(self, position: int, default: pl.Expr) -> pl.Expr:
        """One of the words for type and action in ours."""
        name = pl.concat_str(self.kind, pl.lit("/"), self.deed)
        return lookup(name, {name: words[position] for name, words in EVENTS.items()}, default)

    def is_order(self, *actions: str) -> pl.Expr:
        return ((self.kind == "order") & self.deed.is_in(actions)).fill_null(value=False)

    def unknown_words(self) -> tuple[Doubt, ...]:
        """Types and actions that no table knows, where an order, a subscription or points hang on them; an account may
        have events of its own."""
        name = pl.concat_str(self.type, self.action, separator="/", ignore_nulls=True)
        is_own = ~self.kind.is_in(list(EVENT_TYPES)) & given(self.order("order_id"))
        is_deed = (self.kind == "order") & ~self.deed.is_in(ORDER_ACTIONS).fill_null(value=False)
        is_change = (
            (self.kind == "list") & given(self.data("list_id")) & self.subscription.is_null() & given(self.action)
        )
        is_consent = (
            (self.kind == "consent") & self.consent.is_null() & (given(self.action) | given(self.data("consent")))
        )
        is_loyalty = (self.kind == "loyalty") & ~self.deed.str.contains(KNOWN_LOYALTY)
        path = f"{self.each}[]." if self.each else ""
        return tuple(
            Doubt(f"{path}{field}", name, self.is_sound & condition.fill_null(value=False), self.each, "unknown_word")
            for field, condition in (("type", is_own), ("action", is_deed | is_change | is_consent | is_loyalty))
        )

    @property
    def subscription(self) -> pl.Expr:
        """Subscribed or not, where the event is about a list."""
        return subscription_state(self.action, self.data("subscribed"))

    @property
    def consent(self) -> pl.Expr:
        """Yes or no to marketing, where the event is about consent."""
        return _said_by(self.action, self.data("consent"))


EVENT_FIELDS = [
    "product_id", "page", "hostname", "title", "referrer", "campaign_id", "campaign_schedule_run_ts", "search_term", "order_id", "price",
    "quantity", "discount", "subtotal", "total", "tax", "shipping", "coupon_code", "currency", "list_id", "subscribed", "consent",
    "previous_loyalty_points_balance",
    "current_loyalty_points_balance", "loyalty_change_in_points", "previous_loyalty_tier_id", "current_loyalty_tier_id", "loyalty_tier_id",
    "loyalty_referral_code_id", "loyalty_referred_customer_email",
]  # fmt: skip
ORDER_FIELDS = [
    "order_id", "total", "subtotal", "discount", "tax", "shipping", "coupon_code", "currency", "status", "bill_address", "ship_address",
    "email", "phone", "name", "first_name", "last_name",
]  # fmt: skip
ITEM = {
    "product_id": TEXT,
    "sku": TEXT,
    "name": TEXT,
    "price": NUMBER,
    "quantity": NUMBER,
    "discount": NUMBER,
    "subtotal": NUMBER,
}
AMOUNTS = ("total", "subtotal", "discount", "tax", "shipping", "price", "quantity", "loyalty_change_in_points")


def _leaf(name: str) -> Any:
    return NUMBER if name in AMOUNTS else consented(SCALAR) if name in ("subscribed", "consent") else SCALAR


LINEAGE = {
    "data_source_type": KEEP,
    "data_source_details": KEEP,
    "data_source_version": KEEP,
    "data_source_instance": KEEP,
}
HEAD = {
    "type": TEXT,
    "event_type": TEXT,
    "action": TEXT,
    "ts": SCALAR,
    "timestamp": SCALAR,
    "active_event": SCALAR,
    "data_source": TEXT,
    "zaius_id": SCALAR,
    "ip": KEEP,
    "user_agent": KEEP,
} | LINEAGE
JSON_ORDER = {name: _leaf(name) for name in ORDER_FIELDS} | {"items": [ITEM], "ts": SCALAR}
# The vendor's own SDK for PHP puts everything under `data`: action, identifiers and all.
DATA = Open(
    {name: _leaf(name) for name in EVENT_FIELDS}
    | dict.fromkeys(
        ("type", "event_type", "action", "ts", "timestamp", "active_event", "data_source", *IDENTIFIERS), SCALAR
    )
    | {"identifiers": dict.fromkeys(IDENTIFIERS, SCALAR), "order": JSON_ORDER}
)
EVENT = HEAD | {"identifiers": Pairs(SCALAR, many=True), "data": DATA}
ANONYMOUS_EVENT = {name: inner for name, inner in EVENT.items() if name != "identifiers"}

LINE_AMOUNTS = ("subtotal", "discount")


def own_amount(name: str, read: Callable[[str], pl.Expr]) -> pl.Expr:
    """A field of the order that stands among the event's own; where the event is one line, subtotal and discount are
    the line's."""
    if name not in EVENT_FIELDS:
        return NONE
    return pl.when(~given(read("product_id"))).then(read(name)) if name in LINE_AMOUNTS else read(name)


def in_data(name: str) -> pl.Expr:
    """A field under `data`."""
    return at(f"data.{name}")


json_event = Told(
    type=first_given(at("type"), at("event_type"), at("data.type"), at("data.event_type")),
    action=first_given(at("action"), at("data.action")),
    stated_time=first_given(at("data.ts"), at("ts"), at("timestamp"), at("data.timestamp"), at("data.order.ts")),
    data=in_data,
    order=lambda name: first_given(at(f"data.order.{name}"), own_amount(name, in_data)),
    change=lambda name: first_given(at(f"data.order.{name}"), at(f"data.{name}")),
    active=first_given(at("active_event"), at("data.active_event")),
    origin=first_given(at("data_source"), at("data.data_source")),
    properties=raw("data"),
    line_key=pl.when(~given(at("data.order.order_id"))).then(at("data.product_id")),
)

FLAT_EVENT_DATA = (
    EVENT_FIELDS + [f"order.{name}" for name in ORDER_FIELDS] + ["product.product_id", "product.name", "product.sku"]
)
FLAT_EVENT_HEAD = {name: leaf for name, leaf in HEAD.items() if name != "zaius_id"}
# In an event `name` may be anything's.
FLAT_EVENT = (
    FLAT_EVENT_HEAD
    | {name: leaf for name, leaf in FLAT_PERSON.items() if name != "name"}
    | {name: consented(SCALAR) if name in ("subscribed", "consent") else SCALAR for name in FLAT_EVENT_DATA}
)


def as_json(names: list[str]) -> pl.Expr:
    """The given ones of a flat record's columns as a JSON object."""
    known = pl.struct(at(name).alias(name) for name in names).struct.json_encode()
    return known.str.replace_all(r'"[a-z_.]+":null,?', "").str.replace(r",\}$", "}")


def one_object(*objects: pl.Expr) -> pl.Expr:
    """All fields of several JSON objects as one."""
    fields = [clean(found.str.strip_chars().str.strip_prefix("{").str.strip_suffix("}")) for found in objects]
    return pl.concat_str(pl.lit("{"), pl.concat_str(fields, separator=",", ignore_nulls=True), pl.lit("}"))


def flat_properties(names: list[str], *objects: pl.Expr) -> pl.Expr:
    """The event's fields as JSON, those of no column included, so that events that differ in them stay two."""
    return one_object(*objects, as_json(names), pl.col("extra"))


flat_event = Told(
    type=cell("event_type", "type"),
    action=cell("action"),
    stated_time=cell("ts", "timestamp"),
    data=lambda name: cell(name),
    order=lambda name: first_given(cell(f"order.{name}"), own_amount(name, cell)),
    change=lambda name: cell(name),
    active=cell("active_event"),
    origin=cell("data_source"),
    properties=flat_properties(FLAT_EVENT_DATA),
    line_key=cell("product_id"),
)

# The order stands beside the event's other fields, with or without `data` and `identifiers`.
NESTED_ORDER = (
    EVENT
    | {name: leaf for name, leaf in FLAT_EVENT.items() if not name.startswith("order.")}
    | {"order": Open(JSON_ORDER)}
)


def nested_data(name: str) -> pl.Expr:
    """A field of the event, wherever it stands."""
    return first_given(at(f"data.{name}"), at(name))


def nested_order(name: str) -> pl.Expr:
    """A field of the order, wherever it stands."""
    return first_given(at(f"order.{name}"), at(f"data.order.{name}"), own_amount(name, nested_data))


nested_type = first_given(at("type"), at("event_type"), at("data.type"), at("data.event_type"))
nested_action = first_given(at("action"), at("data.action"))
# Without a type it is an order's, and without an action too a purchase.
is_bare_order = ~given(nested_type) & given(nested_order("order_id"))
nested_event = Told(
    type=pl.when(is_bare_order).then(pl.lit("order")).otherwise(nested_type),
    action=pl.when(is_bare_order & ~given(nested_action)).then(pl.lit("purchase")).otherwise(nested_action),
    stated_time=first_given(
        at("data.ts"), at("ts"), at("timestamp"), at("data.timestamp"), at("order.ts"), at("data.order.ts")
    ),
    data=nested_data,
    order=nested_order,
    change=lambda name: first_given(at(f"order.{name}"), at(f"data.order.{name}"), nested_data(name)),
    active=first_given(at("active_event"), at("data.active_event")),
    origin=first_given(at("data_source"), at("data.data_source")),
    properties=flat_properties(
        [*EVENT_FIELDS, "product.product_id", "product.name", "product.sku"],
        raw("data"),
        pl.concat_str(pl.lit('{"order":'), raw("order"), pl.lit("}")),
    ),
)

PROFILE_EVENT = {"type": TEXT, "event_type": TEXT, "action": TEXT, "timestamp": SCALAR, "ts": SCALAR, "data": JSON}


def told_in_json(*paths: str) -> pl.Expr:
    """First given of several places in the data of a profile's event."""
    return first_given(*(item_raw("data").str.json_path_match(f"$.{path}") for path in paths))


profile_event_time = first_given(item("timestamp"), item("ts"), told_in_json("ts", "timestamp"))
profile_event_amount = first_given(told_in_json("order.total", "total"), told_in_json("order.subtotal", "subtotal"))
profile_event = Told(
    type=first_given(item("type"), item("event_type")),
    action=first_given(item("action"), told_in_json("action")),
    stated_time=profile_event_time,
    data=lambda name: told_in_json(name),
    order=lambda name: told_in_json(f"order.{name}", *([name] if name in EVENT_FIELDS else [])),
    change=lambda name: told_in_json(f"order.{name}", name),
    active=told_in_json("active_event"),
    origin=told_in_json("data_source"),
    properties=item_raw("data"),
    is_sound=given(first_given(item("type"), item("event_type")))
    & (~given(profile_event_time) | is_no_time(profile_event_time) | as_time(profile_event_time).is_not_null()),
    is_amount_sound=~given(profile_event_amount) | money(profile_event_amount).is_not_null(),
    person=pl.col("owner"),
    line_key=pl.when(~given(told_in_json("order.order_id"))).then(told_in_json("product_id")),
    each="events",
)


def event_rows(told: Told) -> tuple[Rows, ...]:
    """What an event says, in all tables but the order's lines."""
    by_type = {
        position: lookup(told.kind, {name: words[position] for name, words in EVENT_TYPES.items()}, default)
        for position, default in enumerate(("custom", "true"))
    }
    is_listed = told.is_sound & (told.kind == "list").fill_null(value=False) & given(told.data("list_id"))
    return (
        rows(
            "events",
            each=told.each,
            where=told.is_sound,
            event_type=told.word(0, told.kind),
            event_action=told.word(1, pl.coalesce(told.deed, pl.when(told.kind == "pageview").then(pl.lit("view")))),
            event_name_raw=pl.concat_str(told.type, told.action, separator="/", ignore_nulls=True).replace("", None),
            engagement_class=told.word(2, by_type[0]),
            is_active=first_given(told.active, told.word(3, by_type[1])),
            occurred_at=moment(told.stated_time),
            source_order_id=told.order("order_id"),
            order_match_key=told.order("order_id"),
            product_id=told.data("product_id"),
            campaign_id=told.data("campaign_id"),
            origin=told.origin,
            properties=told.properties,
        ),
        rows(
            "orders",
            each=told.each,
            where=told.is_sound & told.is_amount_sound & told.is_order("purchase") & given(told.order("order_id")),
            **order_columns(told.order),
            ordered_at=moment(told.stated_time),
            source_updated_at=moment(told.stated_time, else_export_date=False),
            status_raw=first_given(told.order("status"), told.action),
            status=word(told.order("status"), ORDER_STATUS, otherwise="paid"),
            is_guest=Typed(told.is_guest),
            is_from_event=Typed(pl.lit(value=True)),
        ),
        adjustment_rows(told),
        *membership_rows(
            list_id=told.data("list_id"),
            state=told.subscription,
            since=told.stated_time,
            each=told.each,
            where=is_listed,
        ),
        consent_told(told),
        rows(
            "loyalty_transactions",
            each=told.each,
            where=told.is_sound
            & (told.kind == "loyalty").fill_null(value=False)
            & lookup(told.deed, LOYALTY).is_not_null(),
            transaction_id=content_id(
                told.person, told.deed, told.at_time, loyalty_delta(told), told.data("current_loyalty_tier_id")
            ),
            type=lookup(told.deed, LOYALTY),
            type_raw=told.action,
            points_delta=loyalty_delta(told),
            source_order_id=told.order("order_id"),
            occurred_at=moment(told.stated_time),
            is_sign_normalised=Typed((told.deed == "points_removed") & given(told.data("loyalty_change_in_points"))),
        ),
        rows(
            "referrals",
            each=told.each,
            where=told.is_sound
            & (told.kind == "loyalty").fill_null(value=False)
            & (told.deed == "referral_completed").fill_null(value=False),
            campaign_id=told.data("loyalty_referral_code_id"),
            referrer_profile_id=told.person,
            referred_profile_id=pl.concat_str(
                pl.lit("email:"), email_address(told.data("loyalty_referred_customer_email"))
            ),
            related_object_id=told.data("loyalty_referral_code_id"),
            related_object_type=pl.when(given(told.data("loyalty_referral_code_id"))).then(pl.lit("referral_code")),
            referred_at=moment(told.stated_time),
        ),
    )


def consent_told(told: Told) -> Rows:
    """Consent that an event tells: a no is one to all channels, as ODP sends on none then; a yes is of the address.

    To unsubscribe from no list in particular is such a no.
    """
    is_no_list = (told.kind == "list") & ~given(told.data("list_id")) & (told.subscription == "unsubscribed")
    status = pl.when(is_no_list).then(pl.lit("opt_out")).when(told.kind == "consent").then(told.consent)
    return rows(
        "customer_consents",
        each=told.each,
        where=told.is_sound & status.is_not_null(),
        channel=pl.when(status == "opt_out").then(pl.lit("all")).otherwise(pl.lit("email")),
        purpose=pl.lit("marketing"),
        status=status,
        status_raw=first_given(told.action, told.data("consent")),
        effective_at=moment(told.stated_time),
        consent_source=pl.lit("event"),
    )


def content_id(*parts: pl.Expr) -> pl.Expr:
    """Id of a row that its vendor gives none, such that the same told again has the same."""
    return pl.concat_str([pl.lit("content:"), *(part.fill_null("") for part in parts)], separator="|")


def loyalty_delta(told: Told) -> pl.Expr:
    """Points the event added, or took away where its action says so, whatever sign they came with."""
    change = told.data("loyalty_change_in_points")
    bare = change.str.strip_chars().str.strip_prefix("-").str.strip_prefix("+")
    return (
        pl.when(told.deed == "points_removed")
        .then(pl.concat_str(pl.lit("-"), bare))
        .when(told.deed == "points_added")
        .then(bare)
    )


def order_columns(order: Callable[[str], pl.Expr]) -> dict[str, Value]:
    """What an order says of itself, whatever it came in."""
    return {
        "source_order_id": order("order_id"),
        "currency": order("currency"),
        "subtotal": order("subtotal"),
        "discount_total": absolute(order("discount")),
        "shipping_total": order("shipping"),
        "tax_total": order("tax"),
        "total": order("total"),
        "coupon_codes": pl.when(given(order("coupon_code"))).then(pl.concat_list(order("coupon_code"))),
    }


def adjustment_rows(told: Told) -> Rows:
    """A refund, return or cancellation: what it takes back, whatever its sign."""
    total, subtotal = told.change("total"), told.change("subtotal")
    amount = first_given(total, subtotal)
    told_id = content_id(
        order_key(told.order("order_id")), told.deed, told.at_time, money(amount).abs().cast(pl.String), told.line_key
    )
    return rows(
        "order_adjustments",
        each=told.each,
        where=told.is_sound & told.is_amount_sound & told.is_order(*TAKEN_BACK),
        source_order_id=told.order("order_id"),
        order_match_key=told.order("order_id"),
        adjustment_id=pl.when(given(told.order("order_id"))).then(told_id),
        action=told.deed,
        amount_kind=pl.lit("delta"),
        currency=told.order("currency"),
        amount=absolute(amount),
        subtotal_amount=absolute(subtotal),
        occurred_at=moment(told.stated_time),
    )


def line_rows(
    each: str | None,
    where: pl.Expr | None,
    line: Callable[[str], pl.Expr],
    order: Callable[[str], pl.Expr],
) -> Rows:
    """Lines of an order: the elements of its list, or the record itself."""
    price, quantity, discount, subtotal = (line(name) for name in ("price", "quantity", "discount", "subtotal"))
    return rows(
        "order_lines",
        each=each,
        where=where,
        source_order_id=order("order_id"),
        line_no=Typed(pl.col("position")),
        product_id=line("product_id"),
        sku=line("sku"),
        title=line("name"),
        quantity=quantity,
        unit_price=price,
        discount=absolute(line_discount(price, quantity, discount, subtotal)),
        subtotal=subtotal,
        total=line_total(price, quantity, discount, subtotal),
        currency=order("currency"),
    )


json_event_lines = (
    line_rows(
        "data.order.items",
        json_event.is_order("purchase") & given(json_event.order("order_id")),
        item,
        json_event.order,
    ),
    line_rows(
        None,
        json_event.is_order("purchase")
        & given(json_event.order("order_id"))
        & ~filled(at("data.order.items"))
        & given(at("data.product_id")),
        lambda name: at(f"data.{name}") if name in EVENT_FIELDS else NONE,
        json_event.order,
    ),
)
is_nested_purchase = nested_event.is_order("purchase") & given(nested_order("order_id"))
nested_event_lines = (
    line_rows("order.items", is_nested_purchase, item, nested_order),
    line_rows("data.order.items", is_nested_purchase & ~filled(at("order.items")), item, nested_order),
    line_rows(
        None,
        is_nested_purchase
        & ~filled(at("order.items"))
        & ~filled(at("data.order.items"))
        & given(nested_data("product_id")),
        lambda name: nested_data(name) if name in EVENT_FIELDS else at(f"product.{name}"),
        nested_order,
    ),
)
flat_event_lines = line_rows(
    None,
    flat_event.is_order("purchase") & given(flat_event.order("order_id")) & given(cell("product_id")),
    lambda name: cell(name) if name in EVENT_FIELDS else cell(f"product.{name}"),
    flat_event.order,
)

# -- lists and segments ----------------------------------------------------------------------------------------------


def membership_rows(
    *, list_id: pl.Expr, state: pl.Expr, since: pl.Expr, where: pl.Expr, each: str | None = None, name: pl.Expr = NONE
) -> tuple[Rows, Rows]:
    """A subscription to a list: membership, and consent for that list where an e-mail address carries it."""
    is_known = where & state.is_not_null()
    address = pl.col("first:email") if each is None else NONE
    return (
        rows(
            "segment_memberships",
            each=each,
            where=is_known,
            segment_id=list_id,
            segment_name=name,
            kind=pl.lit("subscription_list"),
            state=state,
            observed_at=moment(since),
            is_full_snapshot=Typed(pl.lit(value=False)),
        ),
        rows(
            "customer_consents",
            each=each,
            where=is_known & given(address) if each is None else is_known,
            id_type=pl.when(given(address)).then(pl.lit("email")),
            id_value=address,
            channel=pl.lit("email"),
            purpose=pl.concat_str(pl.lit("list:"), list_id.str.strip_chars()),
            status=lookup(state, SUBSCRIPTION_CONSENT),
            status_raw=state,
            effective_at=moment(since),
            consent_source=pl.lit("list"),
        ),
    )


def subscription_state(*stated: pl.Expr) -> pl.Expr:
    """Subscribed or not, from the words for it or a yes or no."""
    return lookup(_said_by(*stated), {"opt_in": "subscribed", "opt_out": "unsubscribed"})


def _said_by(*stated: pl.Expr) -> pl.Expr:
    """opt_in or opt_out as several fields tell it; of two that contradict each other the no counts."""
    return (
        pl.when(pl.any_horizontal(is_no(one) for one in stated))
        .then(pl.lit("opt_out"))
        .otherwise(pl.coalesce(*map(consent_said, stated)))
    )


LIST = FLAT_IDENTIFIERS | {
    "list_id": SCALAR,
    "name": TEXT,
    "action": TEXT,
    "subscribed": consented(SCALAR),
    "ts_status_updated": SCALAR,
    "ts": SCALAR,
}
has_identifier = pl.any_horizontal(given(customer_cell(name)) for name in IDENTIFIERS)
list_id = first_given(cell("list_id"), file_value())
list_state = subscription_state(cell("action"), cell("subscribed"))
is_list_definition = ~has_identifier & given(cell("name")) & ~given(cell("action", "subscribed"))
list_rows = (
    *membership_rows(
        list_id=list_id,
        state=list_state,
        since=cell("ts_status_updated", "ts"),
        where=has_identifier,
        name=cell("name"),
    ),
    rows("segments", where=is_list_definition, segment_id=list_id, name=cell("name"), kind=pl.lit("subscription_list")),
)
list_checks = (
    Check("missing_segment_id", "list_id", ~given(list_id)),
    Check("missing_identity", "email", ~has_identifier & ~is_list_definition),
    Check("missing_action", "action", has_identifier & list_state.is_null()),
)

SEGMENT = FLAT_IDENTIFIERS | {
    "segment_id": SCALAR,
    "segment": SCALAR,
    "name": TEXT,
    "description": KEEP,
    "valid_time": SCALAR,
    "qualifications": JSON,
}
SEGMENT_PREFIX = r"^(?:rts|classic):"
stated_segment = first_given(cell("segment_id", "segment"), file_value()).str.strip_chars()
segment_kind = (
    pl.when(stated_segment.str.starts_with("classic:"))
    .then(pl.lit("classic_segment"))
    .otherwise(pl.lit("realtime_segment"))
)
is_segment_definition = ~has_identifier & given(cell("name"))
segment_rows = (
    rows(
        "segment_memberships",
        where=has_identifier,
        segment_id=stated_segment.str.replace(SEGMENT_PREFIX, ""),
        segment_name=cell("name"),
        kind=segment_kind,
        state=pl.lit("member"),
        observed_at=moment(cell("valid_time")),
        valid_from=moment(cell("valid_time"), else_export_date=False),
        qualifications=raw("qualifications"),
        is_full_snapshot=Typed(pl.lit(value=False)),
    ),
    rows(
        "segments",
        where=is_segment_definition,
        segment_id=stated_segment.str.replace(SEGMENT_PREFIX, ""),
        name=cell("name"),
        kind=segment_kind,
    ),
)
segment_checks = (
    Check("missing_segment_id", "segment_id", ~given(stated_segment)),
    Check("missing_identity", "customer.email", ~has_identifier & ~is_segment_definition),
)

# -- consent and reachability of one identifier ----------------------------------------------------------------------

named_identifier = singular(at("identifier_field_name"))
named_type = identifier_type(named_identifier)
named_value = pl.coalesce(
    pl.when(named_type == "email").then(email_address(at("identifier_value"))),
    pl.when(named_type == "phone").then(phone_number(at("identifier_value"))),
    at("identifier_value").str.strip_chars(),
)
NAMED = {"identifier_field_name": TEXT, "identifier_value": SCALAR, "zaius_id": SCALAR}
CONSENT_RECORD = NAMED | {"consent": consented(SCALAR), "consent_update_reason": TEXT, "consent_update_ts": SCALAR}
REACHABILITY = NAMED | {
    "reachable": SCALAR,
    "reachable_update_type": TEXT,
    "reachable_update_reason": KEEP,
    "reachable_update_ts": SCALAR,
}
named_checks = (
    Check("unknown_identifier_name", "identifier_field_name", named_type.is_null() | (named_identifier == "zaius_id")),
    Check("missing_identity", "identifier_value", ~given(at("identifier_value"))),
)


def about_identifier(is_deliverable: pl.Expr | None = None, reason: pl.Expr | None = None) -> Contact:
    """The holder of the identifier a record is about."""
    is_token = named_identifier.str.ends_with("_token")

    def spec(confidence: Any, where: pl.Expr) -> Identifier:
        return Identifier(
            named_type,
            at("identifier_value"),
            "identifier_value",
            namespace=own_namespace(named_identifier),
            confidence=confidence,
            is_deliverable=is_deliverable,
            deliverability_reason=reason,
            where=where,
        )

    return Contact(
        identifiers=(spec(None, ~is_token), spec("low", is_token), Identifier("profile_id", at("zaius_id"), "zaius_id"))
    )


is_reachable = flag(at("reachable"))
consent_rows = rows(
    "customer_consents",
    id_type=named_type,
    id_value=named_value,
    channel=lookup(named_type, CONSENT_CHANNELS, "all"),
    purpose=pl.lit("marketing"),
    status=consent_word(at("consent")),
    status_raw=at("consent"),
    effective_at=moment(at("consent_update_ts")),
    reason=at("consent_update_reason"),
)
reachability_rows = rows(
    "events",
    event_type=pl.lit("reachability"),
    event_action=pl.when(is_reachable).then(pl.lit("reachable")).when(~is_reachable).then(pl.lit("unreachable")),
    event_name_raw=at("reachable_update_type"),
    engagement_class=pl.lit("none"),
    is_active=pl.lit("false"),
    occurred_at=moment(at("reachable_update_ts")),
)


def number_doubt(path: str, stated: pl.Expr) -> Doubt:
    """A number that stands for a time and can be none: the row takes the export date instead."""
    return Doubt(path, stated, is_no_time(stated))


def neither_yes_nor_no(path: str, stated: pl.Expr) -> Doubt:
    """A yes or no that is neither."""
    return Doubt(path, stated, given(stated) & flag(stated).is_null())


identifier_dialects = (
    dialect(
        "optimizely.consent",
        "consent",
        CONSENT_RECORD,
        consent_rows,
        about=about_identifier(),
        has=("identifier_field_name",),
        lacks=("reachable", "reachable_update_type", "reachable_update_ts"),
        kinds=("identifier",),
        checks=named_checks,
        doubts=(number_doubt("consent_update_ts", at("consent_update_ts")),),
    ),
    dialect(
        "optimizely.reachability",
        "reachability",
        REACHABILITY,
        reachability_rows,
        about=about_identifier(is_reachable, at("reachable_update_type")),
        has=("identifier_field_name", "reachable"),
        kinds=("identifier",),
        checks=named_checks,
        doubts=(
            number_doubt("reachable_update_ts", at("reachable_update_ts")),
            neither_yes_nor_no("reachable", at("reachable")),
        ),
    ),
)

# -- profiles --------------------------------------------------------------------------------------------------------

ATTRIBUTES = Open(dict.fromkeys([*PERSON_FIELDS, *IDENTIFIERS, *LOYALTY_FIELDS], SCALAR))
PROFILE = {
    "identifiers": Pairs(SCALAR, many=True),
    "attributes": ATTRIBUTES,
    "insights": (
        dict.fromkeys(INSIGHTS, SCALAR)
        | dict.fromkeys(OTHER_INSIGHTS, KEEP)
        | dict.fromkeys(("total_revenue", "order_count", "average_order_value", "engagement_score"), NUMBER)
    ),
    "segments": [TEXT],
    "events": [PROFILE_EVENT],
    "zaius_id": SCALAR,
}
ATTRIBUTES_ONLY = {name: inner for name, inner in PROFILE.items() if name != "identifiers"}
FLAT_CUSTOMER = (
    FLAT_PERSON
    | customer_columns(*LOYALTY_READ)
    | {
        f"{start}{name}": KEEP
        for start in ("", "customer.")
        for name in ("image_url", *LOYALTY_FIELDS)
        if name not in LOYALTY_READ
    }
    | {f"insights.{name}": SCALAR for name in INSIGHTS}
    | {f"insights.{name}": KEEP for name in OTHER_INSIGHTS}
)


def customer_rows(attribute: Callable[..., pl.Expr], attributes: pl.Expr) -> Rows:
    """The person as the profile describes them."""
    return rows("customers", **person_columns(attribute), attributes=attributes)


def stat_rows(insight: Callable[[str], pl.Expr]) -> tuple[Rows, ...]:
    """Figures ODP has computed for the person."""
    found = []
    for name, metric in INSIGHTS.items():
        value: dict[str, Value] = (
            {"value_ts": moment(insight(name), else_export_date=False)}
            if name.endswith("_date")
            else {"value_num": insight(name)}
        )
        if name in MONEY_INSIGHTS:
            value["currency"] = account_currency()
        found.append(
            rows(
                "vendor_stats",
                where=given(insight(name)),
                metric=pl.lit(metric),
                definition_id=pl.lit(f"insights.{name}"),
                **value,
            )
        )
    return tuple(found)


def loyalty_rows(attribute: Callable[..., pl.Expr]) -> tuple[Rows, Rows]:
    """Points and tier of the person; ODP has no accounts, so the profile is one."""
    points = attribute("loyalty_points_balance")
    return (
        rows(
            "loyalty_accounts",
            where=given(points) | given(attribute("loyalty_tier_id")),
            account_id=pl.concat_str(pl.col("owner"), pl.lit("|loyalty")),
            program_id=pl.lit("loyalty"),
            balance_type=pl.lit("points"),
            balance=points,
            tier_id=attribute("loyalty_tier_id"),
        ),
        rows(
            "vendor_stats",
            where=given(points),
            metric=pl.lit("loyalty_points"),
            value_num=points,
            definition_id=pl.lit("loyalty_points_balance"),
        ),
    )


segment_names = (
    rows(
        "segment_memberships",
        each="segments",
        where=given(item()),
        segment_id=item().str.strip_chars().str.replace(SEGMENT_PREFIX, ""),
        kind=pl.when(item().str.strip_chars().str.starts_with("classic:"))
        .then(pl.lit("classic_segment"))
        .otherwise(pl.lit("realtime_segment")),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    rows(
        "segment_memberships",
        where=at("segments").is_not_null() & ~filled(at("segments")),
        kind=pl.lit("realtime_segment"),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
)


def attribute(*names: str) -> pl.Expr:
    """A field under `attributes`."""
    return first_given(*(at(f"attributes.{name}") for name in names))


def profile_rows(customer_id: pl.Expr) -> tuple[Rows, ...]:
    """Everything a profile tells, by the customer id it is known by."""
    return (
        customer_rows(attribute, raw("attributes")),
        *stat_rows(lambda name: at(f"insights.{name}")),
        *loyalty_rows(attribute),
        *segment_names,
        *event_rows(replace(profile_event, is_guest=identifier(customer_id, "customer_id").is_null())),
    )


flat_rows = (
    customer_rows(customer_cell, NONE),
    *stat_rows(lambda name: cell(f"insights.{name}")),
    *loyalty_rows(customer_cell),
)
attribute_identifiers = tuple(
    Identifier(kind, at(f"attributes.{name}"), f"attributes.{name}", region=at("attributes.country"))
    for name, kind in IDENTIFIERS.items()
)
first_custom = (
    pl.col(pairs("identifiers"))
    .list.eval(
        pl.concat_str(
            pl.element().struct.field("key"), pl.lit(":"), pl.element().struct.field("value").str.strip_chars()
        ).filter(
            (identifier_type(singular(pl.element().struct.field("key"))) == "custom")
            & given(pl.element().struct.field("value"))
        )
    )
    .list.first()
)
profile_customer_id = first_given(paired_value("customer_id"), at("attributes.customer_id"))
seed_profile = Profile(
    record_id=record_id(
        customer_id=profile_customer_id,
        vuid=first_given(paired_value("vuid"), at("attributes.vuid")),
        address=first_given(paired_value("email"), paired_value("emails"), at("attributes.email")),
        zaius_id=first_given(paired_value("zaius_id"), at("zaius_id"), at("attributes.zaius_id")),
        number=first_given(paired_value("phone"), at("attributes.phone")),
        country=at("attributes.country"),
        custom=first_custom,
    ),
    identifiers=(
        *paired(pairs("identifiers"), at("attributes.country")),
        *attribute_identifiers,
        Identifier("profile_id", at("zaius_id"), "zaius_id"),
    ),
)
attributes_profile = Profile(
    record_id=record_id(
        customer_id=at("attributes.customer_id"),
        vuid=at("attributes.vuid"),
        address=at("attributes.email"),
        zaius_id=first_given(at("zaius_id"), at("attributes.zaius_id")),
        number=at("attributes.phone"),
        country=at("attributes.country"),
        custom=NONE,
    ),
    identifiers=(*attribute_identifiers, Identifier("profile_id", at("zaius_id"), "zaius_id")),
)
flat_profile = Profile(
    record_id=record_id(
        customer_id=customer_cell("customer_id"),
        vuid=customer_cell("vuid"),
        address=customer_cell("email"),
        zaius_id=customer_cell("zaius_id"),
        number=customer_cell("phone"),
        country=customer_cell("country"),
        custom=NONE,
    ),
    identifiers=flat_identifiers(),
)
event_doubts = (
    Doubt(
        "events[]",
        first_given(profile_event_time, item("action"), pl.lit("{}")),
        ~profile_event.is_sound,
        each="events",
    ),
    Doubt(
        "events[].data",
        profile_event_amount,
        ~profile_event.is_amount_sound & profile_event.is_order(*ORDER_ACTIONS),
        each="events",
    ),
    Doubt("events[].timestamp", profile_event_time, is_no_time(profile_event_time), each="events"),
)
profile_dialects = (
    dialect(
        "optimizely.profile",
        "profile",
        PROFILE,
        *profile_rows(profile_customer_id),
        about=seed_profile,
        has=("identifiers",),
        lacks=("type",),
        doubts=(odd_names(), *event_doubts),
    ),
    dialect(
        "optimizely.attributes",
        "profile",
        ATTRIBUTES_ONLY,
        *profile_rows(at("attributes.customer_id")),
        about=attributes_profile,
        has=("attributes",),
        lacks=("identifiers",),
        doubts=event_doubts,
    ),
    dialect(
        "optimizely.customers",
        "customer",
        FLAT_CUSTOMER,
        *flat_rows,
        about=flat_profile,
        lacks=("identifiers", "attributes", "identifier_field_name"),
    ),
    *identifier_dialects,
)

# -- who events and orders are about ---------------------------------------------------------------------------------

DEVICE = r"^vuids?$|_tokens?$"
names_somebody = pl.col(pairs("identifiers")).list.eval(
    given(pl.element().struct.field("value"))
    & ~pl.element().struct.field("key").str.strip_chars().str.to_lowercase().str.contains(DEVICE)
)


def own_identifiers(*starts: str) -> tuple[Identifier, ...]:
    """Identifiers that stand among the other fields of an event."""
    return tuple(
        Identifier(kind, at(f"{start}{name}"), f"{start}{name}")
        for start in starts
        for name, kind in IDENTIFIERS.items()
    )


def is_same_buyer(of_order: pl.Expr, of_customer: pl.Expr) -> pl.Expr:
    """The order names no other buyer than the customer it is told of."""
    return ~given(of_order) | (email_address(of_order) == email_address(of_customer)).fill_null(value=False)


# In an event `name` may be anything's.
customer_name = {
    "first_name": customer_cell("first_name"),
    "last_name": customer_cell("last_name"),
    "full_name": cell("customer.name"),
}


def json_contact(order: Callable[[str], pl.Expr], path: str, *, has_pairs: bool, is_flat: bool = False) -> Contact:
    """Who an event in JSON is about: all that stands under `identifiers`, in `data` or beside it, else the buyer whom
    its order names.

    The buyer may be another than the visitor: that is told apart. A device alone is nobody.
    """
    starts = ("data.", "data.identifiers.")
    beside = own_identifiers(*starts) + (
        flat_identifiers() if is_flat else (Identifier("profile_id", at("zaius_id"), "zaius_id"),)
    )
    values = {
        name: [*(at(f"{start}{name}") for start in starts), *([customer_cell(name)] if is_flat else [])]
        for name in IDENTIFIERS
    }
    named = [at("zaius_id"), *(value for name, found in values.items() if name != "vuid" for value in found)]
    is_somebody = pl.any_horizontal(
        *map(given, named), *([names_somebody.list.any().fill_null(value=False)] if has_pairs else [])
    )

    def own(name: str) -> pl.Expr:
        return first_given(*([paired_value(name)] if has_pairs else []), *values[name])

    is_buyer = ~is_somebody | is_same_buyer(order("email"), own("email"))
    buyer = {"first_name": order("first_name"), "last_name": order("last_name"), "full_name": order("name")}
    names = {column: pl.when(is_buyer).then(value) for column, value in buyer.items()}
    return Contact(
        identifiers=(
            *(paired(pairs("identifiers"), NONE) if has_pairs else ()),
            *beside,
            Identifier("email", order("email"), f"{path}.email", where=~is_somebody),
            Identifier("phone", order("phone"), f"{path}.phone", where=~is_somebody),
        ),
        profile_id=identifier(own("customer_id"), "customer_id"),
        attributes=flat_person | one_name(customer_name, names) if is_flat else dict(names),
    )


flat_buyer = (
    Identifier("email", cell("order.email"), "order.email", where=~has_identifier),
    Identifier("phone", cell("order.phone"), "order.phone", where=~has_identifier),
)
flat_contact = Contact(
    identifiers=(*flat_identifiers(), *flat_buyer),
    profile_id=identifier(customer_cell("customer_id"), "customer_id"),
    attributes=flat_person | customer_name,
)


# As `EVENT`, but with the event's fields beside its identifiers.
IDENTIFIED_EVENT = FLAT_EVENT | {"identifiers": Pairs(SCALAR, many=True)}
has_named = has_identifier | names_somebody.list.any().fill_null(value=False)
identified_contact = Contact(
    identifiers=(
        *paired(pairs("identifiers"), NONE),
        *flat_identifiers(),
        *(replace(found, where=~has_named) for found in flat_buyer),
    ),
    profile_id=identifier(first_given(paired_value("customer_id"), customer_cell("customer_id")), "customer_id"),
    attributes=flat_person | customer_name,
)


def event_dialects(*, lacks: tuple[str, ...] = (), flat_has: tuple[str, ...] = ()) -> tuple[Dialect, ...]:
    """Events in each of their forms."""
    json_doubts = (number_doubt("ts", json_event.stated_time), *json_event.unknown_words())
    return (
        dialect(
            "optimizely.event",
            "event",
            EVENT,
            *event_rows(json_event),
            *json_event_lines,
            about=json_contact(lambda name: at(f"data.order.{name}"), "data.order", has_pairs=True),
            has=("identifiers", "data"),
            doubts=(*json_doubts, odd_names()),
            duplicates_of="events",
            kinds=("event",),
        ),
        dialect(
            "optimizely.anonymous_event",
            "event",
            ANONYMOUS_EVENT,
            *event_rows(json_event),
            *json_event_lines,
            about=json_contact(lambda name: at(f"data.order.{name}"), "data.order", has_pairs=False),
            has=("data",),
            lacks=("identifiers",),
            doubts=json_doubts,
            duplicates_of="events",
            kinds=("event",),
        ),
        dialect(
            "optimizely.nested_order",
            "event",
            NESTED_ORDER,
            *event_rows(nested_event),
            *nested_event_lines,
            about=json_contact(nested_order, "order", has_pairs=True, is_flat=True),
            has=("order",),
            doubts=(number_doubt("ts", nested_event.stated_time), *nested_event.unknown_words(), odd_names()),
            duplicates_of="events",
            kinds=("event",),
        ),
        dialect(
            "optimizely.identified_event",
            "event",
            IDENTIFIED_EVENT,
            *event_rows(flat_event),
            flat_event_lines,
            about=identified_contact,
            has=("identifiers",),
            lacks=("data",),
            doubts=(number_doubt("ts", flat_event.stated_time), *flat_event.unknown_words(), odd_names()),
            duplicates_of="events",
            kinds=("event",),
        ),
        dialect(
            "optimizely.events",
            "event",
            FLAT_EVENT,
            *event_rows(flat_event),
            flat_event_lines,
            about=flat_contact,
            has=flat_has,
            lacks=("identifiers", "data", *lacks),
            doubts=(number_doubt("ts", flat_event.stated_time), *flat_event.unknown_words()),
            duplicates_of="events",
            kinds=("event",),
        ),
    )


# -- orders ----------------------------------------------------------------------------------------------------------

ORDER_ITEM = [
    "item_product_id", "item_sku", "item_name", "item_price", "item_quantity", "item_discount", "item_subtotal",
]  # fmt: skip
FLAT_ORDER = (
    FLAT_PERSON
    | dict.fromkeys(
        [
            *ORDER_FIELDS,
            *(f"order.{name}" for name in ORDER_FIELDS),
            *ORDER_ITEM,
            "action",
            "ts",
            "timestamp",
            "order.ts",
        ],
        SCALAR,
    )
    | {f"{start}{name}": KEEP for start in ("", "order.") for name in ("bill_address", "ship_address")}
    | {"data_source": KEEP}
    | LINEAGE
)
# Beside a list of items the columns of one item have nothing to say.
LISTED_ORDER = FLAT_ORDER | {"items": [ITEM]} | dict.fromkeys(ORDER_ITEM, KEEP)


BUYER = ["order.email", "order.phone", "order.name", "order.first_name", "order.last_name"]


def order_cell(name: str) -> pl.Expr:
    """A field of the order in a flat record."""
    return cell(name, f"order.{name}")


flat_order = Told(
    type=pl.lit("order"),
    action=cell("action"),
    stated_time=cell("ts", "timestamp", "order.ts"),
    data=lambda name: NONE,
    order=order_cell,
    change=order_cell,
    active=NONE,
    origin=NONE,
    properties=NONE,
)
is_order = ~given(cell("action")) | flat_order.is_order("purchase")
order_rows = (
    rows(
        "orders",
        where=is_order,
        **order_columns(order_cell),
        ordered_at=moment(flat_order.stated_time),
        status_raw=cell("status", "order.status", "action"),
        status=word(order_cell("status"), ORDER_STATUS, otherwise="paid"),
        is_status_inferred=Typed(~given(order_cell("status"))),
        is_from_event=Typed(pl.lit(value=False)),
        attributes=as_json(BUYER).replace("{}", None),
    ),
    adjustment_rows(flat_order),
)
order_checks = (
    Check("missing_order_id", "order_id", ~given(order_cell("order_id"))),
    Check("missing_action", "action", given(cell("action")) & ~flat_order.deed.is_in(ORDER_ACTIONS)),
)
order_contact = Contact(
    identifiers=(*flat_identifiers(), *flat_buyer),
    profile_id=identifier(customer_cell("customer_id"), "customer_id"),
    attributes=flat_person
    | one_name(
        {
            "first_name": customer_cell("first_name"),
            "last_name": customer_cell("last_name"),
            "full_name": customer_cell("name"),
        },
        {
            column: (
                pl.when(~has_identifier | is_same_buyer(cell("order.email"), customer_cell("email"))).then(
                    cell(f"order.{name}")
                )
            )
            for column, name in (("first_name", "first_name"), ("last_name", "last_name"), ("full_name", "name"))
        },
    ),
)


def order_dialects() -> tuple[Dialect, ...]:
    """Orders with a list of items, and one row per item. What was taken back by item stands beside the refund, in a
    record that is no order."""
    shared = {"about": order_contact, "checks": order_checks, "doubts": (number_doubt("ts", flat_order.stated_time),)}
    item_line = line_rows(
        None,
        given(cell("item_product_id")) | given(cell("item_sku")) | given(cell("item_name")),
        lambda name: cell(f"item_{name}"),
        order_cell,
    )
    return (
        dialect(
            "optimizely.order",
            "order",
            LISTED_ORDER,
            *order_rows,
            line_rows("items", None, item, order_cell),
            has=("items",),
            lacks=("identifiers", "data", "event_type"),
            duplicates_of="orders",
            **shared,
        ),
        dialect(
            "optimizely.orders",
            "order",
            FLAT_ORDER,
            *order_rows,
            item_line,
            lacks=("identifiers", "data", "event_type", "items"),
            duplicates_of="orders",
            **shared,
        ),
    )


# -- streams ---------------------------------------------------------------------------------------------------------

RECORD_KINDS = Kinds(
    signs=(
        sign("identifier_field_name", kind="identifier"),
        sign("event_type", kind="event"),
        sign("identifiers", "type", kind="event"),
    )
)

CUSTOMER_FILE = CsvForm(names=tuple(FLAT_CUSTOMER))

VENDOR = vendor(
    "optimizely",
    "Optimizely Data Platform",
    stream(
        "profiles",
        "Profiles with identifiers, attributes, insights, segments and recent events.",
        *profile_dialects,
        csv=CUSTOMER_FILE,
    ),
    stream(
        "customers",
        "Customers as the import and the export of customers write them.",
        *profile_dialects,
        csv=CUSTOMER_FILE,
    ),
    stream(
        "events",
        "What customers did and what was done to them, one event at a time.",
        *event_dialects(lacks=("identifier_field_name",)),
        *identifier_dialects,
    ),
    stream(
        "orders",
        "Orders: order events, order objects, and one row per item.",
        *event_dialects(flat_has=("event_type",)),
        *order_dialects(),
    ),
    stream(
        "lists",
        "Lists and who subscribed to them; the list's id may stand in the file name only.",
        dialect(
            "optimizely.list",
            "list",
            LIST,
            *list_rows,
            about=Contact(identifiers=flat_identifiers()),
            lacks=("identifiers", "data", "identifier_field_name"),
            checks=list_checks,
        ),
        *event_dialects(flat_has=("event_type",))[:3],
        *identifier_dialects,
        envelopes=("subscriptions", "members"),
        csv=CsvForm(default=(("action", "subscribed"), "subscribe")),
        file_value=r"zaius_list_([^/]+?)\.(?:csv|tsv|ndjson|jsonl|json|parquet)(?:\.gz|\.zst)?$",
    ),
    stream(
        "segments",
        "Members of a segment, whose name stands in the file name, and segments as such.",
        dialect(
            "optimizely.segment",
            "segment",
            SEGMENT,
            *segment_rows,
            about=Contact(identifiers=flat_identifiers()),
            checks=segment_checks,
        ),
        envelopes=("audiences", "members"),
        file_value=r"([^/]+?)_[0-9]+_[0-9]+_[0-9]+\.",
    ),
    stream("consents", "Consent, one identifier at a time.", *identifier_dialects),
    stream("reachability", "Whether messages reach an identifier.", *identifier_dialects),
    money=(
        "Major units everywhere. ODP has no field for the currency: one that is delivered as `currency` counts, else it"
        " is the account's. Refunds, returns and cancellations count without sign."
    ),
    kinds=RECORD_KINDS,
)
