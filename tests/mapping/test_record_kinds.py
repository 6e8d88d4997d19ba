"""What a record says it is decides, in every stream of every vendor: it is read as that, or rejected."""

import json
from collections.abc import Iterator

import pytest

from orchestration.mapping.model import Dialect, Vendor
from orchestration.mapping.record_kinds import Sign
from orchestration.vendors import discover
from tests.support.goldens import normalise

DIALECTS = [
    pytest.param(vendor, dialect, id=f"{vendor.code}-{dialect.stream}-{dialect.name}")
    for vendor in discover().values()
    for dialect in vendor.dialects
]
VENDORS = [pytest.param(vendor, id=vendor.code) for vendor in discover().values()]


def said(sign: Sign) -> Iterator[str]:
    """The kinds that a sign may show."""
    yield from (kind for kind in (sign.kind, *sign.words.values()) if kind)


@pytest.mark.parametrize(("vendor", "dialect"), DIALECTS)
def test_a_dialect_takes_what_all_its_fields_together_say(vendor: Vendor, dialect: Dialect) -> None:
    signs = [sign for sign in vendor.kinds.signs if sign.keys <= dialect.has]
    if signs:
        assert dialect.kinds & set(said(signs[0])), signs[0]


@pytest.mark.parametrize(("vendor", "dialect"), DIALECTS)
def test_no_field_of_a_dialect_says_that_it_is_something_else(vendor: Vendor, dialect: Dialect) -> None:
    """Else a record that is just what the dialect says would be read as it, and one with a field more would not."""
    for sign in vendor.kinds.signs:
        if sign.word_in is None and sign.keys <= dialect.shape.keys():
            earlier = vendor.kinds.signs[: vendor.kinds.signs.index(sign)]
            is_reported_before = any(one.keys <= dialect.has for one in earlier)
            assert is_reported_before or set(said(sign)) <= dialect.kinds, sign


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_kind_that_a_stream_takes_can_be_said(vendor: Vendor) -> None:
    can_say = {kind for sign in vendor.kinds.signs for kind in said(sign)} | set(vendor.kinds.pages.values())
    has_word = any(sign.word_in and sign.kind is None for sign in vendor.kinds.signs)
    for dialect in vendor.dialects:
        assert has_word or dialect.kinds <= can_say, dialect.name


VOUCHERIFY = {
    "customer": {"id": "cust_1", "object": "customer", "email": "ada@example.com"},
    "order": {
        "id": "ord_1",
        "object": "order",
        "source_id": "F-1",
        "amount": 4200,
        "total_amount": 4200,
        "status": "PAID",
    },
    "redemption": {"id": "r_1", "object": "redemption", "result": "SUCCESS", "date": "2026-02-01T10:00:00Z"},
    "segment": {"id": "seg_1", "object": "segment", "name": "VIP"},
    "event": {
        "id": "whs_1",
        "project_id": "p",
        "type": "customer.order.paid",
        "data": {"customer": {"id": "cust_1"}, "order": {"id": "ord_1", "status": "PAID"}},
    },
}
VOUCHERIFY_TABLES = {
    "customer": "customers",
    "order": "orders",
    "redemption": "redemptions",
    "segment": "segments",
    "event": "events",
}
OPEN_DELIVERY = {
    "customer": {"id": "c-1", "identifier": {"type": "email", "value": "ada@example.com"}},
    "order": {
        "id": "o-1",
        "displayId": "1",
        "lastEvent": "CREATED",
        "merchant": {"id": "m-1"},
        "total": {"orderAmount": {"value": 5, "currency": "BRL"}},
    },
    "lead": {"id": "l-1", "contact": {"type": "email", "value": "ada@example.com"}},
    "review": {"id": "r-1", "ratings": [{"method": "stars", "value": 4}]},
    "event": {"eventId": "e-1", "eventType": "CONFIRMED", "orderId": "o-1", "createdAt": "2026-02-01T10:00:00Z"},
    "loyalty_account": {"id": "a-1", "customerId": "c-1", "balanceType": "points", "balance": 5},
}
OPEN_DELIVERY_TABLES = {
    "customer": "customers", "order": "orders", "lead": "leads", "review": "reviews", "event": "events", "loyalty_account": "loyalty_accounts",
}  # fmt: skip
OMNISEND = {
    "contact": {"contactID": "6012", "email": "ada@example.com"},
    "order": {"orderID": "o-1", "email": "ada@example.com", "orderSum": 4200, "currency": "EUR"},
    "event": {"eventName": "viewed product", "eventID": "e-1", "contact": {"email": "ada@example.com"}},
    "segment": {"segmentID": "s-1", "name": "VIP"},
}
OMNISEND_TABLES = {"contact": "customers", "order": "orders", "event": "events", "segment": "segments"}
READ = [
    (vendor, stream, kind, record, tables[kind])
    for vendor, records, tables in (
        ("voucherify", VOUCHERIFY, VOUCHERIFY_TABLES),
        ("open_delivery", OPEN_DELIVERY, OPEN_DELIVERY_TABLES),
        ("omnisend", OMNISEND, OMNISEND_TABLES),
    )
    for stream in discover()[vendor].streams
    for kind, record in records.items()
]


