"""Where each shape of an ODP event keeps its fields: JSON, flat columns, nested data, events inside profiles."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
    item_raw,
    lookup,
    raw,
    shared,
)
from orchestration.mapping.record_schema import EXTRA, FLAG, JSON, NUMBER, SCALAR, TEXT, Open, Pairs
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import IssueRule, unheard_refusal
from orchestration.mapping.values import Time, Value, time
from orchestration.mapping.words import translated
from orchestration.parsing.numbers import money
from orchestration.parsing.text import clean
from orchestration.parsing.times import time as read_time
from orchestration.vendors.optimizely.people import FLAT_PERSON, cell
from orchestration.vendors.optimizely.words import (
    DEEDS,
    EVENT_TYPES,
    EVENTS,
    IDENTIFIERS,
    KINDS,
    KNOWN_LOYALTY,
    MESSAGES,
    NONE,
    ORDER_ACTIONS,
    TIME_FORMATS,
    said_by,
    subscription_state,
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
class EventFields:
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
    """What distinguishes two changes of one moment: the product, where each line is an event."""
    each: str | None = None

    @cached_property
    def kind(self) -> pl.Expr:
        """The event's type as ODP names it; one of the account's own as it stands."""
        return shared(
            pl.coalesce(translated(self.type, KINDS), self.type.str.strip_chars().str.to_lowercase().replace("", None))
        )

    @cached_property
    def deed(self) -> pl.Expr:
        """The event's action; what befell an order in one spelling."""
        bare = self.action.str.strip_chars().str.to_lowercase().replace("", None)
        of_order = pl.coalesce(translated(self.action, DEEDS), bare)
        return shared(pl.when(self.kind == "order").then(of_order).otherwise(bare))

    @property
    def at_time(self) -> pl.Expr:
        """The time to the second as text, for ids."""
        stated = pl.when(~is_no_time(self.stated_time)).then(self.stated_time)
        return as_time(stated).dt.strftime("%Y-%m-%dT%H:%M:%S")

    def word(self, position: int, default: pl.Expr) -> pl.Expr:
        """One of the words for type and action in ours."""
        return lookup(self._kind_and_deed, {name: words[position] for name, words in EVENTS.items()}, default)

    @cached_property
    def _kind_and_deed(self) -> pl.Expr:
        return shared(pl.concat_str(self.kind, pl.lit("/"), self.deed))

    def is_order(self, *actions: str) -> pl.Expr:
        return ((self.kind == "order") & self.deed.is_in(actions)).fill_null(value=False)

    def unknown_words(self) -> tuple[IssueRule, ...]:
        """Types and actions that no table knows, where an order, a subscription or points hang on them; an account may
        have events of its own."""
        name = pl.concat_str(self.type, self.action, separator="/", ignore_nulls=True)
        is_own = ~self.kind.is_in(list(EVENT_TYPES)) & given(self.order("order_id"))
        is_deed = (self.kind == "order") & ~self.deed.is_in(ORDER_ACTIONS).fill_null(value=False)
        is_change = (
            (self.kind == "list") & given(self.data("list_id")) & self.subscription.is_null() & given(self.action)
        )
        is_consent = (self.kind == "consent") & self.consent.is_null()
        is_loyalty = (self.kind == "loyalty") & ~self.deed.str.contains(KNOWN_LOYALTY)
        path = f"{self.each}[]." if self.each else ""
        is_read = self.kind.is_in([*MESSAGES, "list", "consent"])
        return (
            *(
                IssueRule(
                    f"{path}{field}", name, self.is_sound & condition.fill_null(value=False), self.each, "unknown_word"
                )
                for field, condition in (("type", is_own), ("action", is_deed | is_change | is_consent | is_loyalty))
            ),
            unheard_refusal(f"{path}action", name, self.each, unless=is_read),
        )

    @cached_property
    def subscription(self) -> pl.Expr:
        """Subscribed or not, where the event is about a list."""
        return shared(subscription_state(self.action, self.data("subscribed")))

    @cached_property
    def consent(self) -> pl.Expr:
        """Yes or no to marketing, where the event is about consent."""
        return shared(said_by(self.action, self.data("consent")))


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
    "data_source_type": EXTRA,
    "data_source_details": EXTRA,
    "data_source_version": EXTRA,
    "data_source_instance": EXTRA,
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
    "ip": EXTRA,
    "user_agent": EXTRA,
} | LINEAGE
JSON_ORDER = {name: _leaf(name) for name in ORDER_FIELDS} | {"items": [ITEM], "ts": SCALAR}
# A document has numbers and flags of its own, and one that came as text is logged; all cells of a table are text.
JSON_HEAD = {"ts": NUMBER, "active_event": FLAG}
# The vendor's own SDK for PHP puts everything under `data`: action, identifiers and all.
DATA = Open(
    {name: _leaf(name) for name in EVENT_FIELDS}
    | dict.fromkeys(("type", "event_type", "action", "timestamp", "data_source", *IDENTIFIERS), SCALAR)
    | JSON_HEAD
    | {"identifiers": dict.fromkeys(IDENTIFIERS, SCALAR), "order": JSON_ORDER}
)
EVENT = HEAD | JSON_HEAD | {"identifiers": Pairs(SCALAR, many=True), "data": DATA}
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


