"""One row per real order: which reports are one order, whose figures win, what state it is in, what it nets."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.dbt.conftest import Query
from tests.support.warehouse_builder import WarehouseBuilder, alias


def stage(w: WarehouseBuilder) -> None:
    shared_order(w)
    several_versions(w)
    items_by_row(w)
    number_by_own_id(w)
    refunds(w)
    wholes(w)
    left_out(w)
    colliding(w)
    money(w)
    currencies(w)
    bare_orders(w)
    refunded_lines(w)
    refunds_without_a_time(w)
    refunds_by_status_alone(w)
    left_out_states_and_totals(w)


def shared_order(w: WarehouseBuilder) -> None:
    w.profile("ometria", "anna", email="anna@orders.example")
    w.profile("omnisend", "anna-c", email="anna@orders.example", stream="contacts")
    w.profile("voucherify", "bert", email="bert@orders.example", stream="customers")
    first = w.order(
        "ometria",
        "#4122111",
        total="39.98",
        discount_total="1.00",
        status="paid",
        stream="profiles",
        owner_record_id="anna",
    )
    w.line(first, "rose", quantity=2, unit_price="19.99", total="39.98")
    for status, total in (("created", "39.98"), ("paid", "39.98"), ("shipped", None)):
        event = w.order(
            "omnisend",
            "4122111",
            order_number=None,
            total=total,
            status=status,
            is_from_event=True,
            stream="contacts",
            owner_record_id="anna-c",
            tax_total="3.20",
        )
        w.line(event, "rose", quantity=2, unit_price="19.99", total="39.98")
    w.order("voucherify", "4122111", total="41.00", status="completed", stream="customers", owner_record_id="bert")
    w.order("optimizely", "4122111", total="39.98", currency="GBP", status="paid", is_guest=True)
    w.order("open_delivery", "4122111", total="12.00", order_namespace="delivery", status="created")


def several_versions(w: WarehouseBuilder) -> None:
    for day, status, total in ((1, "created", "10.00"), (3, "completed", "12.00"), (2, "paid", "11.00")):
        row = w.order("ometria", "V-1", total=total, status=status, export_date=date(2024, 1, day))
        w.line(row, "version", total=total, quantity=day)
    for row_number, status in ((1, "canceled"), (2, "paid")):
        w.order(
            "ometria",
            "V-2",
            total="5.00",
            status=status,
            source_file="landing/ometria/orders/2024-01-01/twice.ndjson",
            source_row=row_number,
        )
    silent_versions(w)
    corrected_buyers(w)


def corrected_buyers(w: WarehouseBuilder) -> None:
    """One day an order of Ana's names Bob's address, and another an address that is nobody's; the next day both are
    corrected. A third names less."""
    ana = w.profile("ometria", "ana-77", email="ana@corrected.example")
    w.identifier(ana, "customer_id", "77")
    w.profile("ometria", "bob-88", email="bob@corrected.example")
    for number, customer_id, addresses in (
        ("V-BRIDGE", "77", ("bob", "ana")),
        ("V-TYPO", None, ("tpyo", "typo")),
        ("V-LESS", "77", ("also-ana", None)),
    ):
        for day, name in enumerate(addresses, start=1):
            owner = f"derived:{number}-{day}"
            contact = w.add(
                "contacts",
                source="ometria",
                stream="orders",
                source_record_id=owner,
                alias_id=alias("ometria", "derived", owner),
                export_date=date(2024, 1, day),
            )
            if name:
                w.identifier(contact, "email", f"{name}@corrected.example")
            if customer_id:
                w.identifier(contact, "customer_id", customer_id)
            w.order("ometria", number, total="10.00", owner_record_id=owner, export_date=date(2024, 1, day))
    w.profile("omnisend", "eve", email="eve@corrected.example", stream="contacts")
    for number, phone, addresses in (
        ("E-SILENT", "+4930999001", ("eve", None)),
        ("E-TYPO", "+4930999002", ("tpyo-of-eve", "eve")),
        ("E-LESS", "+4930999003", ("eve", "eve")),
    ):
        for day, name in enumerate(addresses, start=1):
            place = {"stream": "events", "export_date": date(2024, 1, day)}
            owner = f"derived:{number}-{day}" if name else None
            if owner:
                contact = w.add(
                    "contacts",
                    source="omnisend",
                    source_record_id=owner,
                    alias_id=alias("omnisend", "derived", owner),
                    **place,
                )
                w.identifier(contact, "email", f"{name}@corrected.example")
                if day == 1:
                    w.identifier(contact, "phone", phone)
            row = w.order(
                "omnisend", number, total="10.00" if owner else None, is_from_event=True, owner_record_id=owner, **place
            )
            place |= {"source_file": row["source_file"], "source_row": row["source_row"]}
            w.event("omnisend", f"of-{number}", owner_record_id=owner, source_order_id=number, **place)


def silent_versions(w: WarehouseBuilder) -> None:
    days = [date(2024, 1, day) for day in (1, 2, 3)]
    w.profile("open_delivery", "tina", email="tina@orders.example", stream="customers")
    said_of_the_state = {
        "total": None,
        "is_guest": True,
        "ordered_at": datetime(2024, 1, 3, tzinfo=UTC),
        "is_ordered_at_inferred": True,
    }
    for number, later in (("V-STATE", said_of_the_state), ("V-HEAD", {"total": "35.00", "owner_record_id": "tina"})):
        for day in days[:2]:
            row = w.order(
                "open_delivery",
                number,
                total="40.00",
                status="paid",
                stream="customers",
                owner_record_id="tina",
                export_date=day,
            )
            w.line(row, f"bread {day.day}", total="40.00", quantity=day.day)
        w.order("open_delivery", number, status="shipped", stream="customers", export_date=days[2], **later)
    for day, status in zip(days, ("canceled", "canceled", "completed"), strict=True):
        row = w.order("ometria", "V-REVIVED", total="10.00", status=status, export_date=day)
        if status == "canceled":
            place = {"source_file": row["source_file"], "source_row": row["source_row"], "export_date": day}
            w.adjustment(
                "ometria",
                "V-REVIVED",
                None,
                action="cancel",
                amount_kind="running_total",
                adjustment_id="canceled:V-REVIVED",
                **place,
            )
    for day, status, product, total, refunded in (
        (1, "refunded", "wrong", "90.00", "90.00"),
        (2, "paid", "right", "80.00", "15.00"),
    ):
        event = w.order(
            "omnisend", "V-EVENT", total=total, status=status, is_from_event=True, export_date=date(2024, 1, day)
        )
        w.line(event, product, total=total)
        place = {name: event[name] for name in ("source_file", "source_row", "export_date")}
        w.adjustment("omnisend", "V-EVENT", refunded, amount_kind="running_total", **place)
        w.event(
            "omnisend", "told-twice", event_type="order", source_order_id="V-EVENT", is_event_id_derived=False, **place
        )
    w.adjustment("ometria", "V-NEGATIVE", "20.00", adjustment_id="negative_order:V-NEGATIVE", export_date=days[0])
    w.order("ometria", "V-NEGATIVE", total="20.00", export_date=days[1])


def items_by_row(w: WarehouseBuilder) -> None:
    for row_number, product in enumerate(("one", "two", "two"), start=1):
        row = w.order(
            "optimizely",
            "CSV-1",
            total="27.00",
            source_file="landing/optimizely/orders/2024-01-01/items.csv",
            source_row=row_number,
        )
        w.line(row, product, unit_price="9.00", total="9.00", quantity=1, source_line_id=str(row_number))
    for part, product in enumerate(("one", "two"), start=1):
        row = w.order(
            "optimizely", "CSV-CUT", total="18.00", source_file=f"landing/optimizely/orders/2024-01-01/part-{part}.csv"
        )
        w.line(row, product, unit_price="9.00", total="9.00", quantity=1)
    for version, product in enumerate(("wrong", "right"), start=1):
        row = w.order(
            "ometria", "TWICE-A-DAY", total="18.00", source_file=f"landing/ometria/orders/2024-01-01/{version}.ndjson"
        )
        w.line(row, product, total="18.00")
    w.order("omnisend", "LINES-1", total="30.00", is_from_event=True)
    for product in ("big", "small"):
        event = w.order("omnisend", "LINES-1", total=None, is_from_event=True, export_date=date(2024, 1, 2))
        w.line(event, product, total="15.00")
    for day, total, products in (
        (1, "60.00", ("a", "b", "c")),
        (2, "40.00", ("a", "b")),
        (3, "99.00", ()),
        (4, None, ("a", "x", "y", "z")),
    ):
        event = w.order("omnisend", "LINES-2", total=total, is_from_event=True, export_date=date(2024, 1, day))
        for line_no, product in enumerate(products, start=1):
            w.line(event, product, total="20.00", line_no=line_no)


def number_by_own_id(w: WarehouseBuilder) -> None:
    w.order("omnisend", "internal-7", order_number="1007", order_match_key="1007", total="70.00")
    w.order(
        "omnisend",
        "internal-7",
        order_number=None,
        order_match_key="INTERNAL-7",
        total="70.00",
        is_from_event=True,
        stream="events",
    )
    w.order("ometria", "#1007", total="70.00")
    w.adjustment("omnisend", "internal-7", "20.00", order_match_key="INTERNAL-7")
    w.profile("omnisend", "seven", email="seven@orders.example", stream="contacts")
    w.event(
        "omnisend",
        "event-7",
        source_order_id="internal-7",
        order_namespace="shop",
        order_match_key="INTERNAL-7",
        stream="contacts",
        owner_record_id="seven",
    )
    w.event(
        "omnisend", "event-8", source_order_id="nobody-knows", order_namespace="shop", order_match_key="NOBODY-KNOWS"
    )


def refunded_lines(w: WarehouseBuilder) -> None:
    row = w.order("ometria", "L-returned", total="70.00")
    w.line(row, "rose", line_no=1, quantity=2, unit_price="10.00", total="20.00")
    w.line(row, "tulip", line_no=2, quantity=3, unit_price="10.00", total="30.00", refunded_quantity=1)
    w.line(row, "tulip", line_no=3, quantity=2, unit_price="10.00", total="20.00")
    negative = w.adjustment("ometria", "L-returned", "-10.00", adjustment_id="negative_order:1")
    w.line(negative, "rose", quantity=-1, unit_price="10.00", total="-10.00")
    event = w.adjustment("ometria", "L-returned", "40.00", action="return")
    w.line(event, "tulip", quantity=4, unit_price="10.00")
    # Another vendor reports the same, and a third of a product that nobody ordered.
    other = w.adjustment("optimizely", "L-returned", "10.00")
    w.line(other, "rose", quantity=1, total="10.00")
    stranger = w.adjustment("ometria", "L-returned", "1.00")
    w.line(stranger, "violet", quantity=1, total="1.00")

    row = w.order("omnisend", "L-told-in-full", total="10.00", refunded_total="10.00", is_from_event=True)
    w.line(row, "rose", quantity=1, total="10.00")
    w.adjustment("omnisend", "L-told-in-full", "10.00", **{key: row[key] for key in ("source_file", "source_row")})


def refunds_without_a_time(w: WarehouseBuilder) -> None:
    for day, refunded in ((1, None), (2, "5.00"), (3, "5.00")):
        w.order("ometria", "T-stated", total="50.00", refunded_total=refunded, export_date=date(2024, 1, day))
    for day, status in ((1, "paid"), (2, "canceled"), (3, "canceled")):
        w.order("ometria", "T-canceled", total="50.00", status=status, export_date=date(2024, 1, day))
    w.order("ometria", "T-dated", total="50.00", status="canceled", canceled_at=datetime(2024, 1, 2, 8, tzinfo=UTC))
    w.order("ometria", "T-told", total="50.00")
    for day in (2, 3):
        w.adjustment(
            "ometria", "T-told", "5.00", adjustment_id="untimed", occurred_at=None, export_date=date(2024, 1, day)
        )


def left_out_states_and_totals(w: WarehouseBuilder) -> None:
    days = [date(2024, 1, day) for day in (1, 2)]
    paid = {"status_raw": "paid", "payment_status_raw": "paid"}
    canceled_at = datetime(2024, 1, 1, 15, tzinfo=UTC)
    for number, one, other in (
        (
            "S-times",
            {"status": "completed", "is_status_inferred": True},
            {"status": "created", "is_status_inferred": True},
        ),
        ("S-assumed", {"status": "paid", "is_status_inferred": True}, {"status": "created", "status_raw": "pending"}),
        ("S-time-of-end", {"status": "canceled", "canceled_at": canceled_at, **paid}, {"status": "paid", **paid}),
    ):
        for day, said in zip(days, (one, other), strict=True):
            w.order("omnisend", number, total="50.00", export_date=day, **said)
    stated = {"total": "45.00", "subtotal": "50.00"}
    worked_out = {"total": "50.00", "subtotal": "50.00", "is_total_inferred": True}
    for number, first, second in (
        ("W-stated", stated, worked_out),
        ("W-less", {**worked_out, "total": "45.00", "discount_total": "5.00"}, worked_out),
        ("W-grown", {**stated, "discount_total": "5.00"}, {**worked_out, "total": "60.00", "subtotal": "60.00"}),
        ("W-restated", worked_out, {"total": "48.00", "subtotal": "50.00"}),
        ("W-fees", {**worked_out, "total": "57.00", "shipping_total": "5.00", "fees_total": "2.00"}, worked_out),
    ):
        for day, said in zip(days, (first, second), strict=True):
            w.order("voucherify", number, status="paid", export_date=day, **said)


def refunds_by_status_alone(w: WarehouseBuilder) -> None:
    whole = {"total": "50.00", "refunded_total": "50.00", "is_refunded_total_inferred": True, "status": "refunded"}
    paid_back = {"payment_status_raw": "refunded", "fulfillment_status_raw": "fulfilled", "status_raw": "refunded"}
    days = [date(2024, 1, day) for day in (1, 2, 3)]
    w.order("ometria", "S-corrected", status_raw="refunded", **whole)
    w.order("ometria", "S-corrected", total="50.00", status_raw="complete", export_date=days[1])
    w.order("ometria", "S-silent", status_raw="refunded", **whole)
    w.order("ometria", "S-silent", total="50.00", status=None, export_date=days[1])
    w.order("omnisend", "S-silent", total="50.00", refunded_total="20.00", is_from_event=True)
    w.order("omnisend", "S-shipped", **whole, **paid_back)
    w.order(
        "omnisend",
        "S-shipped",
        total="50.00",
        status_raw="fulfilled",
        fulfillment_status_raw="fulfilled",
        export_date=days[1],
    )
    w.order("ometria", "S-shipped", total="50.00", status="completed")
    w.order("omnisend", "S-paid", **whole, **paid_back)
    w.order(
        "omnisend",
        "S-paid",
        total="50.00",
        status="paid",
        export_date=days[1],
        **{**paid_back, "payment_status_raw": "paid"},
    )
    w.order("ometria", "S-stated", **{**whole, "is_refunded_total_inferred": False}, status_raw="refunded")
    w.order("ometria", "S-stated", total="50.00", status_raw="complete", export_date=days[1])


def refunds(w: WarehouseBuilder) -> None:
    w.order("ometria", "R-delta", total="100.00")
    w.adjustment("ometria", "R-delta", "-30.00", order_match_key="R-DELTA")
    w.adjustment("ometria", "R-delta", "20.00", order_match_key="R-DELTA")
    w.adjustment(
        "optimizely", "R-delta", "30.00", order_match_key="R-DELTA", occurred_at=datetime(2024, 1, 5, 20, tzinfo=UTC)
    )

    w.order("omnisend", "R-running", total="100.00")
    for day, amount in ((5, "25.00"), (4, "10.00"), (6, "25.00")):
        w.adjustment(
            "omnisend",
            "R-running",
            amount,
            order_match_key="R-RUNNING",
            amount_kind="running_total",
            occurred_at=datetime(2024, 1, day, tzinfo=UTC),
        )

    w.order("ometria", "R-timed", total="100.00", refunded_total="25.00")
    w.order("omnisend", "R-timed", total="100.00", refunded_total="25.00", is_from_event=True)
    for day, amount in ((4, "10.00"), (6, "25.00")):
        w.adjustment(
            "omnisend",
            "R-timed",
            amount,
            order_match_key="R-TIMED",
            amount_kind="running_total",
            occurred_at=datetime(2024, 1, day, tzinfo=UTC),
        )

    w.order("ometria", "R-over", total="50.00", refunded_total="60.00")
    w.order("ometria", "R-full", total="50.00", status="refunded")
    w.order("ometria", "R-canceled", total="50.00", status="paid")
    w.order(
        "omnisend", "R-canceled", total="50.00", status="canceled", is_from_event=True, order_match_key="R-CANCELED"
    )
    w.order("optimizely", "R-part-cancel", total="80.00", status="paid", subtotal="80.00")
    w.adjustment("optimizely", "R-part-cancel", "30.00", action="cancel", order_match_key="R-PART-CANCEL")
    w.order("optimizely", "R-part-both", total="100.00", status="paid")
    w.adjustment("optimizely", "R-part-both", "30.00", action="cancel", order_match_key="R-PART-BOTH")
    w.adjustment("optimizely", "R-part-both", "20.00", action="return", order_match_key="R-PART-BOTH")
    w.order("optimizely", "R-whole-cancel", total="80.00", status="paid")
    w.adjustment("optimizely", "R-whole-cancel", "80.00", action="cancel", order_match_key="R-WHOLE-CANCEL")

    for number in ("R-untold", "R-told-later"):
        w.order("omnisend", number, total="80.00", status="paid")
        w.adjustment("omnisend", number, None, order_match_key=number.upper(), amount_kind="running_total")
    w.adjustment("omnisend", "R-told-later", "30.00", order_match_key="R-TOLD-LATER", amount_kind="running_total")

    w.adjustment("optimizely", "R-orphan", "7.00", order_match_key="R-ORPHAN")
    w.order("ometria", "R-negative", total="-15.00", order_match_key="R-NEGATIVE")
    w.order("ometria", "R-original", total="40.00", order_match_key="R-ORIGINAL")
    w.order("ometria", "R-second", order_number="R-original", total="-15.00", order_match_key="R-ORIGINAL")


def wholes(w: WarehouseBuilder) -> None:
    """What is taken back, and of which whole."""
    money = {"total": "55.00", "subtotal": "50.00", "shipping_total": "5.00"}
    for number, action, amount, subtotal in (
        ("W-cancel-goods", "cancel", "50.00", "50.00"),
        ("W-cancel-part", "cancel", "20.00", "20.00"),
        ("W-return-goods", "return", "50.00", "50.00"),
        ("W-shipping", "refund", "2.00", "0"),
        ("W-all", "refund", "55.00", None),
    ):
        w.order("optimizely", number, status="paid", **money)
        w.adjustment(
            "optimizely", number, amount, subtotal_amount=subtotal, action=action, order_match_key=number.upper()
        )
    w.order("optimizely", "W-free-goods", status="paid", total="5.00", subtotal="0", shipping_total="5.00")
    w.adjustment("optimizely", "W-free-goods", "2.00", subtotal_amount="0", order_match_key="W-FREE-GOODS")
    w.order("optimizely", "W-mixed", status="paid", **money)
    w.adjustment("optimizely", "W-mixed", "30.00", subtotal_amount="30.00", order_match_key="W-MIXED")
    w.adjustment("optimizely", "W-mixed", "25.00", order_match_key="W-MIXED")
    # Every vendor reports one order in another way, and one vendor cancels all of what it knows.
    w.order(
        "ometria",
        "W-quarrel",
        status="partially_refunded",
        total="280.67",
        refunded_total="93.55",
        currency="GBP",
        is_currency_inferred=False,
    )
    w.order("voucherify", "W-quarrel", status="canceled", total="167.69", is_currency_inferred=True)
    w.order(
        "optimizely",
        "W-quarrel",
        status="paid",
        total="167.69",
        subtotal="167.69",
        is_from_event=True,
        is_currency_inferred=True,
    )
    w.adjustment(
        "optimizely",
        "W-quarrel",
        "167.69",
        subtotal_amount="167.69",
        action="cancel",
        order_match_key="W-QUARREL",
        is_currency_inferred=True,
    )
    w.order("ometria", "W-record", status="paid", total="55.00", refunded_total="20.00")
    w.adjustment("optimizely", "W-record", "30.00", order_match_key="W-RECORD")
    # A third of what the vendor says it cost, in its own currency.
    w.order("ometria", "W-share", status="paid", total="100.00", currency="EUR", is_currency_inferred=False)
    w.order("omnisend", "W-share", status="paid", total="90.00", currency="GBP", is_currency_inferred=False)
    w.adjustment("omnisend", "W-share", "30.00", currency="GBP", order_match_key="W-SHARE", is_currency_inferred=False)
    w.order("ometria", "W-share-stated", status="paid", total="100.00", currency="EUR", is_currency_inferred=False)
    stated = {"currency": "GBP", "is_currency_inferred": False}
    w.order("omnisend", "W-share-stated", status="paid", total="90.00", refunded_total="90.00", **stated)


def left_out(w: WarehouseBuilder) -> None:
    """Every field of an order, and a later version that says none of it."""
    w.profile("ometria", "keeper", email="keeper@orders.example")
    said = {
        "order_number": "K-1",
        "order_match_key": "K-1",
        "store_id": "berlin",
        "channel": "web",
        "owner_record_id": "keeper",
        "stream": "profiles",
        "is_guest": False,
        "ordered_at": datetime(2023, 12, 30, 8, tzinfo=UTC),
        "currency": "USD",
        "is_currency_inferred": False,
        "subtotal": "50.00",
        "discount_total": "5.00",
        "shipping_total": "6.00",
        "fees_total": "1.00",
        "tax_total": "3.00",
        "total": "55.00",
        "refunded_total": "4.00",
        "status_raw": "shipped",
        "status": "shipped",
        "is_test": True,
        "is_valid_source": True,
    }
    silent = dict.fromkeys(said, None) | {
        "stream": "profiles",
        "order_match_key": "K-INTERNAL",
        "currency": "EUR",
        "is_currency_inferred": True,
        "is_guest": True,
        "ordered_at": datetime(2024, 1, 2, tzinfo=UTC),
        "is_ordered_at_inferred": True,
    }
    for vendor, later in (("ometria", silent), ("voucherify", silent | {"status": "unknown"})):
        prefix = vendor[0].upper()
        for day, version in ((1, said), (2, later)):
            row = w.order(
                vendor,
                f"{prefix}-internal",
                export_date=date(2024, 1, day),
                **version | {"order_namespace": f"kept by {vendor}"},
            )
            if day == 1:
                w.line(row, "kept", total="50.00", currency="USD")
    # Paid and sent; then the payment alone is reported again.
    for day, payment, fulfillment, status in ((1, "paid", "fulfilled", "shipped"), (2, "paid", None, "paid")):
        reported = {
            "payment_status_raw": payment,
            "fulfillment_status_raw": fulfillment,
            "status_raw": payment,
            "status": status,
        }
        w.order("omnisend", "K-2", total="10.00", export_date=date(2024, 1, day), **reported)
    # The number was corrected withon one day.
    for source_row, number in ((1, "ZZ-90"), (2, "AA-10")):
        file = "landing/ometria/orders/2024-01-01/corrected.ndjson"
        w.order(
            "ometria",
            "501",
            order_number=number,
            order_match_key=number,
            total="20.00",
            source_file=file,
            source_row=source_row,
        )
    w.order("voucherify", "AA-10", total="20.00")
    for day, name in ((1, None), (2, "keeper"), (3, "later")):
        owner = f"derived:{name}" if name else None
        if name:
            contact = w.add(
                "contacts",
                source="omnisend",
                stream="events",
                source_record_id=owner,
                alias_id=alias("omnisend", "derived", owner),
            )
            w.identifier(contact, "email", f"{name}@orders.example")
        when = datetime(2024, 1, day, tzinfo=UTC)
        # What happened first lands last.
        w.order(
            "omnisend",
            "K-3",
            total="9.00",
            owner_record_id=owner,
            is_from_event=True,
            source_updated_at=when,
            export_date=date(2024, 1, 10 - day),
        )


def colliding(w: WarehouseBuilder) -> None:
    """Numbers used twice, and purchases under two numbers; `people` buy in the vendors' own records."""
    for vendor in ("ometria", "voucherify", "omnisend"):
        for name in ("ulla", "vera"):
            w.profile(vendor, f"{name}-{vendor}", email=f"{name}@twice.example", stream="contacts")

    def buys(vendor: str, number: str, name: str | None, total: str, day: int, **values: object) -> None:
        owner = {"owner_record_id": f"{name}-{vendor}", "stream": "contacts"} if name else {}
        w.order(vendor, number, total=total, ordered_at=datetime(2024, 1, day, 12, tzinfo=UTC), **{**owner, **values})

    buys("ometria", "TWICE-REUSED", "ulla", "10.00", 1)
    buys("omnisend", "TWICE-REUSED", "ulla", "10.50", 2)
    buys("voucherify", "TWICE-REUSED", "vera", "20.00", 12)
    for day in (5, 15, None):
        when = datetime(2024, 1, day, 12, tzinfo=UTC) if day else None
        named = {"source_order_id": "TWICE-REUSED", "order_namespace": "shop", "order_match_key": "TWICE-REUSED"}
        w.adjustment("optimizely", "TWICE-REUSED", f"1.{day or 0:02}", occurred_at=when)
        w.event("optimizely", f"reused-{day}", **named, occurred_at=when or datetime(2023, 12, 1, tzinfo=UTC))
        w.add("redemptions", source="optimizely", redemption_id=f"reused-{day}", redeemed_at=when, **named)
        w.add("reviews", source="optimizely", review_id=f"reused-{day}", reviewed_at=when, **named)
    for number, name, total, day in (
        ("TWICE-PERSON", "ulla", "20.00", 20),
        ("TWICE-TOTAL", "vera", "10.00", 20),
        ("TWICE-WEEK", "vera", "20.00", 8),
    ):
        buys("ometria", number, "ulla", "10.00", 1)
        buys("voucherify", number, name, total, day)
    buys("omnisend", "twice-internal", "ulla", "33.00", 5, order_number="TWICE-1", order_match_key="TWICE-1")
    buys("ometria", "TWICE-INTERNAL", "ulla", "33.00", 6)
    buys("omnisend", "twice-other", "ulla", "34.00", 5, order_number="TWICE-2", order_match_key="TWICE-2")
    buys("ometria", "TWICE-OTHER", "vera", "34.00", 5)
    buys("omnisend", "TWICE-3", "vera", "35.00", 5)
    buys("ometria", "TWICE-4", "vera", "35.00", 6)
    buys("omnisend", "TWICE-5", "vera", "36.00", 5)
    buys("omnisend", "TWICE-6", "vera", "36.00", 5)


