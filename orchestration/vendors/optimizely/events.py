"""The shapes in which events are delivered, and the person each is of."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    first_given,
    given,
    pairs,
)
from orchestration.mapping.model import Dialect, dialect
from orchestration.mapping.record_schema import SCALAR, Pairs
from orchestration.mapping.selects import Contact, Identifier, one_name
from orchestration.parsing.ids import identifier
from orchestration.vendors.optimizely.consents import number_issue
from orchestration.vendors.optimizely.event_fields import (
    ANONYMOUS_EVENT,
    EVENT,
    FLAT_EVENT,
    NESTED_ORDER,
    flat_event,
    json_event,
    nested_event,
    nested_order,
)
from orchestration.vendors.optimizely.event_rows import (
    event_rows,
    flat_event_lines,
    json_event_lines,
    nested_event_lines,
)
from orchestration.vendors.optimizely.lists import has_identifier
from orchestration.vendors.optimizely.people import (
    cell,
    customer_cell,
    flat_identifiers,
    flat_person,
    odd_names,
    paired,
    paired_value,
)
from orchestration.vendors.optimizely.words import IDENTIFIERS, NONE

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
    """The order names no other buyer than the customer it is reported of."""
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

    The buyer may be another than the visitor: the two are kept apart. A device alone is nobody.
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


# Without its type a flat event looks like a row of an order or of a list: where events are delivered it is rejected as one.
FLAT_KINDS = ("event", "order", "list")


def event_dialects(*, lacks: tuple[str, ...] = (), flat_has: tuple[str, ...] = ()) -> tuple[Dialect, ...]:
    """Events in each of their forms."""
    json_issues = (number_issue("ts", json_event.stated_time), *json_event.unknown_words())
    return (
        dialect(
            "optimizely.event",
            "event",
            EVENT,
            *event_rows(json_event),
            *json_event_lines,
            about=json_contact(lambda name: at(f"data.order.{name}"), "data.order", has_pairs=True),
            has=("identifiers", "data"),
            issue_rules=(*json_issues, odd_names()),
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
            issue_rules=json_issues,
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
            issue_rules=(number_issue("ts", nested_event.stated_time), *nested_event.unknown_words(), odd_names()),
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
            issue_rules=(number_issue("ts", flat_event.stated_time), *flat_event.unknown_words(), odd_names()),
            duplicates_of="events",
            kinds=FLAT_KINDS,
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
            issue_rules=(number_issue("ts", flat_event.stated_time), *flat_event.unknown_words()),
            duplicates_of="events",
            kinds=FLAT_KINDS,
        ),
    )
