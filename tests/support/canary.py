"""A person with personal values that are all texts found nowhere else, reported by all vendors, in every form that a
delivery comes in."""

import base64
import gzip
import io
import json
import re
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import zstandard

from orchestration.config.settings import Settings
from tests.support.archives import sheet, zipped

EXPORT_DATE, LATER = "2026-03-02", "2026-03-03"
EMAIL, TAGGED, PHONE, CPF = (
    "qxcanary.mail@qxcanary.example.org",
    "QxCanary.Mail+qxtag@qxcanary.example.org",
    "+4915790418263",
    "390.533.447-05",
)
SPELLINGS = (PHONE, "+49 1579 0418263", "0049 (1579) 041-8263")
FIRST, LAST, STREET, NOTE = "Qxfirstname", "Qxlastname", "Qxstreet 77", "qxnote-of-the-person"
IDS = {
    "shop": "qxshop-88112233",
    "ometria": "qxometria-1",
    "omnisend": "qxomnisend00000000000001",
    "voucherify": "cust_QxCanary",
    "delivery": "qxdelivery-customer",
}
# What no byte of any file may hold afterwards, in any case of letters.
CANARIES = (
    "qxcanary",
    "qxtag",
    "qxfirstname",
    "qxlastname",
    "qxstreet",
    "qxnote",
    "qxshop",
    "qxometria",
    "qxomnisend",
    "qxdelivery",
    "15790418263",
    "1579 0418263",
    "041-8263",
    "390.533.447-05",
    "39053344705",
)
OTHER = {"email": "other.person@example.org", "phone": "+4915711111111"}


def land_samples(settings: Settings) -> None:
    """The shipped exports: everybody else."""
    shutil.copytree(settings.samples, settings.landing)