@pytest.mark.parametrize(
    ("vendor", "stream", "kind", "record", "table"),
    READ,
    ids=[f"{vendor}-{kind}-in-{stream}" for vendor, stream, kind, *_ in READ],
)
def test_a_record_is_read_as_what_it_is_in_whichever_stream_it_lies(
    vendor: str, stream: str, kind: str, record: dict[str, object], table: str
) -> None:
    outcome = normalise(vendor, stream, [record])
    assert outcome.rejects == []
    [row] = outcome.normalised.frame(table).select("stream", "source_record_id").iter_rows()
    knowing = next(
        one.stream
        for one in discover()[vendor].dialects
        if kind in one.kinds and any(select.table == table for select in one.rows)
    )
    home = [one.stream for one in discover()[vendor].dialects if kind in one.kinds]
    assert row[0] == (stream if stream in home else knowing)


OTHERS: dict[str, list[dict[str, object]]] = {
    "voucherify": [
        {"id": "exp_1", "object": "export", "created_at": "2026-01-01T00:00:00Z", "status": "DONE", "channel": "API", "exported_object": "order"},
        {"id": "pub_1", "object": "publication", "customer_id": "cust_1", "customer": {"id": "cust_1"}, "result": "SUCCESS"},
        {"id": "camp_1", "object": "campaign", "name": "Spring", "campaign_type": "DISCOUNT_COUPONS", "status": "DONE", "created_at": "2026-01-01T00:00:00Z"},
        {"id": "v_1", "object": "voucher", "code": "SPRING", "campaign": "Spring", "type": "GIFT_VOUCHER", "gift": {"amount": 500}, "customer_id": "cust_1"},
        {"id": "prod_1", "object": "product", "name": "Fern", "price": 2000, "source_id": "fern_1"},
        {"id": "prod_1", "name": "Fern", "price": 2000, "source_id": "fern_1"},
        {"id": "sku_1", "object": "sku", "sku": "Fern, small", "source_id": "fern_s"},
        {"id": "val_1", "object": "validation_rules", "name": "Rule", "rules": {}, "type": "basic"},
        {"id": "ms_1", "object": "metadata_schema", "related_object": "customer", "properties": {}},
        {"id": "del_1", "object": "pernament_deletion", "related_object": "voucher", "related_object_id": "v_1", "status": "DONE"},
        {"id": "vtx_1", "voucher_id": "v_1", "type": "CREDITS_REDEMPTION", "amount": 500, "source_id": "r_1", "balance": 0},
        {"id": "lt_1", "object": "loyalty_tier", "name": "Gold"},
        {"id": "x_1"},
        {"id": "x_1", "created_at": "2026-01-01T00:00:00Z", "status": "DONE"},
    ],
    "open_delivery": [
        {"id": "m-1", "merchantStatus": "AVAILABLE", "services": [], "lastUpdate": "2026-03-01T10:00:00Z"},
        {"id": "m-1", "status": "AVAILABLE", "basicInfo": {"name": "Shop"}, "menus": [], "items": []},
        {"id": "m-1", "externalCode": "1", "name": "Shop", "status": "AVAILABLE"},
        {"deliveryId": "d-1", "orderId": "o-1", "event": {"type": "PENDING"}, "customerName": "Ada"},
        {"orderId": "o-1", "orderDisplayId": "1", "merchant": {"id": "m-1"}, "pickupAddress": {}, "vehicle": {}, "customerName": "Ada", "customerPhone": "1"},
        {"id": "i-1", "name": "Juice", "externalCode": "J", "unit": "UN", "status": "AVAILABLE"},
        {"id": "p-1", "name": "Bob", "pictureURL": "https://shop.example/1.png", "phone": "+5511988880018"},
        {"id": "rw-1", "programId": "p-1", "type": "product", "name": "Juice", "cost": 10},
        {"id": "x-1"},
        {"id": "x-1", "status": "AVAILABLE", "createdAt": "2026-03-01T10:00:00Z"},
    ],
    "omnisend": [
        {"campaignID": "c-1", "name": "Spring", "type": "standard", "status": "sent", "fromName": "Shop", "subject": "Spring"},
        {"id": "c-1", "name": "Spring", "type": "email", "status": "sent", "createdAt": "2026-03-01T10:00:00Z", "subject": "Spring"},
        {"productID": "p-1", "title": "Fern", "status": "inStock", "currency": "EUR", "tags": ["green"], "variants": []},
        {"id": "p-1", "title": "Fern", "status": "inStock", "currency": "EUR", "variants": [{"id": "v-1", "price": 5}]},
        {"categoryID": "c-1", "title": "Plants", "createdAt": "2026-03-01T10:00:00Z"},
        {"automationID": "a-1", "name": "Welcome", "status": "enabled"},
        {"id": "a-1", "name": "Welcome", "status": "enabled", "trigger": "subscribed", "createdAt": "2026-03-01T10:00:00Z"},
        {"cartID": "c-1", "contactID": "6012", "email": "ada@example.com", "currency": "EUR", "cartSum": 500},
        {"id": "x-1"},
        {"id": "x-1", "status": "enabled", "tags": ["a"], "createdAt": "2026-03-01T10:00:00Z"},
    ],
}  # fmt: skip
REJECTED = [(vendor, stream, records) for vendor, records in OTHERS.items() for stream in discover()[vendor].streams]


