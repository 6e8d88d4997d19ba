"""A week of one shop as four vendors deliver it: late files, corrections, refunds, repeats, a broken file, an address that moves.

Only what lands belongs here; what must become of it is said where it is tested.
"""

from collections.abc import Iterable, Iterator

from tests.support.arrivals import Arrival, lines

ANNA, BEN, CARLA = "anna@week.example.com", "ben@week.example.com", "carla@week.example.com"


def _profile(
    number: int, email: str, *, lists: Iterable[str] = (), tags: Iterable[str] = (), **more: object
) -> dict[str, object]:
    return {
        "@type": "profile",
        "id": f"profile-{number}",
        "customer_id": str(100 + number),
        "email": email,
        "identities": [{"id": email, "type": "email"}],
        "firstname": email.split("@")[0].title(),
        "lists": [{"id": name, "title": name.title(), "type": "STATIC"} for name in lists],
        "tags": list(tags),
        **more,
    }


def _order(number: str, email: str, status: str, total: str, day: int, **more: object) -> dict[str, object]:
    return {
        "@type": "order",
        "id": number,
        "increment_id": number,
        "status": status,
        "is_valid": status != "pending",
        "timestamp": f"2026-02-{day:02}T10:00:00+00:00",
        "currency": "EUR",
        "grand_total": total,
        "customer": {"email": email},
        "lineitems": [
            {
                "product": {"id": "rose", "sku": "ROSE"},
                "sku": "ROSE",
                "quantity": "1",
                "unit_price": total,
                "total": total,
            }
        ],
        **more,
    }


def _event(number: int, name: str, email: str, order: str, total: float, day: int, **more: object) -> dict[str, object]:
    return {
        "eventName": name,
        "eventID": f"event-{number}",
        "eventTime": f"2026-03-{day:02}T09:00:00Z",
        "contact": {"email": email},
        "properties": {
            "orderID": order,
            "orderNumber": order,
            "currency": "EUR",
            "totalPrice": total,
            "createdAt": "2026-03-02T08:00:00Z",
            **more,
        },
    }


def _bought(action: str, order: str, total: float, ts: int) -> dict[str, object]:
    return {
        "type": "order",
        "action": action,
        "identifiers": {"email": CARLA, "customer_id": "103"},
        "data": {"ts": ts, "order": {"order_id": order, "total": total, "subtotal": total}},
    }


def _visitor(email: str, number: str, segments: Iterable[str], revenue: float, **more: object) -> dict[str, object]:
    return {
        "identifiers": {"email": email, "customer_id": number},
        "attributes": {"country": "DE", **more},
        "insights": {"total_revenue": revenue, "order_count": 1, "average_order_value": revenue},
        "segments": list(segments),
    }


def _holder(number: int, email: str, total: int, count: int, average: int) -> dict[str, object]:
    return {
        "object": "customer",
        "id": f"cust_{number}",
        "source_id": str(100 + number),
        "email": email,
        "summary": {"orders": {"total_amount": total, "total_count": count, "average_amount": average}},
        "loyalty": {"points": 10 * number},
    }


PLACED = _event(1, "placed order", BEN, "W-3", 30.0, 2)
PAID = _event(2, "paid for order", BEN, "W-3", 30.0, 3)
REFUNDED = _event(3, "order refunded", BEN, "W-3", 30.0, 4, totalRefundedAmount=12.0)