def land(settings: Settings) -> None:
    """Everything that is reported of the person, most of it in files about others too."""
    _lines(settings, "ometria/profiles", "profiles-qx.ndjson", _ometria_profile(), _ometria_profile(other=True))
    _array(
        settings,
        "ometria/contacts",
        "contacts-qx.json.gz",
        {
            "@type": "contact",
            "@collection": "shop",
            "id": IDS["shop"],
            "customer_id": IDS["shop"],
            "email": EMAIL,
            "firstname": FIRST.upper(),
            "lastname": LAST.upper(),
            "phone_number": SPELLINGS[1],
        },
    )
    _lines(
        settings,
        "ometria/orders",
        "orders-qx.ndjson.zst",
        _ometria_order("QX-1", 37.5),
        _ometria_order("QX-2", 12.25),
        _ometria_order("OTHER-1", 99, other=True),
    )
    _array(
        settings,
        "omnisend/contacts",
        "contacts-of-qxcanary.mail@qxcanary.example.org.json",
        _omnisend_contact(),
        _omnisend_contact(other=True),
    )
    _lines(
        settings,
        "omnisend/events",
        "events-qx.ndjson",
        _omnisend_order("QX-3"),
        _omnisend_page(),
        '{"eventName": "broken", "contact": {"email": "' + EMAIL.upper() + '"}',
        {"eventName": "hook", "payload": base64.b64encode(f'{{"email": "{EMAIL}"}}'.encode()).decode()},
        {"eventName": "hook", "payload": json.dumps({"email": EMAIL, "text": f"Mail:\n{EMAIL}"})},
    )
    _put(settings, "omnisend/orders", "orders-qx.parquet", _parquet())
    _array(settings, "open_delivery/customers", "customers-qx.json", _delivery_customer())
    _lines(settings, "open_delivery/orders", "orders-qx.ndjson", _delivery_order())
    _lines(
        settings,
        "open_delivery/leads",
        "leads-qx.ndjson",
        {"id": "qxdelivery-lead", "name": f"{FIRST} {LAST}", "contact": EMAIL},
    )
    _put(
        settings,
        "open_delivery/reviews",
        "reviews-qx.json",
        json.dumps({"items": [_delivery_review()], "page": 1}, indent=2).encode(),
    )
    _put(
        settings,
        "optimizely/customers",
        "zaius_customers_qx.csv",
        _csv(
            "customer_id,email,first_name,last_name,phone,street1",
            f'{IDS["shop"]},{TAGGED},{FIRST},{LAST},{SPELLINGS[2]},"{STREET}"',
            "other-1,other.person@example.org,Other,Person,,",
        ),
    )
    _put(
        settings,
        "optimizely/orders",
        "zaius_orders_qx.csv",
        _csv(
            "email,action,order_id,total,subtotal,item_product_id,item_sku,item_price,item_quantity,ts,note",
            f"{EMAIL},purchase,QX-4,23.50,23.50,fern-s,FG-100,23.50,1,1772020000,{NOTE}",
            "other.person@example.org,purchase,OTHER-2,5.00,5.00,fern-s,FG-100,5.00,1,1772020000,",
        ),
    )
    _lines(
        settings,
        "optimizely/events",
        "events-qx.ndjson.gz",
        {
            "type": "product",
            "action": "detail",
            "identifiers": {"email": EMAIL},
            "data": {"ts": 1772020500, "product_id": "fern-s", "search": NOTE},
        },
    )
    _array(
        settings,
        "optimizely/consents",
        "consents-qx.json",
        {
            "identifier_field_name": "email",
            "identifier_value": EMAIL,
            "consent": True,
            "consent_update_reason": NOTE,
            "consent_update_ts": 1772020600,
        },
    )
    _array(settings, "voucherify/customers", "customers-qx.json", _voucherify_customer())
    _put(
        settings,
        "omnisend/contacts",
        "archive-qx.zip",
        zipped(
            {
                "a.json": json.dumps(
                    [_omnisend_contact(other=True), _omnisend_contact() | {"tags": ["qxnote zip"]}]
                ).encode(),
                "b.ndjson.gz": gzip.compress(json.dumps(_omnisend_contact() | {"address": STREET}).encode() + b"\n"),
            }
        ),
    )
    _put(
        settings,
        "optimizely/customers",
        "sheet-qx.xlsx",
        sheet(
            [
                ["customer_id", "email", "first_name", "last_name", "note"],
                [IDS["shop"], EMAIL, FIRST, LAST, NOTE],
                ["other-1", OTHER["email"], "Other", "Person", "shared"],
            ]
        ),
    )
    _lines(settings, "voucherify/orders", "orders-qx.ndjson", _voucherify_order())


def leave_half_a_page(settings: Settings) -> None:
    """What a pull that was killed left."""
    path = settings.landing / "omnisend" / "contacts" / EXPORT_DATE / "pull-01h02m03s" / "page-00001.json.part"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"contacts": [_omnisend_contact()]})[:-9], encoding="utf-8")


def _ometria_profile(*, other: bool = False) -> dict[str, Any]:
    if other:
        return {
            "@type": "profile",
            "id": "other-ometria",
            "email": OTHER["email"],
            "firstname": "Other",
            "lastname": "Person",
        }
    return {
        "@type": "profile",
        "id": IDS["ometria"],
        "customer_id": IDS["shop"],
        "email": EMAIL,
        "firstname": FIRST,
        "lastname": LAST,
        "phone_number": SPELLINGS[1],
        "date_of_birth": "1983-05-17",
        "properties": {"remark": NOTE},
        "tags": ["qxnote tag"],
    }


def _ometria_order(number: str, total: float, *, other: bool = False) -> dict[str, Any]:
    customer = (
        {"id": "other-1", "email": OTHER["email"]}
        if other
        else {"id": IDS["shop"], "email": EMAIL, "firstname": FIRST, "lastname": LAST}
    )
    address = (
        {}
        if other
        else {
            "billing_address": {"firstname": FIRST, "lastname": LAST, "street": STREET, "city": "Leipzig"},
            "note": NOTE,
            "coupon_code": "qxnote-coupon",
        }
    )
    return {
        "@type": "order",
        "id": number,
        "increment_id": number,
        "status": "complete",
        "is_valid": True,
        "timestamp": "2026-02-10T10:00:00+00:00",
        "currency": "EUR",
        "grand_total": total,
        "customer": customer,
        "lineitems": [
            {
                "product": {"id": "fern-1", "title": "Fern"},
                "sku": "FERN",
                "quantity": 1,
                "unit_price": total,
                "total": total,
            }
        ],
        **address,
    }