def money(w: WarehouseBuilder) -> None:
    w.order("ometria", "M-gbp", currency="GBP", total="100.00", ordered_at=datetime(2024, 1, 1, 23, 59, tzinfo=UTC))
    w.order("ometria", "M-gbp-next", currency="GBP", total="100.00", ordered_at=datetime(2024, 1, 2, tzinfo=UTC))
    w.order("ometria", "M-jpy", currency="JPY", total="1000")
    w.order("ometria", "M-bhd", currency="BHD", total="12.345")
    w.order("ometria", "M-early", currency="BRL", total="55.00", ordered_at=datetime(2024, 1, 31, tzinfo=UTC))
    w.order("ometria", "M-half", currency="EUR", total="10.005")
    lines = w.order("ometria", "M-lines", total="30.00", shipping_total="4.00", discount_total="2.00")
    w.line(lines, "a", total="28.00", line_no=1)
    w.line(lines, "post", total="4.00", line_no=2, is_shipping=True)
    w.line(lines, "wrap", total="1.50", line_no=3, is_fee=True)
    wrong = w.order("ometria", "M-wrong", total="31.00")
    w.line(wrong, "a", total="28.00")


def currencies(w: WarehouseBuilder) -> None:
    w.order("ometria", "C-foreign", currency="EUR", total="100.00", is_currency_inferred=False)
    w.adjustment(
        "omnisend", "C-foreign", "30.00", currency="GBP", order_match_key="C-FOREIGN", is_currency_inferred=False
    )
    w.order("ometria", "C-both", currency="EUR", total="100.00", is_currency_inferred=False)
    w.adjustment("ometria", "C-both", "20.00", currency="EUR", order_match_key="C-BOTH", is_currency_inferred=False)
    w.adjustment("omnisend", "C-both", "17.00", currency="GBP", order_match_key="C-BOTH", is_currency_inferred=False)
    w.order("ometria", "C-assumed", currency="GBP", total="100.00", is_currency_inferred=False)
    w.adjustment(
        "optimizely", "C-assumed", "40.00", currency="EUR", order_match_key="C-ASSUMED", is_currency_inferred=True
    )
    w.order("ometria", "C-stated", currency="EUR", total="80.00", discount_total="5.00", is_currency_inferred=True)
    w.order("omnisend", "C-stated", currency="GBP", total="80.00", is_currency_inferred=False)
    mixed = w.order("ometria", "C-lines", currency="USD", total="26.00", is_currency_inferred=False)
    w.line(mixed, "a", currency="GBP", total="20.00", line_no=1)
    w.line(mixed, "b", currency="USD", total="6.00", line_no=2)


