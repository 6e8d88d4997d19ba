"""Orders: one row per real order, its furthest state, its refunds, its currency."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.installation import (
    EXPORT_DATES,
    Installation,
    ometria_order,
    omnisend_event,
    optimizely_order_event,
    voucherify_customer,
    voucherify_order,
)
from tests.support.paths import DBT_PROJECT

pytestmark = pytest.mark.long

BUYER = "olga.buyer@example.com"
LINE = {"productID": "p1", "productTitle": "Fern", "productQuantity": 2, "productPrice": 20.0}
PAID = {
    "orderID": "O-300",
    "orderNumber": "O-300",
    "totalPrice": 40.0,
    "currency": "EUR",
    "createdAt": "2026-02-10T10:00:00Z",
    "lineItems": [LINE],
}
STATES = {
    "pending": "created",
    "pending_payment": "pending_payment",
    "paid": "paid",
    "processing": "in_progress",
    "complete": "completed",
    "canceled": "canceled",
    "cancelled": "canceled",
    "closed": "refunded",
    "refunded": "refunded",
    "partial_refund": "partially_refunded",
    "partially_refunded": "partially_refunded",
    "voided": "canceled",
    "expired": "canceled",
    "open": "created",
    "authorized": "created",
    "beamed up": "unknown",
}
VALID = {"paid", "in_progress", "shipped", "completed", "partially_refunded", "refunded"}


def land(installation: Installation) -> None:
    export_date, later = EXPORT_DATES[0], EXPORT_DATES[1]
    installation.land(
        "ometria/orders",
        export_date,
        "orders.ndjson",
        ometria_order(
            "#o-100 ",
            "100.00",
            email=BUYER,
            subtotal="90.00",
            shipping="10.00",
            lineitems=[{"product_id": "p1", "quantity": 2, "unit_price": "45.00", "total": "90.00"}],
        ),
        ometria_order("O-101", 50, "processing", email=BUYER),
        ometria_order("O-102", 50, "complete", email=BUYER),
        ometria_order("O-500", 100, "partial_refund", email=BUYER, total_refunded=20),
        ometria_order("O-501", 100, "complete", email=BUYER, currency="XAF"),
        ometria_order("O-502", 16000, "complete", email=BUYER, currency="JPY"),
        ometria_order("O-503", 80, "canceled", email=BUYER),
        ometria_order("O-504", 80, "refunded", email=BUYER, total_refunded=100),
        ometria_order("O-505", 80, "complete", customer={"firstname": "Nameless"}),
        ometria_order("O-506", 80, "complete", customer={"id": "O-cust-506", "email": "with.id@example.com"}),
        ometria_order("O-507", 80, "complete", email=BUYER, time="not a time"),
        ometria_order("O-508", 80, "complete", email=BUYER, timestamp="2026-02-10 23:30:00"),
        ometria_order("O-509", -25, "complete", email=BUYER),
        ometria_order("O-510", "33.333", "complete", email=BUYER),
        ometria_order("O-511", 70, "complete", email=BUYER, time="2026-02-01T10:00:00Z"),
        *(ometria_order(f"O-S-{word}", 10, word, email=BUYER) for word in STATES),
    )
    without_time = ometria_order("O-512", 12, "complete", email=BUYER)
    del without_time["timestamp"]
    installation.land(
        "ometria/orders",
        later,
        "orders.ndjson",
        ometria_order("O-511", 75, "complete", email=BUYER, time="2026-02-01T10:00:00Z"),
        without_time,
    )
    installation.land(
        "omnisend/events",
        export_date,
        "order_events.ndjson",
        omnisend_event(
            "placed order",
            "o-100-placed",
            BUYER,
            orderID="O-100",
            orderNumber="O-100",
            totalPrice=100.0,
            currency="EUR",
            createdAt="2026-02-10T10:00:05Z",
        ),
        omnisend_event(
            "order fulfilled",
            "o-101-fulfilled",
            BUYER,
            orderID="O-101",
            totalPrice=50.0,
            currency="EUR",
            fulfillmentStatus="fulfilled",
            paymentStatus="paid",
        ),
        omnisend_event("order canceled", "o-102-canceled", BUYER, orderID="O-102", totalPrice=50.0, currency="EUR"),
        omnisend_event(
            "placed order", "o-300-1", BUYER, **PAID, paymentStatus="awaitingPayment", fulfillmentStatus="unfulfilled"
        ),
        omnisend_event(
            "paid for order",
            "o-300-2",
            BUYER,
            "2026-02-10T10:05:00Z",
            **PAID,
            paymentStatus="paid",
            fulfillmentStatus="unfulfilled",
        ),
        omnisend_event("ordered product", "o-300-3", BUYER, "2026-02-10T10:05:01Z", **PAID, paymentStatus="paid"),
        omnisend_event(
            "order fulfilled",
            "o-300-4",
            BUYER,
            "2026-02-11T10:00:00Z",
            **PAID,
            paymentStatus="paid",
            fulfillmentStatus="fulfilled",
        ),
        omnisend_event(
            "placed order", "o-301-1", BUYER, orderID="O-301", totalPrice=60.0, currency="EUR", paymentStatus="paid"
        ),
        omnisend_event(
            "order refunded",
            "o-301-2",
            BUYER,
            orderID="O-301",
            totalPrice=60.0,
            currency="EUR",
            totalRefundedAmount=10,
            paymentStatus="partiallyRefunded",
        ),
        omnisend_event(
            "order refunded",
            "o-301-3",
            BUYER,
            "2026-02-12T10:00:00Z",
            orderID="O-301",
            totalPrice=60.0,
            currency="EUR",
            totalRefundedAmount=25,
            paymentStatus="partiallyRefunded",
        ),
    )
    installation.land(
        "voucherify/orders",
        export_date,
        "orders.ndjson",
        voucherify_order("ord_o100", "O-100", 10000, "FULFILLED", customer="cust_olga"),
        voucherify_order(
            "ord_o400",
            "O-400",
            1080,
            customer="cust_olga",
            items=[
                {
                    "object": "order_item",
                    "source_id": "prod_5h1pp1ng",
                    "quantity": 1,
                    "amount": 700,
                    "discount_amount": 70,
                    "price": 700,
                    "subtotal_amount": 630,
                    "product": {"name": "Shipping"},
                },
                {
                    "object": "order_item",
                    "source_id": "roses_1",
                    "quantity": 1,
                    "amount": 500,
                    "discount_amount": 50,
                    "price": 500,
                    "subtotal_amount": 450,
                    "product": {"name": "Roses"},
                },
            ],
        ),
        voucherify_order("ord_o401", "O-401", 500, "CREATED", customer="cust_olga"),
    )
    installation.land(
        "voucherify/customers", export_date, "orders_people.ndjson", voucherify_customer("cust_olga", email=BUYER)
    )
    installation.land(
        "optimizely/events",
        export_date,
        "orders.ndjson",
        optimizely_order_event("purchase", "O-100", BUYER, total=100.0, subtotal=90.0),
        optimizely_order_event(
            "purchase",
            "O-200",
            BUYER,
            total=110.0,
            subtotal=100.0,
            items=[{"product_id": "p9", "price": 100.0, "quantity": 1, "subtotal": 100.0}],
        ),
        optimizely_order_event("refund", "O-200", BUYER, 1770804000, total=-30.0, subtotal=-30.0),
        optimizely_order_event("refund", "O-200", BUYER, 1770890400, total=15.0, subtotal=15.0),
        optimizely_order_event("refund", "O-201", BUYER, total=-12.0),
        optimizely_order_event("purchase", "O-202", BUYER, total=40.0),
        optimizely_order_event("cancel", "O-202", BUYER, 1770804000, total=40.0),
    )
    installation.land(
        "optimizely/orders",
        export_date,
        "zaius_orders_o.csv",
        "email,action,order_id,total,discount,subtotal,tax,shipping,coupon_code,item_product_id,item_sku,item_price,item_quantity,item_discount,item_subtotal,ts\n"
        f"{BUYER},purchase,O-210,27.00,,25.00,,2.00,,a,sku-a,10.00,1,,10.00,1770717600\n"
        f"{BUYER},purchase,O-210,27.00,,25.00,,2.00,,b,sku-b,15.00,1,,15.00,1770717600\n",
    )
    installation.land(
        "open_delivery/orders",
        export_date,
        "orders.ndjson",
        {
            "id": "O-100",
            "createdAt": "2026-02-10T10:00:00Z",
            "lastEvent": "CONCLUDED",
            "merchant": {"id": "m1", "name": "Loja"},
            "items": [
                {
                    "id": "1",
                    "index": 0,
                    "name": "Suco",
                    "externalCode": "S",
                    "unit": "UN",
                    "quantity": 2,
                    "unitPrice": {"value": 10, "currency": "BRL"},
                    "totalPrice": {"value": 20, "currency": "BRL"},
                }
            ],
            "otherFees": [
                {
                    "name": "Taxa",
                    "type": "SERVICE_FEE",
                    "receivedBy": "MERCHANT",
                    "price": {"value": 3, "currency": "BRL"},
                }
            ],
            "total": {
                "itemsPrice": {"value": 20, "currency": "BRL"},
                "otherFees": {"value": 3, "currency": "BRL"},
                "discount": {"value": 0, "currency": "BRL"},
                "orderAmount": {"value": 23, "currency": "BRL"},
            },
            "customer": {"id": "od-olga", "name": "Olga", "email": BUYER},
        },
    )


def test_four_vendors_report_one_order_and_open_delivery_counts_in_a_space_of_its_own(world: Installation) -> None:
    shop, delivery = world.rows(
        "select source, sources, status, total_amount, currency from marts.fct_orders where upper(order_number) in ('O-100', '#O-100') order by currency desc"
    )
    assert shop == ("ometria", ["ometria", "omnisend", "optimizely", "voucherify"], "completed", Decimal(100), "EUR")
    assert delivery[0] == "open_delivery"
    assert delivery[3:] == (Decimal(23), "BRL")


def test_every_report_of_an_order_is_kept_with_its_amount_and_one_is_primary(world: Installation) -> None:
    reports = world.rows(
        "select s.source, source_record_id, is_primary, s.total_amount from marts.bridge_order_sources s join marts.fct_orders o using (order_id) "
        "where upper(o.order_number) in ('O-100', '#O-100') and o.currency = 'EUR' order by all"
    )
    assert [(source, primary, total) for source, _, primary, total in reports] == [
        ("ometria", True, Decimal(100)),
        ("omnisend", False, Decimal(100)),
        ("optimizely", False, Decimal(100)),
        ("voucherify", False, Decimal(100)),
    ]
    assert {source: record for source, record, *_ in reports}["omnisend"] == "O-100"


def test_the_lines_of_a_shared_order_come_once(world: Installation) -> None:
    assert world.rows(
        "select l.product_id, l.quantity from marts.fct_order_lines l join marts.fct_orders o using (order_id) where upper(o.order_number) in ('O-100', '#O-100') and o.currency = 'EUR'"
    ) == [("p1", Decimal(2))]
    assert world.row(
        "select line_count, item_quantity, shipping_amount, subtotal_amount from marts.fct_orders where upper(order_number) in ('O-100', '#O-100') and currency = 'EUR'"
    ) == (1, 2, 10, 90)


def test_the_furthest_state_of_any_report_wins(world: Installation) -> None:
    assert world.order("O-101", "status", "is_valid") == ("shipped", True)
    assert world.order("O-102", "status", "is_valid", "net_amount") == ("canceled", False, 0)


@pytest.mark.parametrize(("word", "status"), STATES.items())
def test_a_shop_s_word_for_a_state_has_one_meaning(world: Installation, word: str, status: str) -> None:
    assert world.order(f"O-S-{word}", "status", "is_valid") == (status, status in VALID)


def test_an_order_number_is_shown_in_one_form(world: Installation) -> None:
    assert (
        world.rows(
            "select order_number from marts.fct_orders where order_number <> ltrim(upper(trim(order_number)), '#')"
        )
        == []
    )


def test_four_events_of_one_order_are_one_order(world: Installation) -> None:
    assert world.order("O-300", "status", "total_amount", "line_count", "item_quantity", "source") == (
        "shipped",
        40,
        1,
        2,
        "omnisend",
    )
    assert (
        world.value(
            "select count(*) from marts.fct_events e join marts.fct_orders o using (order_id) where o.order_number = 'O-300'"
        )
        == 4
    )


def test_running_totals_of_refunds_take_the_greatest(world: Installation) -> None:
    assert world.order("O-301", "status", "refunded_amount", "net_amount") == ("partially_refunded", 25, 35)


def test_refund_deltas_add_up_whatever_their_sign(world: Installation) -> None:
    assert world.order("O-200", "total_amount", "subtotal_amount", "refunded_amount", "net_amount", "status") == (
        110,
        100,
        45,
        65,
        "partially_refunded",
    )
    adjustments = world.rows(
        "select adjustment_type, amount from marts.fct_order_adjustments join marts.fct_orders using (order_id) where order_number = 'O-200' order by amount"
    )
    assert adjustments == [("refund", 15), ("refund", 30)]


def test_a_refund_of_an_unknown_order_is_an_orphan_and_never_an_order(world: Installation) -> None:
    assert world.rows("select * from marts.fct_orders where order_number in ('O-201', 'O-509')") == []
    orphans = world.rows(
        "select source, amount from marts.fct_order_adjustments where order_id is null and amount in (12, 25) order by amount"
    )
    assert orphans == [("optimizely", 12), ("ometria", 25)]
    assert (
        world.value(
            "select count(*) from meta.order_conflicts where conflict_type = 'orphan_refund' and other_record_id in ('O-201', 'O-509')"
        )
        == 2
    )


def test_a_canceled_order_is_attempted_and_nets_nothing(world: Installation) -> None:
    assert world.order("O-202", "status", "is_valid", "net_amount", "total_amount") == ("canceled", False, 0, 40)
    assert world.order("O-503", "status", "is_valid", "net_amount", "net_amount_reporting") == ("canceled", False, 0, 0)


def test_a_net_amount_is_never_negative(world: Installation) -> None:
    assert world.order("O-504", "status", "is_valid", "net_amount") == ("refunded", True, 0)
    assert world.value("select min(net_amount) from marts.fct_orders") >= 0


def test_a_file_with_a_row_per_item_counts_the_order_once(world: Installation) -> None:
    assert world.order(
        "O-210", "total_amount", "subtotal_amount", "shipping_amount", "line_count", "item_quantity"
    ) == (27, 25, 2, 2, 2)


def test_shipping_is_no_product_line(world: Installation) -> None:
    assert world.order("O-400", "total_amount", "line_count", "item_quantity", "shipping_amount") == (
        Decimal("10.80"),
        1,
        1,
        Decimal("6.30"),
    )


def test_fees_are_no_shipping(world: Installation) -> None:
    assert (
        world.row(
            "select fees_amount, shipping_amount, item_quantity from marts.fct_orders where upper(order_number) in ('O-100', '#O-100') and currency = 'BRL'"
        )[0]
        == 3
    )


def test_an_order_without_a_rate_has_no_reporting_amount_and_is_listed(world: Installation) -> None:
    assert world.order("O-501", "net_amount", "net_amount_reporting", "is_valid", "reporting_currency") == (
        100,
        None,
        True,
        "EUR",
    )
    order_id = world.order("O-501", "order_id")[0]
    assert world.column("select issue_code from meta.field_issues where order_id = ?", order_id)


def test_another_currency_is_converted_at_the_rate_of_the_order_date(world: Installation) -> None:
    with (DBT_PROJECT / "seeds" / "fx_rates.csv").open(encoding="utf-8", newline="") as file:
        rates = {row["rate_date"]: row["units_per_eur"] for row in csv.DictReader(file) if row["currency"] == "JPY"}
    rate = rates[max(day for day in rates if day <= "2026-02-10")]
    total, reporting = world.order("O-502", "net_amount", "net_amount_reporting")
    assert total == 16000
    assert float(reporting) == pytest.approx(16000 / float(rate), abs=0.006)


def test_a_guest_names_no_customer_id_of_the_vendor(world: Installation) -> None:
    assert world.order("O-500", "is_guest") == (True,)
    assert world.order("O-506", "is_guest") == (False,)


def test_an_order_with_a_name_only_belongs_to_nobody(world: Installation) -> None:
    assert world.order("O-505", "customer_id", "is_guest") == (None, True)


def test_an_order_with_a_time_that_does_not_parse_is_rejected(world: Installation) -> None:
    assert world.rows("select * from marts.fct_orders where order_number = 'O-507'") == []
    [(field, raw)] = world.rows("select field, raw from meta.rejects where source = 'ometria' and stream = 'orders'")
    assert field in ("timestamp", "ordered_at")
    assert '"id": "O-507"' in raw


def test_an_order_without_a_time_takes_its_export_date_and_says_so(world: Installation) -> None:
    assert world.order("O-512", "ordered_at", "order_date", "is_ordered_at_inferred") == (
        datetime(2026, 3, 2, tzinfo=UTC),
        date(2026, 3, 2),
        True,
    )


def test_a_time_without_a_zone_is_utc_and_says_so(world: Installation) -> None:
    assert world.order("O-508", "ordered_at", "is_ordered_at_inferred", "order_date") == (
        datetime(2026, 2, 10, 23, 30, tzinfo=UTC),
        True,
        date(2026, 2, 10),
    )


def test_a_restated_order_has_its_newest_figures(world: Installation) -> None:
    assert world.order("O-511", "total_amount") == (75,)
    assert world.value("select count(*) from marts.fct_orders where order_number = 'O-511'") == 1


def test_money_keeps_four_places(world: Installation) -> None:
    assert world.order("O-510", "total_amount") == (Decimal("33.3330"),)


def test_reports_that_disagree_are_listed(world: Installation) -> None:
    order_id: Any = world.order("O-102", "order_id")[0]
    assert "status" in world.column("select conflict_type from meta.order_conflicts where order_id = ?", order_id)
