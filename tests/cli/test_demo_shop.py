"""The made-up shop of the demo: the same exports every time, large enough for charts, with the troubles of real ones."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli import demo_shop

EXPECTED = {
    "ometria": {"profiles", "orders"},
    "optimizely": {"profiles", "events"},
    "omnisend": {"contacts", "events"},
    "voucherify": {"customers", "redemptions"},
    "open_delivery": {"customers"},
}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    demo_shop.write(folder)
    return folder


def records(landing: Path, vendor: str, stream: str) -> Iterator[dict[str, Any]]:
    for path in sorted((landing / vendor / stream).rglob("*.ndjson")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                yield json.loads(line)


def test_the_shop_is_the_same_every_time(landing: Path, tmp_path: Path) -> None:
    demo_shop.write(tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.ndjson")}
    assert written == {path.relative_to(landing): path.read_bytes() for path in landing.rglob("*.ndjson")}


def test_five_vendors_know_two_thousand_people_over_two_years(landing: Path) -> None:
    assert {folder.name: {stream.name for stream in folder.iterdir()} for folder in landing.iterdir()} == EXPECTED
    assert len({profile["email"] for profile in records(landing, "ometria", "profiles")}) >= 2000
    months = Counter(order["timestamp"][:7] for order in records(landing, "ometria", "orders"))
    assert len(months) == 24
    assert min(months.values()) > 10


def test_the_shop_has_the_troubles_of_real_ones(landing: Path) -> None:
    orders = list(records(landing, "ometria", "orders"))
    assert {order["currency"] for order in orders} == {"EUR", "GBP"}
    assert {order["status"] for order in orders} == {"complete", "canceled", "refunded", "pending"}
    assert any(order["total_refunded"] and order["status"] == "complete" for order in orders)
    people_by_phone = Counter(
        phone
        for _, phone in {(contact["email"], contact["phone"]) for contact in records(landing, "omnisend", "contacts")}
    )
    assert max(people_by_phone.values()) >= 2
    ids_by_email = Counter(
        email
        for email, _ in {
            (profile["email"], profile["customer_id"]) for profile in records(landing, "ometria", "profiles")
        }
    )
    assert sum(count > 1 for count in ids_by_email.values()) >= 40
    assert (landing / "optimizely" / "events" / str(demo_shop.LATE_EXPORT_DATE)).exists()
    assert any(
        line.startswith("{") and not line.endswith("}")
        for path in landing.rglob("*.ndjson")
        for line in path.read_text(encoding="utf-8").splitlines()
    )