def bare_orders(w: WarehouseBuilder) -> None:
    w.order(
        "open_delivery",
        "B-completed",
        total=None,
        status="completed",
        is_from_event=True,
        stream="events",
        is_ordered_at_inferred=True,
    )
    w.order("open_delivery", "B-canceled", total=None, status="canceled", is_from_event=True, stream="events")
    w.order("ometria", "B-unknown", total="9.00", status=None)


def order(query: Query, number: str, columns: str) -> tuple[object, ...]:
    rows = query(
        f"select {columns} from marts.fct_orders where order_number = upper($1) and order_namespace = 'shop'", [number]
    )
    assert len(rows) == 1
    return rows[0]


def conflicts(query: Query, number: str) -> list[str]:
    sql = "select distinct conflict_type from meta.order_conflicts join marts.fct_orders using (order_id) where order_number = upper($1) order by 1"
    return [kind for (kind,) in query(sql, [number])]


def test_an_order_reported_by_four_vendors_and_three_events_is_one_order(query: Query) -> None:
    assert order(query, "4122111", "source, sources, total_amount, currency, line_count, item_quantity, is_guest") == (
        "ometria",
        ["ometria", "omnisend", "optimizely", "voucherify"],
        Decimal("39.98"),
        "EUR",
        1,
        2,
        False,
    )


