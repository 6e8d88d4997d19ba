"""The words a vendor module is written in: translated words, addresses taken whole, and fields that stand in a column and in `extra`."""

import json
from datetime import date

import polars as pl
import pytest

from orchestration.config.settings import Settings
from orchestration.landing.record import Record
from orchestration.mapping.expressions import at
from orchestration.mapping.model import dialect, stream, vendor
from orchestration.mapping.record_schema import TEXT, kept
from orchestration.mapping.selects import Contact, Identifier, one_address, rows
from orchestration.mapping.values import time
from orchestration.mapping.words import word
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser
from tests.support.goldens import HERE

PLACE = {"city": TEXT, "zip": TEXT, "land": TEXT}


def place(name: str) -> dict[str, pl.Expr]:
    return {"city": at(f"{name}.city"), "postal_code": at(f"{name}.zip"), "country_raw": at(f"{name}.land")}


SHOP = vendor(
    "shop",
    "A shop",
    stream(
        "orders",
        "Orders.",
        dialect(
            "shop.order",
            "order",
            {"id": TEXT, "state": TEXT, "channel": TEXT, "mail": TEXT, "bill": kept(PLACE), "ship": kept(PLACE)},
            rows(
                "orders",
                source_order_id=at("id"),
                ordered_at=time(else_export_date=True),
                status=word(at("state"), {"rung up": "paid"}, otherwise="created"),
            ),
            rows(
                "customer_consents",
                channel=word(at("channel"), {"mail": "email"}),
                status=pl.lit("opt_in"),
                effective_at=time(else_export_date=True),
            ),
            about=Contact(
                (Identifier("email", at("mail"), "mail"),), attributes=one_address(place("bill"), place("ship"))
            ),
        ),
    ),
)


def read(**record: object) -> Normalised:
    document = json.dumps({"id": "1", "mail": "ana@example.com", **record}).encode()
    origin = Origin(
        Settings(HERE).account(SHOP), "orders", date(2026, 3, 1), "landing/shop/orders/2026-03-01/o.ndjson", load_seq=1
    )
    return Normaliser(SHOP, origin, Bounds()).block([Record(1, document, document)])


def issues(found: Normalised) -> list[tuple[str | None, str, str, str, str]]:
    return [(issue.table, issue.field, issue.code, issue.given, issue.action) for issue in found.issues]


@pytest.mark.parametrize("spelling", ["rung up", "Rung-Up", " RUNG_UP ", "rungUp"])
def test_a_word_is_known_whatever_its_case_and_joints(spelling: str) -> None:
    found = read(state=spelling)
    assert found.frame("orders")["status"].to_list() == ["paid"]
    assert not issues(found)


def test_a_word_that_no_table_knows_is_logged_as_delivered_and_the_order_is_unknown() -> None:
    found = read(state="Wrapped in Paper")
    assert found.frame("orders")["status"].to_list() == ["unknown"]
    assert issues(found) == [("orders", "status", "unknown_word", "Wrapped in Paper", "kept")]


def test_a_column_that_may_not_be_unknown_is_null() -> None:
    found = read(channel="pigeon")
    assert found.frame("customer_consents")["channel"].to_list() == [None]
    assert issues(found) == [("customer_consents", "channel", "unknown_word", "pigeon", "set_null")]


def test_no_word_is_no_unknown_word() -> None:
    found = read(state="")
    assert found.frame("orders")["status"].to_list() == ["created"]
    assert not issues(found)


@pytest.mark.parametrize(
    ("bill", "ship", "expected"),
    [
        ({"city": "Paris", "land": "FR"}, {"city": "Berlin", "zip": "10115", "land": "DE"}, ("Paris", None, "FR")),
        ({"land": "FR"}, {"city": "Berlin", "zip": "10115", "land": "DE"}, ("Berlin", "10115", "DE")),
        ({"city": " ", "land": "FR"}, {"land": "DE"}, (None, None, "FR")),
        ({}, {"zip": "10115"}, (None, "10115", None)),
        ({}, {}, (None, None, None)),
    ],
)
def test_an_address_comes_from_one_of_two_and_both_are_kept(
    bill: dict[str, str], ship: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    found = read(bill=bill, ship=ship)
    assert found.frame("contacts").select("city", "postal_code", "country_raw").row(0) == expected
    extra = json.loads(found.frame("orders")["extra"][0] or "{}")
    assert extra == {
        f"{name}.{key}": value for name, one in (("bill", bill), ("ship", ship)) for key, value in one.items()
    }
