"""Orders of the API, with their lines and cancellations."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
)
from orchestration.mapping.record_schema import EXTRA, FLAG, NUMBER, TEXT, kept
from orchestration.mapping.selects import (
    Contact,
    Identifier,
    Rows,
    one_address,
    rows,
)
from orchestration.mapping.values import Typed, absolute, time
from orchestration.mapping.words import stated_time
from orchestration.vendors.omnisend.events import ADDRESS
from orchestration.vendors.omnisend.words import dialled, status, word_of_state

# -- v3 orders -------------------------------------------------------------------------------------------------------

ORDER_LINE = {
    "productID": TEXT,
    "variantID": TEXT,
    "title": TEXT,
    "quantity": NUMBER,
    "price": NUMBER,
    "discount": NUMBER,
    "sku": TEXT,
    "vendor": EXTRA,
    "categoryIDs": [TEXT],
    "tags": [TEXT],
    "imageUrl": EXTRA,
    "productUrl": EXTRA,
    "weight": EXTRA,
}
ORDER = {
    "orderID": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "contactID": TEXT,
    "orderNumber": TEXT,
    "cartID": EXTRA,
    "currency": TEXT,
    "orderSum": NUMBER,
    "subTotalSum": NUMBER,
    "subTotalTaxIncluded": FLAG,
    "discountSum": NUMBER,
    "taxSum": NUMBER,
    "shippingSum": NUMBER,
    "discountCode": TEXT,
    "discountValue": EXTRA,
    "discountType": EXTRA,
    "createdAt": TEXT,
    "updatedAt": TEXT,
    "canceledDate": TEXT,
    "cancelReason": TEXT,
    "paymentStatus": TEXT,
    "fulfillmentStatus": TEXT,
    "paymentMethod": TEXT,
    "shippingMethod": TEXT,
    "source": EXTRA,
    "contactNote": EXTRA,
    "orderUrl": EXTRA,
    "trackingCode": EXTRA,
    "courierTitle": EXTRA,
    "courierUrl": EXTRA,
    "tags": [TEXT],
    "billingAddress": kept(ADDRESS),
    "shippingAddress": kept(ADDRESS),
    "products": [ORDER_LINE],
    "orderItems": [ORDER_LINE],
}
canceled_on = stated_time(at("canceledDate"))
order_status = status(
    at("paymentStatus"), at("fulfillmentStatus"), pl.when(given(canceled_on)).then(pl.lit("canceled"))
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
            "phone", dialled(first_given(at("phone"), at("billingAddress.phone"))), "phone", region=order_region
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
    canceled_at=time(canceled_on),
    currency=at("currency"),
    subtotal=at("subTotalSum"),
    discount_total=absolute(at("discountSum"), "hundredths"),
    shipping_total=at("shippingSum"),
    tax_total=at("taxSum"),
    is_tax_included=at("subTotalTaxIncluded"),
    total=at("orderSum"),
    refunded_total=absolute(pl.when(order_status == "refunded").then(at("orderSum")), "hundredths"),
    is_refunded_total_inferred=Typed(order_status == "refunded"),
    status_raw=first_given(at("paymentStatus"), at("fulfillmentStatus")),
    payment_status_raw=at("paymentStatus"),
    fulfillment_status_raw=at("fulfillmentStatus"),
    status=word_of_state(order_status, at("paymentStatus"), at("fulfillmentStatus")),
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
    occurred_at=time(canceled_on, else_export_date=True),
    reason=at("cancelReason"),
)


def order_lines(path: str) -> Rows:
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