def test_each_vendor_record_of_an_order_is_kept_once_with_its_own_amount(query: Query) -> None:
    sql = (
        "select source, total_amount, is_primary from marts.bridge_order_sources join (select order_id from marts.fct_orders "
        "where order_number = '4122111' and order_namespace = 'shop') using (order_id) order by 1"
    )
    assert query(sql) == [
        ("ometria", Decimal("39.98"), True),
        ("omnisend", Decimal("39.98"), False),
        ("optimizely", Decimal("39.98"), False),
        ("voucherify", Decimal("41.00"), False),
    ]


def test_the_furthest_state_any_report_states_is_the_state(query: Query) -> None:
    assert order(query, "4122111", "status, is_valid") == ("completed", True)


def test_a_figure_the_best_report_lacks_comes_from_the_next_that_has_it(query: Query) -> None:
    assert order(query, "4122111", "discount_amount, tax_amount") == (Decimal("1.00"), Decimal("3.20"))


def test_disagreements_between_vendors_are_listed(query: Query) -> None:
    assert conflicts(query, "4122111") == ["amount", "currency", "customer", "status"]


def test_the_same_number_of_another_shop_is_another_order(query: Query) -> None:
    assert query(
        "select total_amount, status from marts.fct_orders where order_namespace = 'delivery' and order_number = '4122111'"
    ) == [(Decimal("12.00"), "created")]


