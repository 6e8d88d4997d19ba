"""Orders in every version of the protocol: CRM, operational and transport."""

import polars as pl

from orchestration.mapping.expressions import at, furthest, given, item, raw
from orchestration.mapping.model import ANY_WORD, Dialect, dialect
from orchestration.mapping.record_schema import JSON, NUMBER, TEXT
from orchestration.mapping.selects import Contact, no_refusal, rows
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import stated_time
from orchestration.vendors.open_delivery.identifiers import (
    EXTERNAL_ID,
    IDENTIFIER,
    canonical_identifier,
    customer_key,
    customer_reference,
    external_ids,
)
from orchestration.vendors.open_delivery.order_parts import V1_ORDER, V2_ORDER, contact, lines, order, payments
from orchestration.vendors.open_delivery.order_words import STATUS

orders_before = rows(
    "vendor_stats",
    where=given(at("customer.ordersCountOnMerchant")),
    metric=pl.lit("orders_count_on_merchant"),
    value_num=at("customer.ordersCountOnMerchant"),
    unit=pl.lit("count"),
    definition_id=pl.lit("customer.ordersCountOnMerchant"),
)
v1_order = dialect(
    "open_delivery.v1.3",
    "order",
    V1_ORDER,
    order(at("salesChannel"), at("type"), is_unit_open=False),
    lines("", is_unit_open=False, ean=item("ean")),
    payments(is_unit_open=False),
    orders_before,
    about=contact(at("delivery.deliveryAddress")),
    has=("id",),
    duplicates_of="orders",
    kinds=("order",),
    marks={"status": STATUS},
)
v2_order = dialect(
    "open_delivery.v2",
    "order",
    V2_ORDER,
    # Its text says decimals, its examples are in cents: the account settles it.
    order(at("context.salesChannel"), at("fulfillment.orderType"), is_unit_open=True),
    lines("pricing", is_unit_open=True),
    payments(is_unit_open=True),
    orders_before,
    about=contact(at("fulfillment.delivery.address"), at("fulfillment.billingAddress")),
    has=("id",),
    duplicates_of="orders",
    kinds=("order",),
    marks={"status": STATUS},
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
    marks={"status": STATUS},
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

    def own_time(name: str) -> pl.Expr:
        return stated_time(at(f"{start}timestamps.{name}"))

    return dialect(
        "open_delivery.transport.wrapped" if wrapper else "open_delivery.transport",
        "order",
        {wrapper: TRANSPORT_ORDER} if wrapper else TRANSPORT_ORDER,
        rows(
            "orders",
            source_order_id=at(f"{start}orderId"),
            channel=at(f"{start}salesChannel"),
            ordered_at=time(own_time("createdAt"), else_export_date=True),
            source_updated_at=time(own_time("updatedAt")),
            canceled_at=time(own_time("cancelledAt")),
            status=furthest(
                *(pl.when(given(own_time(name))).then(pl.lit(status)) for name, status in STATUS_TIMES.items())
            ),
            # It names its states by their times alone.
            is_status_inferred=Typed(pl.lit(value=True)),
        ),
        about=Contact(
            identifiers=(customer_reference(at(f"{start}customerId"), f"{start}customerId"),),
            profile_id=at(f"{start}customerId"),
        ),
        has=has,
        issue_rules=tuple(
            no_refusal(f"{start}timestamps.{name}", at(f"{start}timestamps.{name}")) for name in STATUS_TIMES
        ),
        duplicates_of="orders",
        kinds=("order",),
        marks={} if wrapper else {"customerId": ANY_WORD},
    )


ORDERS = (
    v1_order,
    v2_order,
    rc2_order,
    _transport_order(None, has=("orderId",)),
    _transport_order("order", has=("order",)),
)
