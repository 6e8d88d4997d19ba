"""The CDNOW purchase log (1997-1998), loaded as order exports in cents, against direct queries over the log itself.

The log comes with the test dependency `lifetimes`, of which nothing else is used.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.support.deliveries import row_counts_balance

pytestmark = pytest.mark.slow

EXPORT_DATES = {1997: "1998-01-01", 1998: "1998-07-01"}
CENT = Decimal("0.01")


class Purchase(NamedTuple):
    """A line of the log."""

    number: int
    customer: str
    day: date
    units: int
    amount: Decimal


def log() -> list[Purchase]:
    text = Path(str(distribution("lifetimes").locate_file("lifetimes/datasets/CDNOW_master.txt"))).read_text(
        encoding="ascii"
    )
    rows = [line.split() for line in text.splitlines()[1:] if line.strip()]
    return [
        Purchase(number, customer, date.fromisoformat(day), int(units), Decimal(amount))
        for number, (customer, day, units, amount) in enumerate(rows, 1)
    ]


def order(purchase: Purchase) -> dict[str, object]:
    return {
        "orderID": f"cdnow-{purchase.number}",
        "contactID": purchase.customer,
        "currency": "USD",
        "orderSum": int(purchase.amount * 100),
        "paymentStatus": "paid",
        "createdAt": f"{purchase.day}T12:00:00Z",
        "products": [{"productID": "cd", "quantity": purchase.units}],
    }


@pytest.fixture(scope="module")
def purchases() -> list[Purchase]:
    return log()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, purchases: list[Purchase]) -> Path:
    settings = Settings(
        data=tmp_path_factory.mktemp("cdnow") / "data", options=Options(reporting_currency="USD", free_disk_bytes=0)
    )
    for year, export_date in EXPORT_DATES.items():
        path = settings.landing / "omnisend" / "orders" / export_date / "orders.ndjson.gz"
        path.parent.mkdir(parents=True)
        text = "".join(json.dumps(order(purchase)) + "\n" for purchase in purchases if purchase.day.year == year)
        path.write_bytes(gzip.compress(text.encode(), 1))
    report = pipeline.run(settings)
    assert (report.rows_read, report.rows_loaded, report.exit_code) == (len(purchases), len(purchases), 0)
    return settings.published_file


@pytest.fixture
def con(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


def test_every_purchase_is_an_order_and_the_totals_are_those_of_the_log(con: duckdb.DuckDBPyConnection) -> None:
    orders = con.execute(
        "select count(*), sum(total_amount), sum(item_quantity), min(order_date), max(order_date) from marts.fct_orders"
    ).fetchone()
    assert orders == (69_659, Decimal("2500315.63"), Decimal(167_881), date(1997, 1, 1), date(1998, 6, 30))
    assert con.execute("select count(*), sum(total_revenue) from marts.customer_insights").fetchone() == (
        23_570,
        Decimal("2500315.63"),
    )


def test_the_figures_of_every_customer_are_those_of_the_log(
    con: duckdb.DuckDBPyConnection, purchases: list[Purchase]
) -> None:
    bought: dict[str, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        bought[purchase.customer].append(purchase)
    expected = {
        customer: (
            len(own),
            sum(purchase.amount for purchase in own),
            (sum((purchase.amount for purchase in own), Decimal()) / len(own)).quantize(CENT, ROUND_HALF_UP),
            min(purchase.day for purchase in own),
            max(purchase.day for purchase in own),
            sum(purchase.units for purchase in own),
        )
        for customer, own in bought.items()
    }
    found = con.execute(
        """
        select
            identifiers.identifier_value,
            order_count,
            total_revenue,
            average_order_value,
            cast(first_order_at as date),
            cast(last_order_at as date),
            item_quantity
        from marts.customer_insights as insights
        inner join marts.bridge_customer_identifiers as identifiers on insights.customer_id = identifiers.customer_id
        where identifiers.identifier_type = 'contact_id'
        """
    ).fetchall()
    assert {customer: tuple(figures) for customer, *figures in found} == expected


def test_the_row_counts_balance(published: Path) -> None:
    assert row_counts_balance(published)