def test_the_newest_version_of_a_record_counts_whatever_came_last(query: Query) -> None:
    assert order(query, "V-1", "total_amount, status, item_quantity") == (Decimal("12.00"), "completed", 3)


def test_a_version_that_states_the_status_alone_leaves_money_buyer_time_and_lines_as_they_were(query: Query) -> None:
    columns = "status, total_amount, item_quantity, is_guest, customer_id is not null, cast(ordered_at as date)"
    assert order(query, "V-STATE", columns) == ("shipped", Decimal("40.00"), 2, False, True, date(2024, 1, 1))


def test_a_version_without_lines_has_its_own_money_and_the_lines_last_reported(query: Query) -> None:
    assert order(query, "V-HEAD", "status, total_amount, line_count, item_quantity") == (
        "shipped",
        Decimal("35.00"),
        1,
        2,
    )


def test_an_order_that_is_no_longer_reported_as_canceled_is_none(query: Query) -> None:
    assert order(query, "V-REVIVED", "status, net_amount") == ("completed", Decimal("10.00"))


@pytest.mark.parametrize(
    ("number", "status"),
    [("S-TIMES", "completed"), ("S-ASSUMED", "created"), ("S-TIME-OF-END", "canceled")],
)
def test_a_time_of_a_state_that_a_later_version_leaves_out_is_not_taken_back(
    query: Query, number: str, status: str
) -> None:
    assert order(query, number, "status") == (status,)


@pytest.mark.parametrize(
    ("number", "total"),
    [
        ("W-STATED", "45.00"),
        ("W-LESS", "45.00"),
        ("W-GROWN", "55.00"),
        ("W-RESTATED", "48.00"),
        ("W-FEES", "57.00"),
    ],
)
def test_a_total_that_is_worked_out_displaces_none_that_was_stated_and_keeps_earlier_discounts_and_fees(
    query: Query, number: str, total: str
) -> None:
    assert order(query, number, "total_amount") == (Decimal(total),)


@pytest.mark.parametrize(
    ("number", "status", "refunded"),
    [
        ("S-CORRECTED", "completed", 0),
        ("S-SILENT", "refunded", 50),
        ("S-SHIPPED", "refunded", 50),
        ("S-PAID", "paid", 0),
        ("S-STATED", "refunded", 50),
    ],
)
def test_what_follows_from_the_status_refunded_alone_goes_with_it(
    query: Query, number: str, status: str, refunded: int
) -> None:
    assert order(query, number, "status, refunded_amount, net_amount") == (
        status,
        Decimal(refunded),
        Decimal(50 - refunded),
    )


def test_a_bridge_that_an_order_reported_is_gone_when_the_order_is_corrected(query: Query) -> None:
    sql = "select distinct customer_id from marts.bridge_customer_records where source_record_id = $1"
    [(ana,)], [(bob,)] = query(sql, ["ana-77"]), query(sql, ["bob-88"])
    assert ana != bob
    assert order(query, "V-BRIDGE", "customer_id") == (ana,)
    sql = "select customer_id, not_linking_reason from marts.bridge_customer_identifiers where identifier_value = 'bob@corrected.example'"
    assert sorted(query(sql), key=str) == sorted([(ana, "superseded"), (bob, None)], key=str)


def test_an_order_reported_again_with_less_of_its_buyer_still_links_by_all_of_it(query: Query) -> None:
    sql = (
        "select is_linking from marts.bridge_customer_identifiers where identifier_value = 'also-ana@corrected.example'"
    )
    assert query(sql) == [(True,)]


def test_an_address_that_a_corrected_order_no_longer_names_links_nobody(query: Query) -> None:
    sql = "select not_linking_reason from marts.bridge_customer_identifiers where identifier_value = $1"
    assert (query(sql, ["tpyo@corrected.example"]), query(sql, ["typo@corrected.example"])) == (
        [("superseded",)],
        [(None,)],
    )
    sql = "select order_number from marts.fct_orders join marts.dim_customers using (customer_id) where email = 'typo@corrected.example'"
    assert query(sql) == [("V-TYPO",)]


def test_an_event_reported_again_corrects_the_buyer_it_names_and_keeps_one_that_it_leaves_out(query: Query) -> None:
    sql = "select order_number, email from marts.fct_orders join marts.dim_customers using (customer_id) where order_number like 'E-%' and email like '%corrected.example' order by 1"
    assert query(sql) == [(number, "eve@corrected.example") for number in ("E-LESS", "E-SILENT", "E-TYPO")]
    sql = "select identifier_value, not_linking_reason from marts.bridge_customer_identifiers where identifier_value like '+4930999%' order by 1"
    assert query(sql) == [("+4930999001", None), ("+4930999002", "superseded"), ("+4930999003", None)]


def test_an_event_reported_again_under_its_id_reports_the_order_in_its_newest_version_only(query: Query) -> None:
    columns = "status, total_amount, refunded_amount, line_count, item_quantity"
    assert order(query, "V-EVENT", columns) == ("partially_refunded", Decimal("80.00"), Decimal("15.00"), 1, 1)