@pytest.mark.parametrize(
    ("vendor", "stream", "records"), REJECTED, ids=[f"{vendor}-{stream}" for vendor, stream, _ in REJECTED]
)
def test_what_is_none_of_ours_is_rejected_in_every_stream(
    vendor: str, stream: str, records: list[dict[str, object]]
) -> None:
    outcome = normalise(vendor, stream, records)
    loaded = {
        number: records[number - 1]
        for frames in outcome.normalised.frames.values()
        for frame in frames
        for number in frame.get_column("source_row")
    }
    assert loaded == {}
    assert {reason for _, reason, _ in outcome.rejects} == {"unknown_shape"}
    assert len(outcome.rejects) == len(records)


@pytest.mark.parametrize("stream", ["orders", "customers", "redemptions"])
def test_the_page_says_what_its_records_are_where_they_do_not(stream: str) -> None:
    orders = {
        "object": "list",
        "data_ref": "orders",
        "orders": [{"id": "ord_1", "amount": 4200, "status": "PAID"}],
        "total": 1,
    }
    outcome = normalise("voucherify", stream, json.dumps(orders).encode(), file_name="page.json")
    assert outcome.rejects == []
    assert outcome.row("orders")["subtotal"] == 42
    exports = {"object": "list", "data_ref": "exports", "exports": [{"id": "exp_1", "status": "DONE"}], "total": 1}
    outcome = normalise("voucherify", stream, json.dumps(exports).encode(), file_name="page.json")
    assert outcome.rejects == [(1, "unknown_shape", None)]