json_event = EventFields(
    type=shared(first_given(at("type"), at("event_type"), at("data.type"), at("data.event_type"))),
    action=shared(first_given(at("action"), at("data.action"))),
    stated_time=shared(
        first_given(at("data.ts"), at("ts"), at("timestamp"), at("data.timestamp"), at("data.order.ts"))
    ),
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


def flat_field(name: str) -> pl.Expr:
    """A field of a flat event; an export may name the product by its path."""
    return cell("product_id", "product.product_id") if name == "product_id" else cell(name)


flat_event = EventFields(
    type=cell("event_type", "type"),
    action=cell("action"),
    stated_time=cell("ts", "timestamp"),
    data=flat_field,
    order=lambda name: first_given(cell(f"order.{name}"), own_amount(name, flat_field)),
    change=lambda name: cell(name),
    active=cell("active_event"),
    origin=cell("data_source"),
    properties=flat_properties(FLAT_EVENT_DATA),
    line_key=flat_field("product_id"),
)

# The order stands beside the event's other fields, with or without `data` and `identifiers`.
NESTED_ORDER = (
    EVENT
    | {name: leaf for name, leaf in FLAT_EVENT.items() if not name.startswith("order.")}
    | {"order": Open(JSON_ORDER)}
)


@cache
def nested_data(name: str) -> pl.Expr:
    """A field of the event, wherever it stands."""
    named_by_path = (at("product.product_id"),) if name == "product_id" else ()
    return shared(first_given(at(f"data.{name}"), at(name), *named_by_path))


@cache
def nested_order(name: str) -> pl.Expr:
    """A field of the order, wherever it stands."""
    return shared(first_given(at(f"order.{name}"), at(f"data.order.{name}"), own_amount(name, nested_data)))


nested_type, nested_action = json_event.type, json_event.action
# Without a type it is an order's, and without an action too a purchase.
is_bare_order = shared(~given(nested_type) & given(nested_order("order_id")))
nested_event = EventFields(
    type=shared(pl.when(is_bare_order).then(pl.lit("order")).otherwise(nested_type)),
    action=shared(pl.when(is_bare_order & ~given(nested_action)).then(pl.lit("purchase")).otherwise(nested_action)),
    stated_time=shared(
        first_given(at("data.ts"), at("ts"), at("timestamp"), at("data.timestamp"), at("order.ts"), at("data.order.ts"))
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


@cache
def reported_in_json(*paths: str) -> pl.Expr:
    """First given of several places in the data of a profile's event."""
    return shared(first_given(*(item_raw("data").str.json_path_match(f"$.{path}") for path in paths)))


profile_event_type = shared(first_given(item("type"), item("event_type")))
profile_event_time = shared(first_given(item("timestamp"), item("ts"), reported_in_json("ts", "timestamp")))
profile_event_amount = first_given(
    reported_in_json("order.total", "total"), reported_in_json("order.subtotal", "subtotal")
)
profile_event = EventFields(
    type=profile_event_type,
    action=shared(first_given(item("action"), reported_in_json("action"))),
    stated_time=profile_event_time,
    data=lambda name: reported_in_json(name),
    order=lambda name: reported_in_json(f"order.{name}", *([name] if name in EVENT_FIELDS else [])),
    change=lambda name: reported_in_json(f"order.{name}", name),
    active=reported_in_json("active_event"),
    origin=reported_in_json("data_source"),
    properties=item_raw("data"),
    is_sound=shared(
        given(profile_event_type)
        & (~given(profile_event_time) | is_no_time(profile_event_time) | as_time(profile_event_time).is_not_null())
    ),
    is_amount_sound=shared(~given(profile_event_amount) | money(profile_event_amount).is_not_null()),
    person=pl.col("owner"),
    line_key=pl.when(~given(reported_in_json("order.order_id"))).then(reported_in_json("product_id")),
    each="events",
)