def test_a_negative_order_that_was_corrected_takes_nothing_back(query: Query) -> None:
    assert order(query, "V-NEGATIVE", "status, net_amount") == ("completed", Decimal("20.00"))


def test_of_two_states_in_one_file_the_later_row_counts(query: Query) -> None:
    assert order(query, "V-2", "status") == ("paid",)


def test_an_order_delivered_as_a_row_per_item_keeps_all_lines_and_one_total(query: Query) -> None:
    assert order(query, "CSV-1", "total_amount, line_count, item_quantity") == (Decimal("27.00"), 3, 3)


def test_events_that_report_one_line_each_make_one_order_with_all_lines(query: Query) -> None:
    assert order(query, "LINES-1", "total_amount, line_count") == (Decimal("30.00"), 2)


def test_where_a_file_is_cut_decides_nothing_about_the_lines_of_an_order(query: Query) -> None:
    assert order(query, "CSV-CUT", "total_amount, line_count, item_quantity") == (Decimal("18.00"), 2, 2)


def test_of_two_versions_of_one_day_that_each_make_the_order_only_the_newer_has_lines(query: Query) -> None:
    assert query(
        "select title, product_id from marts.fct_order_lines join marts.fct_orders using (order_id) where order_number = 'TWICE-A-DAY'"
    ) == [(None, "right")]


def test_lines_and_total_of_an_order_come_from_the_newest_event_that_has_both(query: Query) -> None:
    assert order(query, "LINES-2", "total_amount, line_count") == (Decimal("40.00"), 2)


@pytest.mark.parametrize(
    ("number", "status", "is_valid", "refunded", "net"),
    [
        ("W-cancel-goods", "canceled", False, "0", "0"),
        ("W-cancel-part", "partially_refunded", True, "20.00", "35.00"),
        ("W-return-goods", "refunded", True, "50.00", "5.00"),
        ("W-shipping", "partially_refunded", True, "2.00", "53.00"),
        ("W-all", "refunded", True, "55.00", "0"),
        ("W-free-goods", "partially_refunded", True, "2.00", "3.00"),
        ("W-mixed", "refunded", True, "55.00", "0"),
        ("W-quarrel", "canceled", False, "93.55", "0"),
        ("W-record", "partially_refunded", True, "30.00", "25.00"),
        ("W-share", "partially_refunded", True, "33.3333", "66.6667"),
        ("W-share-stated", "refunded", True, "100.00", "0"),
    ],
)
def test_whole_and_part_are_reported_apart_by_the_whole_they_are_of(
    query: Query, number: str, status: str, *, is_valid: bool, refunded: str, net: str
) -> None:
    assert order(query, number, "status, is_valid, refunded_amount, net_amount") == (
        status,
        is_valid,
        Decimal(refunded),
        Decimal(net),
    )


def test_a_refund_in_the_vendors_currency_is_listed_as_reported_and_as_it_counts(query: Query) -> None:
    sql = "select a.currency, amount, told_currency, told_amount from marts.fct_order_adjustments as a join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = 'W-SHARE'") == [("EUR", Decimal("33.3333"), "GBP", Decimal("30.0000"))]


def test_a_refund_total_that_an_order_states_is_listed_like_one_that_events_report(query: Query) -> None:
    sql = "select chosen_source, chosen_value, other_source, other_value from meta.order_conflicts join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = 'W-RECORD' and conflict_type = 'refund'") == [
        ("optimizely", "30.0000", "ometria", "20.0000")
    ]


def test_a_vendor_is_in_no_conflict_with_itself(query: Query) -> None:
    assert [conflicts(query, number) for number in ("W-cancel-goods", "W-return-goods", "W-mixed")] == [[], [], []]


def test_the_vendor_with_the_word_that_counts_is_named(query: Query) -> None:
    sql = "select distinct conflict_type, chosen_source, other_source from meta.order_conflicts join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = 'W-QUARREL' and conflict_type in ('status', 'amount') order by all") == [
        ("amount", "ometria", "optimizely"),
        ("amount", "ometria", "voucherify"),
        ("status", "voucherify", "ometria"),
    ]


@pytest.mark.parametrize("vendor", ["ometria", "voucherify"])
def test_a_version_that_leaves_everything_out_takes_nothing_back(query: Query, vendor: str) -> None:
    amounts = (
        "subtotal_amount, discount_amount, shipping_amount, fees_amount, tax_amount, total_amount, refunded_amount"
    )
    columns = f"order_number, store_id, channel, is_guest, is_test, ordered_at, is_ordered_at_inferred, currency, line_count, {amounts}"
    money = tuple(Decimal(amount) for amount in ("50.00", "5.00", "6.00", "1.00", "3.00", "55.00", "4.00"))
    assert query(f"select {columns} from marts.fct_orders where order_namespace = $1", [f"kept by {vendor}"]) == [
        ("K-1", "berlin", "web", False, True, datetime(2023, 12, 30, 8, tzinfo=UTC), False, "USD", 1, *money)
    ]
    sql = "select status, is_valid_source from marts.bridge_order_sources join marts.fct_orders as orders using (order_id) where order_namespace = $1"
    assert query(sql.replace("select status", "select orders.status"), [f"kept by {vendor}"]) == [
        ("partially_refunded", True)
    ]


def test_an_order_keeps_its_buyer_when_a_later_version_names_none(query: Query) -> None:
    sql = "select email from marts.fct_orders join marts.dim_customers using (customer_id) where order_namespace = 'kept by ometria'"
    assert query(sql) == [("keeper@orders.example",)]


def test_what_was_said_of_fulfilment_holds_when_the_payment_alone_is_reported_again(query: Query) -> None:
    assert order(query, "K-2", "status") == ("shipped",)


def test_the_number_of_the_newest_version_is_the_number_of_the_order(query: Query) -> None:
    assert order(query, "AA-10", "sources") == (["ometria", "voucherify"],)
    assert query("select count(*) from marts.fct_orders where order_number = 'ZZ-90'") == [(0,)]


def test_an_order_reported_by_events_belongs_to_whom_the_first_of_them_names(query: Query) -> None:
    sql = "select email from marts.fct_orders join marts.dim_customers using (customer_id) where order_number = 'K-3'"
    assert query(sql) == [("keeper@orders.example",)]
    sql = "select email from meta.order_conflicts as told join marts.fct_orders using (order_id) join marts.dim_customers as c on c.customer_id = other_value"
    assert query(f"{sql} where order_number = 'K-3' and conflict_type = 'customer'") == [("later@orders.example",)]


def test_a_number_used_for_two_purchases_makes_two_orders(query: Query) -> None:
    sql = "select total_amount, sources, order_date from marts.fct_orders where order_number = 'TWICE-REUSED' order by ordered_at"
    assert query(sql) == [
        (Decimal("10.00"), ["ometria", "omnisend"], date(2024, 1, 1)),
        (Decimal("20.00"), ["voucherify"], date(2024, 1, 12)),
    ]
    sql = "select chosen_source, other_source, other_value from meta.order_conflicts where conflict_type = 'number_reused'"
    assert query(sql) == [("ometria", "voucherify", "TWICE-REUSED")]


def test_the_earlier_of_two_purchases_keeps_the_id_of_the_number(query: Query) -> None:
    sql = "select order_id = md5(concat('=shop', chr(31), '=TWICE-REUSED')) from marts.fct_orders where order_number = 'TWICE-REUSED' order by ordered_at"
    assert query(sql) == [(True,), (False,)]