def _omnisend_contact(*, other: bool = False) -> dict[str, Any]:
    if other:
        return {
            "contactID": "other-omnisend",
            "email": OTHER["email"],
            "phone": OTHER["phone"],
            "firstName": "Other",
            "lastName": "Person",
        }
    return {
        "contactID": IDS["omnisend"],
        "email": EMAIL,
        "phone": PHONE,
        "firstName": FIRST,
        "lastName": LAST,
        "address": STREET,
        "customProperties": {"remark": NOTE},
    }


def _omnisend_order(number: str) -> dict[str, Any]:
    return {
        "eventName": "placed order",
        "eventTime": "2026-02-13T10:00:02Z",
        "eventID": "qxnote-event",
        "contact": {"id": IDS["omnisend"], "email": EMAIL, "phone": PHONE},
        "properties": {
            "orderID": number,
            "orderNumber": number,
            "currency": "EUR",
            "totalPrice": 62.10,
            "note": NOTE,
            "billingAddress": {"firstName": FIRST, "address1": STREET},
            "lineItems": [{"productID": "fern-1", "productTitle": "Fern", "productQuantity": 1, "productPrice": 62.10}],
        },
    }


def _omnisend_page() -> dict[str, Any]:
    return {
        "eventName": "viewed page",
        "eventTime": "2026-02-14T10:00:02Z",
        "eventID": "qxnote-view",
        "contact": {"email": EMAIL},
        "properties": {"remark": NOTE},
    }


def _parquet() -> bytes:
    rows = [
        {"orderID": "QX-5", "orderNumber": "QX-5", "email": EMAIL, "phone": PHONE, "contactID": IDS["omnisend"], "currency": "EUR", "orderSum": 8650, "createdAt": "2026-02-20T10:00:00Z", "updatedAt": "2026-02-20T12:00:00Z", "paymentStatus": "paid", "fulfillmentStatus": "fulfilled", "contactNote": NOTE},
        {"orderID": "OTHER-3", "orderNumber": "OTHER-3", "email": OTHER["email"], "phone": None, "contactID": None, "currency": "EUR", "orderSum": 100, "createdAt": "2026-02-20T10:00:00Z", "updatedAt": "2026-02-20T12:00:00Z", "paymentStatus": "paid", "fulfillmentStatus": "fulfilled", "contactNote": None},
    ]  # fmt: skip
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out)
    return out.getvalue()


def _delivery_customer() -> dict[str, Any]:
    return {
        "id": IDS["delivery"],
        "identifier": {"type": "document", "value": CPF},
        "name": f"{FIRST} {LAST}",
        "contacts": {"emails": [{"email": EMAIL, "isPrimary": True}], "phones": [{"number": PHONE, "isPrimary": True}]},
        "address": {"street": STREET, "city": "São Paulo"},
    }


def _delivery_order() -> dict[str, Any]:
    return {
        "id": "QXD-1",
        "type": "DELIVERY",
        "displayId": "9901",
        "createdAt": "2026-02-11T18:01:00Z",
        "lastEvent": "CONCLUDED",
        "merchant": {"id": "ferngarten-sp", "name": "Ferngarten"},
        "items": [
            {
                "id": "i-1",
                "index": 0,
                "name": "Vaso",
                "unit": "UN",
                "quantity": 1,
                "unitPrice": {"value": 30, "currency": "BRL"},
                "totalPrice": {"value": 30, "currency": "BRL"},
            }
        ],
        "total": {"itemsPrice": {"value": 30, "currency": "BRL"}, "orderAmount": {"value": 30, "currency": "BRL"}},
        "customer": {
            "id": IDS["delivery"],
            "name": f"{FIRST} {LAST}",
            "phone": {"number": PHONE},
            "documentNumber": CPF,
        },
        "delivery": {"deliveryAddress": {"street": STREET, "reference": NOTE}},
    }


