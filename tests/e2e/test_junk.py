"""Deliveries of junk in the shape of every vendor's records: whatever can be read from it is published, and the row
counts balance.

The property tests of `tests/normalisation/test_hostile.py` end where rows are staged; here models and checks have to bear them too.
"""

import json
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import pytest

from orchestration.mapping.record_schema import Leaf, Open, Pairs
from orchestration.vendors import discover
from tests.support.installation import EXPORT_DATES, Installation

pytestmark = pytest.mark.slow

RECORDS = 60  # of a dialect and export date
IDS = [f"id{number}" for number in range(40)] + ["#1", " 1 ", 2**60]
ADDRESSES = [f"P{number}@shop{number % 3}.example.com" for number in range(30)] + [
    "[email protected]",
    "none@none.com",
    "a" * 300 + "@x.example.com",
    "josé@x.example.com",
]
PHONES = [
    "+4915123456701",
    "0151 23456702",
    "+5511999999999",
    "(11) 98888-7777",
    "000",
    "52998224725",
    "529.982.247-25",
]
TIMES = [
    "2026-02-01T10:00:00Z",
    "2026-01-01",
    "2025-12-31 23:59:59",
    "2026-02-01T10:00:00+14:00",
    "1770000000",
    "2099-12-31T23:59:59Z",
    "9999-12-31",
    "soon",
]
NUMBERS = [
    0,
    1,
    2,
    19.99,
    2500,
    -1,
    10**14 - 1,
    1 - 10**14,
    10**18,
    10**25,
    0.00005,
    -0.0,
    "5",
    " 7 ",
    "-3.10",
    "12,50",
    "1e400",
    "NaN",
    True,
]
WORDS = [
    "paid", "CANCELED", "refund", "purchase", "subscribe", "order", "email", "phone", "placed order", "order refunded", "order canceled", "customer.deleted",
    "customer.order.paid", "ORDER_COMPLETED", "order.cancelled", "CONCLUDED", "opt_in", "subscribed", "EUR", "BRL", "JPY", "XXX", "DE", "XX", "m", "divers",
    "true", "no", "1", "STATIC", "earn", "burn", "SUCCESS", "LOYALTY_CARD", "vip", "VIP ", "nps", "4.5",
]  # fmt: skip
NASTY = [
    "\0",
    "a\0b",
    "\ud83d",
    "🙂",
    "\u202eabc",
    "'; drop table x; --",
    "{{ ref('x') }}",
    "../../etc",
    "x" * 5000,
    "\t\n",
    "\u00a0",
    "=1+1",
    "NULL",
    "-",
    "0",
]
ODD: list[Any] = [None, [], {}, [1], {"a": 1}, "", [None], [[]]]
KEYS = [
    "email",
    "emails",
    "customer_id",
    "vuid",
    "phone",
    "my_shop_id",
    "push_token",
    "unsubscribed",
    "cnst_1",
    "Programme 1",
    "k.1",
    "",
]
WORDS_OF_TIME = ("_at", "date", "time", "ts", "created", "updated", "birth")
WORDS_OF_AMOUNT = ("amount", "total", "price", "quantity", "sum", "points", "balance", "discount", "tax")


class Junk:
    """Records more or less of a shape."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def record(self, shape: Mapping[str, Any], must: Iterable[str]) -> dict[str, Any]:
        made = self._object(shape)
        return made | {key: made.get(key) or self._pick(IDS) for key in must}

    def _pick(self, values: list[Any]) -> Any:
        return self._random.choice(values)

    def _object(self, shape: Mapping[str, Any]) -> dict[str, Any]:
        made = {
            key.replace(".*", ".x"): self._value(key, inner)
            for key, inner in shape.items()
            if self._random.random() < 0.6
        }
        return made | (
            {self._pick(["🙂", "new field", "a.b"]): self._pick(NASTY)} if self._random.random() < 0.03 else {}
        )

    def _value(self, key: str, shape: Any) -> Any:
        if self._random.random() < 0.08:
            return self._pick(ODD + NASTY)
        if isinstance(shape, Leaf):
            return self._leaf(key.lower(), shape)
        if isinstance(shape, Pairs):
            return {name: self._value(name, shape.value) for name in self._random.sample(KEYS, 3)}
        if isinstance(shape, list):
            return [self._value(key, shape[0]) for _ in range(self._random.randint(0, 3))]
        return self._object(shape.known if isinstance(shape, Open) else shape)

    def _leaf(self, key: str, leaf: Leaf) -> Any:
        if "mail" in key:
            return self._pick(ADDRESSES)
        if "phone" in key or "document" in key:
            return self._pick(PHONES)
        if leaf.kind == "number" or any(word in key for word in WORDS_OF_AMOUNT):
            return self._pick(NUMBERS)
        if any(word in key for word in WORDS_OF_TIME):
            return self._pick(TIMES)
        return self._pick(IDS if key.endswith("id") or "order" in key else WORDS)


@pytest.mark.parametrize("seed", [1, 2])
def test_deliveries_of_junk_are_published_and_their_row_counts_balance(installation: Installation, seed: int) -> None:
    installation.configure("settings.toml", "hold_back_share = 1.0\n")
    junk = Junk(seed)
    read = 0
    for vendor in discover().values():
        for stream in vendor.streams.values():
            for export_date in EXPORT_DATES[:3]:
                records = [
                    junk.record(dialect.shape, dialect.has) for dialect in stream.dialects for _ in range(RECORDS)
                ]
                installation.land(
                    f"{vendor.code}/{stream.name}",
                    export_date,
                    "junk.ndjson",
                    *(json.dumps(record) + "\n" for record in records),
                )
                read += len(records)
    outcome = installation.c360("run")
    assert (outcome.exit_code, outcome.figures["published"], outcome.figures["rows_read"]) == (3, True, read), (
        outcome.said
    )
    assert outcome.figures["rows_loaded"] > read / 3
    assert installation.rows("from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate") == []
    assert installation.value("select sum(rows_rejected) from meta.loads") == installation.value(
        "select count(*) from meta.rejects"
    )