@pytest.mark.parametrize(
    ("mart", "known_by"),
    [
        ("fct_order_adjustments", "split_part(cast(amount as varchar), '.', 2)[:2]"),
        ("fct_events", "split_part(event_id, '-', 2)"),
        ("fct_redemptions", "split_part(redemption_id, '-', 2)"),
        ("fct_reviews", "split_part(review_id, '-', 2)"),
    ],
)
def test_what_names_a_number_used_twice_means_the_newest_purchase_before_it(
    query: Query, mart: str, known_by: str
) -> None:
    sql = f"""
        select day(orders.order_date), list({known_by} order by {known_by})
        from marts.{mart} as named inner join marts.fct_orders as orders using (order_id)
        where orders.order_number = 'TWICE-REUSED' and named.source = 'optimizely' group by all order by 1
    """
    undated = "00" if mart == "fct_order_adjustments" else "None"
    assert query(sql) == [(1, sorted(["05" if undated == "00" else "5", undated])), (12, ["15"])]


@pytest.mark.parametrize("number", ["TWICE-PERSON", "TWICE-TOTAL", "TWICE-WEEK"])
def test_reports_that_share_a_person_a_total_or_a_week_are_one_purchase(query: Query, number: str) -> None:
    assert order(query, number, "sources") == (["ometria", "voucherify"],)


def test_one_purchase_under_the_id_of_one_vendor_and_the_number_of_another_is_one_order(query: Query) -> None:
    assert order(query, "TWICE-1", "sources, total_amount") == (["ometria", "omnisend"], Decimal("33.00"))
    assert query("select count(*) from marts.fct_orders where order_number = 'TWICE-INTERNAL'") == [(0,)]
    assert query("select count(*) from marts.fct_orders where order_number in ('TWICE-2', 'TWICE-OTHER')") == [(2,)]


def test_two_orders_of_one_person_and_day_with_one_total_are_listed_and_never_merged(query: Query) -> None:
    sql = "select other_source, other_value, chosen_source, chosen_value from meta.order_conflicts where conflict_type = 'possible_duplicate' and chosen_value like 'TWICE%'"
    assert query(sql) == [("omnisend", "TWICE-3", "ometria", "TWICE-4")]


def test_a_vendors_own_id_means_the_order_with_the_number_it_names_elsewhere(query: Query) -> None:
    assert order(query, "1007", "total_amount, refunded_amount, net_amount, status") == (
        Decimal("70.00"),
        Decimal("20.00"),
        Decimal("50.00"),
        "partially_refunded",
    )
    (order_id,) = order(query, "1007", "order_id")
    assert query("select order_id from marts.fct_events where event_id = 'event-7'") == [(order_id,)]


def test_an_event_that_names_an_unknown_order_has_none(query: Query) -> None:
    assert query("select order_id from marts.fct_events where event_id = 'event-8'") == [(None,)]


@pytest.mark.parametrize(
    ("number", "status", "refunded", "net"),
    [
        ("R-delta", "partially_refunded", "50.00", "50.00"),
        ("R-running", "partially_refunded", "25.00", "75.00"),
        ("R-over", "refunded", "60.00", "0"),
        ("R-full", "refunded", "50.00", "0"),
        ("R-canceled", "canceled", "0", "0"),
        ("R-part-cancel", "partially_refunded", "30.00", "50.00"),
        ("R-part-both", "partially_refunded", "50.00", "50.00"),
        ("R-whole-cancel", "canceled", "0", "0"),
        ("R-original", "partially_refunded", "15.00", "25.00"),
    ],
)
def test_what_is_taken_back_is_counted_once(query: Query, number: str, status: str, refunded: str, net: str) -> None:
    assert order(query, number, "status, refunded_amount, net_amount") == (status, Decimal(refunded), Decimal(net))


def test_of_two_vendors_that_state_the_same_refunds_the_one_that_says_when_is_listed(query: Query) -> None:
    sql = "select a.source, amount, day(occurred_at) from marts.fct_order_adjustments a join marts.fct_orders using (order_id) where order_number = 'R-TIMED'"
    assert sorted(query(sql)) == [("omnisend", Decimal("10.00"), 4), ("omnisend", Decimal("15.00"), 6)]


def test_of_a_line_counts_as_refunded_what_the_lines_of_its_refunds_take_back(query: Query) -> None:
    sql = "select product_id, quantity, refunded_quantity, fct_order_lines.refunded_amount from marts.fct_order_lines join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = 'L-RETURNED' order by line_number") == [
        ("rose", 2, 1, Decimal("10.00")),
        ("tulip", 3, 3, Decimal("30.00")),
        ("tulip", 2, 1, Decimal("10.00")),
    ]


def test_the_lines_of_an_order_that_reports_its_refund_are_not_what_was_refunded(query: Query) -> None:
    sql = "select refunded_quantity, fct_order_lines.refunded_amount from marts.fct_order_lines join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = 'L-TOLD-IN-FULL'") == [(None, None)]


@pytest.mark.parametrize(
    ("number", "moment", "is_inferred"),
    [
        ("T-stated", "2024-01-02 00:00", True),
        ("T-canceled", "2024-01-02 00:00", True),
        ("T-dated", "2024-01-02 08:00", False),
        ("T-told", "2024-01-02 00:00", True),
        ("R-delta", "2024-01-05 12:00", False),
    ],
)
def test_an_adjustment_that_nobody_dates_is_of_the_day_that_first_reported_it_and_says_so(
    query: Query, number: str, moment: str, *, is_inferred: bool
) -> None:
    sql = "select distinct strftime(occurred_at, '%Y-%m-%d %H:%M'), is_occurred_at_inferred, source_account from marts.fct_order_adjustments join marts.fct_orders using (order_id)"
    assert query(f"{sql} where order_number = upper($1)", [number]) == [(moment, is_inferred, "default")]


def test_a_vendor_that_cancels_a_part_and_takes_another_back_does_not_contradict_itself(query: Query) -> None:
    assert conflicts(query, "R-part-both") == []
    assert "refund" in conflicts(query, "R-delta")


def test_refunds_of_an_order_sum_to_what_it_says_was_refunded(query: Query) -> None:
    sql = """
        select order_number from marts.fct_orders
        left join (
            select order_id, sum(amount) as amount from marts.fct_order_adjustments
            where (order_id, currency) in (select order_id, currency from marts.fct_orders)
            and not (adjustment_type = 'cancel' and order_id in (select order_id from marts.fct_orders where status = 'canceled'))
            group by order_id
        ) using (order_id)
        where refunded_amount <> coalesce(amount, 0)
    """
    assert query(sql) == []


@pytest.mark.parametrize(("source", "amount"), [("optimizely", "7.00"), ("ometria", "15.00")])
def test_a_refund_that_names_no_known_order_is_an_orphan_and_no_order(query: Query, source: str, amount: str) -> None:
    sql = "select count(*) from {} where {} = $1 and {} = $2 and order_id is null"
    assert query(sql.format("marts.fct_order_adjustments", "source", "amount"), [source, Decimal(amount)]) == [(1,)]
    orphan = "select count(*) from meta.order_conflicts where conflict_type = 'orphan_refund' and other_source = $1 and cast(other_value as decimal(18, 4)) = $2"
    assert query(orphan, [source, Decimal(amount)]) == [(1,)]
    assert query("select count(*) from marts.fct_orders where order_number in ('R-ORPHAN', 'R-NEGATIVE')") == [(0,)]