def _delivery_review() -> dict[str, Any]:
    return {
        "reviewId": "qxnote-review",
        "reviewType": "ORDER",
        "overallRating": {"ratingStyle": "STAR", "value": 5, "comment": NOTE},
        "subject": {"orderId": "QXD-1"},
        "customer": {"customerId": IDS["delivery"], "email": EMAIL},
        "reviewDate": "2026-02-12T12:00:00Z",
    }


def _voucherify_customer() -> dict[str, Any]:
    return {
        "id": IDS["voucherify"],
        "source_id": IDS["shop"],
        "name": f"{FIRST} {LAST}",
        "email": EMAIL,
        "phone": SPELLINGS[1],
        "description": NOTE,
        "address": {"line_1": STREET},
        "metadata": {"remark": NOTE},
        "created_at": "2026-01-01T00:00:00Z",
        "object": "customer",
    }


def _voucherify_order() -> dict[str, Any]:
    return {
        "object": "order",
        "id": "ord_77",
        "source_id": "QX-6",
        "created_at": "2026-02-09T10:00:00.000Z",
        "updated_at": "2026-02-09T10:00:04.512Z",
        "status": "FULFILLED",
        "amount": 4800,
        "total_amount": 4800,
        "metadata": {"remark": NOTE},
        "customer": {"id": IDS["voucherify"], "object": "customer"},
        "customer_id": IDS["voucherify"],
    }


def _csv(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()


def _lines(settings: Settings, place: str, name: str, *records: object) -> None:
    _put(
        settings,
        place,
        name,
        b"".join((record if isinstance(record, str) else json.dumps(record)).encode() + b"\n" for record in records),
    )


def _array(settings: Settings, place: str, name: str, *records: object) -> None:
    _put(settings, place, name, json.dumps(records, indent=1).encode())


def _put(settings: Settings, place: str, name: str, content: bytes) -> None:
    path = settings.landing / place / EXPORT_DATE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = (
        gzip.compress(content)
        if name.endswith(".gz")
        else zstandard.compress(content)
        if name.endswith(".zst")
        else content
    )
    path.write_bytes(packed)


def found_in_files(folder: Path, *more: str) -> dict[str, list[str]]:
    """Files that hold a canary in their bytes, plain or unpacked, or in their names, with what they hold."""
    found = {}
    for path in sorted(folder.rglob("*")):
        texts = [str(path.relative_to(folder)).encode()]
        if path.is_file():
            whole = path.read_bytes()
            texts += [whole, _unpacked(whole), *map(_decoded, re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", whole[: 2**22]))]
            if whole.startswith(b"PK\x03\x04"):
                with zipfile.ZipFile(path) as archive:
                    members = [archive.read(name) for name in archive.namelist()]
                texts += [*members, *map(_unpacked, members)]
            if path.suffix == ".parquet":
                texts.append(pl.read_parquet(path).write_json().encode())
        held = [
            canary for canary in (*CANARIES, *more) if any(canary in text.decode("latin-1").lower() for text in texts)
        ]
        if held:
            found[str(path.relative_to(folder))] = held
    return found


def _unpacked(whole: bytes) -> bytes:
    if whole.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(whole)
    return (
        zstandard.ZstdDecompressor().decompressobj().decompress(whole) if whole.startswith(b"\x28\xb5\x2f\xfd") else b""
    )


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text[: len(text) // 4 * 4])


def found_in_tables(path: Path, *more: str) -> dict[str, int]:
    """Tables with rows that hold a canary."""
    found = {}
    pattern = "|".join(map(re.escape, (*CANARIES, *more)))
    with duckdb.connect(str(path), read_only=True) as con:
        for schema, table in con.execute("select schema_name, table_name from duckdb_tables()").fetchall():
            [(rows,)] = con.execute(
                f'select count(*) from "{schema}"."{table}" as t where regexp_matches(lower(t::varchar), $1)', [pattern]
            ).fetchall()
            if rows:
                found[f"{schema}.{table}"] = rows
    return found
