"""Orders with their lines and discounts."""

from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
)
from orchestration.mapping.record_schema import EXTRA, JSON, NUMBER, SCALAR, TEXT
from orchestration.mapping.selects import Contact, Identifier, Rows, rows
from orchestration.mapping.values import Typed, absolute, time
from orchestration.mapping.words import word
from orchestration.parsing.numbers import money
from orchestration.vendors.voucherify.words import (
    METADATA_CELLS,
    SAME_WORD,
    SHIPPING_IDS,
    SHIPPING_NAMES,
    STATUS,
    is_test,
    metadata,
    source_id_type,
)

# -- orders ----------------------------------------------------------------------------------------------------------

PERSON = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "name": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "metadata": EXTRA,
}
ORDER_LINE = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "related_object": TEXT,
    "product_id": TEXT,
    "sku_id": TEXT,
    "quantity": NUMBER,
    "discount_quantity": EXTRA,
    "initial_quantity": EXTRA,
    "applied_quantity": EXTRA,
    "applied_quantity_amount": EXTRA,
    "applied_discount_quantity": EXTRA,
    "amount": NUMBER,
    "initial_amount": EXTRA,
    "discount_amount": NUMBER,
    "applied_discount_amount": EXTRA,
    "subtotal_amount": NUMBER,
    "price": NUMBER,
    "product": {"id": TEXT, "source_id": TEXT, "name": TEXT, "price": NUMBER, "override": EXTRA, "metadata": EXTRA},
    "sku": {"id": TEXT, "source_id": TEXT, "sku": TEXT, "price": NUMBER, "override": EXTRA, "metadata": EXTRA},
    "metadata": EXTRA,
}
ORDER: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "source_id": TEXT,
    "status": TEXT,
    "amount": SCALAR,
    "initial_amount": EXTRA,
    "discount_amount": SCALAR,
    "items_discount_amount": SCALAR,
    "total_discount_amount": SCALAR,
    "total_amount": SCALAR,
    "applied_discount_amount": EXTRA,
    "items_applied_discount_amount": EXTRA,
    "total_applied_discount_amount": EXTRA,
    "created_at": TEXT,
    "updated_at": TEXT,
    "customer_id": TEXT,
    "customer": PERSON,
    "referrer_id": EXTRA,
    "referrer": EXTRA,
    "redemptions": EXTRA,
    "items": [ORDER_LINE],
    "metadata": JSON,
}
ORDER_OR_CELLS = ORDER | {METADATA_CELLS: JSON}


def person(
    profile_id: pl.Expr, path: str, *more: Identifier, source_id: pl.Expr | None = None, name: pl.Expr | None = None
) -> Contact:
    """The customer that a record names, by id alone or with a copy of what is known of it at `path`."""
    shop_id = at(f"{path}.source_id") if source_id is None else source_id
    return Contact(
        identifiers=(
            Identifier("profile_id", profile_id, f"{path}.id"),
            Identifier(source_id_type(shop_id), shop_id, f"{path}.source_id"),
            Identifier("email", at(f"{path}.email"), f"{path}.email", is_primary=pl.lit(value=True)),
            Identifier("phone", at(f"{path}.phone"), f"{path}.phone"),
            *more,
        ),
        profile_id=profile_id,
        attributes={"full_name": at(f"{path}.name") if name is None else name},
    )


def order_figures(path: str = "") -> dict[str, Any]:
    """Ids, amounts and times of an order; a total that is not stated is the amount less discounts, as the vendor defines
    it: those on the whole order and those on its items."""
    amount = at(f"{path}amount")
    of_order, of_items = at(f"{path}discount_amount"), at(f"{path}items_discount_amount")
    both = (money(of_order).abs() + money(of_items).abs()).cast(pl.Decimal(18, 4), strict=False).cast(pl.String)
    discount = first_given(at(f"{path}total_discount_amount"), both, of_order, of_items)
    left = money(amount) - money(discount).abs().fill_null(0)
    # No discount takes more off than there is.
    worked_out = pl.when((money(amount) >= 0) & (left < 0)).then(0).otherwise(left)
    return {
        "source_order_id": first_given(at(f"{path}id"), at(f"{path}source_id")),
        "order_number": at(f"{path}source_id"),
        "source_updated_at": time(at(f"{path}updated_at")),
        "subtotal": amount,
        "discount_total": absolute(discount, "minor"),
        "total": first_given(at(f"{path}total_amount"), worked_out.cast(pl.String), amount),
        "is_total_inferred": Typed(given(amount) & ~given(at(f"{path}total_amount"))),
        "status_raw": at(f"{path}status"),
    }


def order_lines(path: str = "", where: pl.Expr | None = None) -> Rows:
    """Lines of an order; ids of the shop's own catalogue come before those the vendor gave."""
    is_variant = item("related_object") == "sku"
    shop_id = item("source_id")
    name = first_given(item("product.name"), item("sku.sku"))
    ids = [item("source_id"), item("product_id"), item("product.source_id")]
    is_shipping = name.str.strip_chars().str.to_lowercase().is_in(SHIPPING_NAMES).fill_null(value=False)
    for one in ids:
        is_shipping = is_shipping | one.str.to_lowercase().is_in(SHIPPING_IDS).fill_null(value=False)
    return rows(
        "order_lines",
        each=f"{path}items",
        where=where,
        amounts="minor",
        source_order_id=first_given(at(f"{path}id"), at(f"{path}source_id")),
        line_no=Typed(pl.col("position")),
        source_line_id=item("id"),
        product_id=first_given(
            item("product.source_id"),
            pl.when(~is_variant.fill_null(value=False)).then(shop_id),
            item("product_id"),
            item("product.id"),
        ),
        variant_id=first_given(item("sku_id"), item("sku.id")),
        sku=first_given(item("sku.source_id"), pl.when(is_variant).then(shop_id), item("sku.sku")),
        title=name,
        quantity=item("quantity"),
        unit_price=first_given(item("price"), item("sku.price"), item("product.price")),
        discount=absolute(item("discount_amount"), "minor"),
        subtotal=item("amount"),
        total=item("subtotal_amount"),
        is_shipping=Typed(is_shipping),
    )


order_customer_id = first_given(at("customer_id"), at("customer.id"))
orders = rows(
    "orders",
    amounts="minor",
    ordered_at=time(at("created_at"), else_export_date=True),
    status=word(at("status"), STATUS, "unknown"),
    is_test=is_test(),
    attributes=metadata(),
    **order_figures(),
)