@pytest.mark.parametrize(
    ("number", "reporting"),
    [
        ("M-gbp", "125.00"),
        ("M-gbp-next", "111.11"),
        ("M-jpy", "6.25"),
        ("M-bhd", None),
        ("M-early", None),
        ("M-half", "10.01"),
    ],
)
def test_amounts_are_converted_at_the_rate_of_the_order_date_or_not_at_all(
    query: Query, number: str, reporting: str | None
) -> None:
    assert order(query, number, "net_amount_reporting") == (reporting and Decimal(reporting),)


def test_an_order_without_a_rate_is_listed(query: Query) -> None:
    sql = (
        "select order_number, value_given from meta.field_issues join marts.fct_orders using (order_id) "
        "where issue_code = 'no_fx_rate' and order_number like 'M-%' order by 1"
    )
    assert query(sql) == [("M-BHD", "BHD"), ("M-EARLY", "BRL")]


def test_shipping_and_fees_are_amounts_of_the_order_and_no_lines(query: Query) -> None:
    assert order(query, "M-lines", "line_count, item_quantity, shipping_amount, fees_amount") == (
        1,
        1,
        Decimal("4.00"),
        Decimal("1.50"),
    )
    assert conflicts(query, "M-lines") == []


def test_lines_that_do_not_make_the_total_are_listed_and_left_alone(query: Query) -> None:
    assert conflicts(query, "M-wrong") == ["lines_differ"]
    assert order(query, "M-wrong", "total_amount") == (Decimal("31.00"),)


def test_daily_metrics_sum_to_the_orders_exactly(query: Query) -> None:
    assert query("select sum(orders_attempted), sum(order_count), sum(revenue) from marts.daily_metrics") == query(
        "select count(*), count(*) filter (is_valid), sum(net_amount_reporting) filter (is_valid) from marts.fct_orders"
    )


@pytest.mark.parametrize(
    ("number", "currency", "status", "refunded", "net"),
    [
        ("C-foreign", "EUR", "partially_refunded", "0", "100.00"),
        ("C-both", "EUR", "partially_refunded", "20.00", "80.00"),
        ("C-assumed", "GBP", "partially_refunded", "40.00", "60.00"),
    ],
)
def test_a_refund_in_another_currency_is_never_subtracted(
    query: Query, number: str, currency: str, status: str, refunded: str, net: str
) -> None:
    assert order(query, number, "currency, status, refunded_amount, net_amount") == (
        currency,
        status,
        Decimal(refunded),
        Decimal(net),
    )


@pytest.mark.parametrize(
    ("number", "net", "amounts", "listed"),
    [("R-untold", "80.00", [None], ["refund_amount_missing"]), ("R-told-later", "50.00", [Decimal(30)], [])],
)
def test_a_refund_without_an_amount_is_listed_and_takes_nothing_off(
    query: Query, number: str, net: str, amounts: list[Decimal | None], listed: list[str]
) -> None:
    assert query("select net_amount from marts.fct_orders where order_number = upper($1)", [number]) == [
        (Decimal(net),)
    ]
    reported = "select amount from marts.fct_order_adjustments inner join marts.fct_orders using (order_id) where order_number = upper($1)"
    assert [amount for (amount,) in query(reported, [number])] == amounts
    assert conflicts(query, number) == listed


def test_a_refund_in_another_currency_is_listed(query: Query) -> None:
    assert conflicts(query, "C-foreign") == ["refund_amount_missing", "refund_currency", "status"]
    assert conflicts(query, "C-both") == ["refund_currency"]
    assert conflicts(query, "C-assumed") == ["status"]
    sql = "select a.currency, a.amount from marts.fct_order_adjustments as a join marts.fct_orders using (order_id) where order_number = '{}'"
    assert query(sql.format("C-FOREIGN")) == [("GBP", Decimal("30.0000"))]
    assert query(sql.format("C-BOTH")) == [("EUR", Decimal("20.0000"))]


def test_a_currency_that_is_stated_wins_over_one_that_was_assumed(query: Query) -> None:
    assert order(query, "C-stated", "source, currency, total_amount, discount_amount") == (
        "ometria",
        "GBP",
        Decimal("80.00"),
        Decimal("5.00"),
    )
    assert conflicts(query, "C-stated") == []


def test_a_line_stays_in_the_currency_it_is_reported_in(query: Query) -> None:
    of_order = "order_id in (select order_id from marts.fct_orders where order_number = 'C-LINES')"
    reported = query(
        f"select product_id, currency, total_amount from marts.fct_order_lines where {of_order} order by product_id"
    )
    assert reported == [("a", "GBP", Decimal("20.00")), ("b", "USD", Decimal("6.00"))]
    assert conflicts(query, "C-lines") == []


def test_an_order_that_one_event_names_by_id_is_an_order(query: Query) -> None:
    sql = "select status, is_valid, total_amount, net_amount, is_ordered_at_inferred from marts.fct_orders where order_number = 'B-COMPLETED'"
    assert query(sql) == [("completed", True, None, None, True)]
    listed = "select issue_code from meta.field_issues join marts.fct_orders using (order_id) where order_number = 'B-COMPLETED'"
    assert query(listed) == [("no_total",)]


def test_a_canceled_order_nets_nothing_even_if_nobody_says_what_it_cost(query: Query) -> None:
    assert order(query, "B-canceled", "is_valid, total_amount, net_amount") == (False, None, Decimal(0))


def test_an_order_of_unknown_state_is_attempted_and_not_valid(query: Query) -> None:
    assert order(query, "B-unknown", "status, is_valid") == ("unknown", False)


@pytest.mark.parametrize("column", ["order_date", "currency", "source"])
def test_daily_metrics_sum_to_the_orders_exactly_by_each_of_their_parts(query: Query, column: str) -> None:
    """Every amount and count, so that nothing is lost or doubled by the way it is cut."""
    metrics = query(
        f"select {column}, sum(orders_attempted), sum(order_count), sum(revenue), sum(gross_amount), sum(refunded_amount), sum(net_amount), "
        f"sum(item_quantity), sum(orders_without_rate) from marts.daily_metrics group by {column} order by {column}"
    )
    facts = query(
        f"select {column}, count(*), count(*) filter (is_valid), coalesce(sum(net_amount_reporting) filter (is_valid), 0), "
        "coalesce(sum(total_amount) filter (is_valid), 0), coalesce(sum(refunded_amount) filter (is_valid), 0), "
        "coalesce(sum(net_amount) filter (is_valid), 0), coalesce(sum(item_quantity) filter (is_valid), 0), "
        f"count(*) filter (is_valid and net_amount_reporting is null) from marts.fct_orders group by {column} order by {column}"
    )
    assert metrics == facts


def test_new_customers_of_all_days_are_the_customers_with_a_valid_order(query: Query) -> None:
    assert query("select sum(new_customer_count) from marts.daily_metrics") == query(
        "select count(distinct customer_id) from marts.fct_orders where is_valid and customer_id is not null"
    )


def test_the_average_order_value_is_over_the_orders_that_have_a_rate(query: Query) -> None:
    rated = "count(*) filter (orders.is_valid and net_amount_reporting is not null)"
    sql = (
        f"select i.order_count > {rated}, i.average_order_value = round(i.total_revenue / {rated}, 2) from marts.customer_insights as i "
        "inner join marts.dim_customers as c using (customer_id) inner join marts.fct_orders as orders using (customer_id) "
        "where c.email = 'keeper@orders.example' group by i.order_count, i.average_order_value, i.total_revenue"
    )
    assert query(sql) == [(True, True)]