WEEK: tuple[Arrival, ...] = (
    lines(
        "ometria/profiles/2026-03-02/profiles.ndjson",
        _profile(1, ANNA, lists=["vip"], tags=["Fair"], stats={"orders": 1}),
        _profile(2, BEN, lists=["vip"]),
    ),
    lines(
        "ometria/orders/2026-03-02/orders.ndjson",
        _order("W-1", ANNA, "pending", "10.00", 1),
        _order("W-2", BEN, "complete", "20.00", 2),
    ),
    lines(
        "voucherify/customers/2026-03-02/customers.ndjson",
        _holder(1, ANNA, 148800, 5, 49600),
        _holder(2, BEN, 2000, 1, 2000),
    ),
    lines("omnisend/events/2026-03-03/events.ndjson", PLACED, PAID),
    lines(
        "optimizely/profiles/2026-03-03/profiles.ndjson",
        _visitor(ANNA, "101", ["gold"], 10.0),
        _visitor(CARLA, "103", ["gold"], 5.0),
    ),
    lines("ometria/orders/2026-03-03/orders.ndjson", _order("W-1", ANNA, "complete", "10.00", 1)),
    lines("omnisend/events/2026-03-04/events.ndjson", PAID, REFUNDED),
    lines("ometria/profiles/2026-03-04/profiles_full.ndjson", _profile(1, ANNA, lists=["news"])),
    # Late: the order that was taken back below, and the same event once more, reported for an earlier export date.
    lines("optimizely/events/2026-03-02/late.ndjson", _bought("purchase", "W-4", 40.0, 1772100000)),
    lines("omnisend/events/2026-03-02/late.ndjson", PLACED),
    lines(
        "optimizely/events/2026-03-05/events.ndjson",
        _bought("refund", "W-4", -40.0, 1772600000),
        _bought("refund", "W-unknown", -7.0, 1772600001),
    ),
    # One content under two names, with another between them by name.
    lines(
        "ometria/orders/2026-03-05/a.ndjson", _order("W-2", BEN, "partial_refund", "20.00", 2, total_refunded="5.00")
    ),
    lines("ometria/orders/2026-03-05/b.ndjson", _order("W-2", BEN, "complete", "21.00", 2)),
    lines(
        "ometria/orders/2026-03-05/c.ndjson", _order("W-2", BEN, "partial_refund", "20.00", 2, total_refunded="5.00")
    ),
    Arrival("voucherify/customers/2026-03-05/broken.json", b'[{"id": "cust_1"'),
    lines("omnisend/events/2026-03-06/events.ndjson", REFUNDED, {"eventName": "viewed product", "contact": {}}),
    # A correction: the path says something else later in the week.
    lines("voucherify/customers/2026-03-03/customers.ndjson", _holder(1, ANNA, 1000, 1, 1000)),
    lines(
        "voucherify/customers/2026-03-03/customers.ndjson",
        _holder(1, ANNA, 3000, 2, 1500),
        _holder(3, CARLA, 4000, 1, 4000),
    ),
    lines("ometria/orders/2026-03-06/orders.ndjson", _order("W-5", ANNA, "complete", "50.00", 20)),
    lines(
        "ometria/orders/2026-03-06/orders.ndjson",
        _order("W-5", ANNA, "canceled", "50.00", 20),
        _order("W-3", BEN, "complete", "31.00", 3),
    ),
    # Two reports of one event id with different content, and a person with an address that moves.
    lines(
        "omnisend/events/2026-03-07/events.ndjson",
        _event(3, "order refunded", BEN, "W-3", 30.0, 4, totalRefundedAmount=15.0),
    ),
    lines(
        "ometria/profiles/2026-03-08/profiles.ndjson",
        _profile(2, "benjamin@week.example.com", lists=[], tags=["Fair"]),
        _profile(3, CARLA),
    ),
)


def by_export_date() -> Iterator[list[Arrival]]:
    """The week as it was meant to come: day by day, a correction in a run of its own."""
    export_dates = sorted({arrival.path.split("/")[2] for arrival in WEEK})
    corrected: list[Arrival] = []
    for export_date in export_dates:
        known: dict[str, Arrival] = {}
        for arrival in WEEK:
            if arrival.path.split("/")[2] == export_date:
                (corrected if arrival.path in known else known.setdefault(arrival.path, arrival) and []).append(arrival)
        yield list(known.values())
    yield corrected
