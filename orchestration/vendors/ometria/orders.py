"""Orders, refunds as orders of their own, and lines."""

import polars as pl

from orchestration.mapping.expressions import (
    account_currency,
    at,
    filled,
    first_given,
    given,
    item,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, FLAG, SCALAR, TEXT, Open, kept
from orchestration.mapping.selects import (
    Contact,
    Identifier,
    one_address,
    one_name,
    rows,
)
from orchestration.mapping.values import Typed, absolute, time
from orchestration.mapping.words import translated, words
from orchestration.parsing import ids, numbers
from orchestration.vendors.ometria.words import NO_NEWS, ORDER_STATUS

# -- orders ----------------------------------------------------------------------------------------------------------

ADDRESS = Open(dict.fromkeys(("firstname", "lastname", "city", "state", "postcode", "country_code"), TEXT))
LINE_FIGURES = ("unit_price", "subtotal", "discount", "tax", "total")
LINE = {
    "product_id": TEXT,
    "product": {"id": TEXT, "sku": TEXT, "title": TEXT, "price": EXTRA, "base_price": EXTRA},
    "variant_id": TEXT,
    "variant_sku": TEXT,
    "sku": TEXT,
    "title": TEXT,
    "quantity": SCALAR,
    **dict.fromkeys(LINE_FIGURES, SCALAR),
    "quantity_refunded": SCALAR,
    "refunded": SCALAR,
    **{f"base_{name}": kept(SCALAR) for name in LINE_FIGURES},
    "is_on_sale": EXTRA,
    "totals": EXTRA,
    "tax_percent": EXTRA,
    "discount_percent": EXTRA,
    "properties": EXTRA,
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
    "web_id": EXTRA,
    "ip_address": EXTRA,
    "x_forwarded_for": EXTRA,
    "customer": {"id": TEXT, "email": TEXT, "phone_number": TEXT, "firstname": TEXT, "lastname": TEXT},
    "shipping_address": ADDRESS,
    "billing_address": ADDRESS,
    "lineitems": [LINE],
    "properties": EXTRA,
}
is_in_own_currency = given(at("grand_total")) | ~given(at("base_grand_total"))


def _figure_of(name: str) -> pl.Expr:
    """An amount in the order's currency; in the account's where the order is stated in that alone."""
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
# A refund told in the account's currency alone counts by its share of what the order cost in that.
base_total = numbers.money(at("base_grand_total")).cast(pl.Decimal(38, 4))
refunded_share = (
    pl.when(is_in_own_currency & (base_total > 0))
    .then(
        numbers.money(at("base_total_refunded")).cast(pl.Decimal(38, 4))
        * numbers.money(at("grand_total"))
        / pl.when(base_total > 0).then(base_total)
    )
    .cast(pl.String)
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
            refunded_share,
            pl.when(order_status == "refunded").then(_figure_of("grand_total")),
        )
    ),
    is_refunded_total_inferred=Typed(
        (order_status == "refunded")
        & ~given(first_given(_figure_of("total_refunded"), refunded_share))
        & ~(is_in_own_currency & filled(line_refunds)).fill_null(value=False)
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
    """An amount in the order's currency; in the account's where the line is stated in that alone."""
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
