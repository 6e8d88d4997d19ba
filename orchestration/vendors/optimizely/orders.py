"""Orders as a row each, or a row per item."""

import polars as pl

from orchestration.mapping.expressions import (
    given,
    item,
)
from orchestration.mapping.model import Dialect, dialect
from orchestration.mapping.record_schema import EXTRA, SCALAR
from orchestration.mapping.selects import Contact, RejectRule, one_name, rows
from orchestration.mapping.values import Typed
from orchestration.mapping.words import word
from orchestration.parsing.ids import identifier
from orchestration.vendors.optimizely.consents import number_issue
from orchestration.vendors.optimizely.event_fields import ITEM, LINEAGE, ORDER_FIELDS, EventFields, as_json, moment
from orchestration.vendors.optimizely.event_rows import adjustment_rows, line_rows, order_columns
from orchestration.vendors.optimizely.events import flat_buyer, is_same_buyer
from orchestration.vendors.optimizely.lists import has_identifier
from orchestration.vendors.optimizely.people import FLAT_PERSON, cell, customer_cell, flat_identifiers, flat_person
from orchestration.vendors.optimizely.words import NONE, ORDER_ACTIONS, ORDER_STATUS

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
    | {f"{start}{name}": EXTRA for start in ("", "order.") for name in ("bill_address", "ship_address")}
    | {"data_source": EXTRA}
    | LINEAGE
)
# Beside a list of items the columns of one item have nothing to say.
LISTED_ORDER = FLAT_ORDER | {"items": [ITEM]} | dict.fromkeys(ORDER_ITEM, EXTRA)


BUYER = ["order.email", "order.phone", "order.name", "order.first_name", "order.last_name"]


def order_cell(name: str) -> pl.Expr:
    """A field of the order in a flat record."""
    return cell(name, f"order.{name}")


flat_order = EventFields(
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
order_rejects = (
    RejectRule("missing_order_id", "order_id", ~given(order_cell("order_id"))),
    RejectRule("missing_action", "action", given(cell("action")) & ~flat_order.deed.is_in(ORDER_ACTIONS)),
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
    shared = {
        "about": order_contact,
        "reject_rules": order_rejects,
        "issue_rules": (number_issue("ts", flat_order.stated_time),),
    }
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
            # In a stream of orders a row that says `type` is one nevertheless.
            kinds=("order", "event"),
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
            # In a stream of orders a row that says `type` is one nevertheless.
            kinds=("order", "event"),
            **shared,
        ),
    )
