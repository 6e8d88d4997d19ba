"""Real orders of a Brazilian marketplace (Olist), projected into Open Delivery exports, through the whole job.

The data stand beside the project and are not part of it. What must come out was computed elsewhere, by two engines
(golden_values.json); what these leave open is computed here from the source files.
"""

import csv
import gzip
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.insight import figures, server
from orchestration.insight.figures import ask
from orchestration.transformation import sharded
from tests.support import paths
from tests.support.deliveries import row_counts_balance
from tests.support.same_tables import differences
from tests.support.serving import Watched, chromium, dashboard, needs_chromium

SHARED = paths.SHARED / "data"
SOURCE = SHARED / "olist_sample"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SOURCE.is_dir(), reason=f"the Olist sample is not at {SOURCE}")]

# The last order was placed on 2018-10-03; figures of a day know nothing later.
EXPORT_DATES = ("2018-01-01", "2018-10-01", "2018-10-04")
# `unavailable`: the merchant asked to cancel and nothing says that it was granted.
STATES = {
    "created": "CREATED",
    "approved": "CONFIRMED",
    "invoiced": "PREPARING",
    "processing": "PREPARING",
    "shipped": "DISPATCHED",
    "delivered": "DELIVERED",
    "canceled": "CANCELLED",
    "unavailable": "CANCELLATION_REQUESTED",
}
METHODS = {"credit_card": "CREDIT", "debit_card": "DEBIT", "voucher": "COUPON"}
Rows = list[dict[str, str]]


def table(name: str) -> Rows:
    with (SOURCE / f"olist_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by(rows: Rows, key: str) -> dict[str, Rows]:
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def cpf(number: int) -> str:
    """A document with right check digits for each person: the source has a hash in its place."""
    digits = [int(sign) for sign in f"{100_000_000 + number:09}"]
    for weights in (range(10, 1, -1), range(11, 1, -1)):
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(str(digit) for digit in digits)


def local(time: str) -> str:
    """The source states local time without a zone."""
    return f"{time.replace(' ', 'T')}-03:00"


def price(amounts: Iterable[Decimal]) -> dict[str, Any]:
    return {"value": float(sum(amounts, Decimal())), "currency": "BRL"}


def delivered_order(row: dict[str, str], customer: dict[str, Any], items: Rows, payments: Rows) -> dict[str, Any]:
    freight = [Decimal(item["freight_value"]) for item in items]
    return {
        "id": row["order_id"],
        "type": "DELIVERY",
        "createdAt": local(row["order_purchase_timestamp"]),
        "lastEvent": STATES[row["order_status"]],
        "merchant": {"id": "olist"},
        "customer": {"id": customer["id"], "documentNumber": customer["identifier"]["value"]},
        "items": [
            {
                "id": f"{item['order_id']}-{item['order_item_id']}",
                "externalCode": item["product_id"],
                "quantity": 1,
                "unitPrice": price([Decimal(item["price"])]),
                "totalPrice": price([Decimal(item["price"])]),
            }
            for item in items
        ],
        "otherFees": [{"name": "Frete", "type": "DELIVERY_FEE", "receivedBy": "MARKETPLACE", "price": price(freight)}]
        if items
        else [],
        "total": {
            "itemsPrice": price(Decimal(item["price"]) for item in items),
            "orderAmount": price(Decimal(payment["payment_value"]) for payment in payments),
        },
        "payments": {
            "methods": [
                {
                    "value": float(payment["payment_value"]),
                    "currency": "BRL",
                    "type": "PREPAID",
                    "method": METHODS.get(payment["payment_type"], "OTHER"),
                }
                for payment in payments
            ]
        },
    }


def review(row: dict[str, str], customer: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["review_id"],
        "orderId": row["order_id"],
        "customerIdentifier": customer["identifier"],
        "ratings": [
            {"method": "stars", "value": int(row["review_score"]), "scaleMin": 1, "scaleMax": 5, "isOverall": True}
        ],
        "comment": row["review_comment_message"] or None,
        "createdAt": local(row["review_creation_date"]),
    }


def deliveries(orders: Rows) -> Iterator[dict[str, Any]]:
    """An order event for each delivery that has a date."""
    for row in orders:
        if row["order_status"] == "delivered" and row["order_delivered_customer_date"]:
            yield {
                "eventId": f"delivered-{row['order_id']}",
                "eventType": "DELIVERED",
                "orderId": row["order_id"],
                "createdAt": local(row["order_delivered_customer_date"]),
            }


def land(data: Path, stream: str, export_date: str, name: str, content: str) -> None:
    path = data / "landing" / "open_delivery" / stream / export_date / name
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)


def lines(records: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def export(data: Path) -> None:
    """Exports of three days: the orders of 2017 first, one customer page a day, then reviews and events."""
    people: dict[str, int] = {}
    customers: dict[str, dict[str, Any]] = {}
    for row in table("customers"):
        number = people.setdefault(row["customer_unique_id"], len(people))
        customers[row["customer_id"]] = {
            "id": row["customer_id"],
            "identifier": {"type": "document", "value": cpf(number)},
            "addresses": [
                {
                    "city": row["customer_city"],
                    "state": row["customer_state"],
                    "postalCode": row["customer_zip_code_prefix"],
                    "country": "BR",
                }
            ],
        }
    orders, items, payments = (
        table("orders"),
        by(table("order_items"), "order_id"),
        by(table("order_payments"), "order_id"),
    )
    owners = {row["order_id"]: customers[row["customer_id"]] for row in orders}
    for export_date, is_first in zip(EXPORT_DATES, (True, False), strict=False):
        delivered = [row for row in orders if (row["order_purchase_timestamp"] < EXPORT_DATES[0]) == is_first]
        page = [owners[row["order_id"]] for row in delivered]
        land(
            data,
            "customers",
            export_date,
            "page_1.json",
            json.dumps({"items": page, "page": 1, "pageSize": len(page), "total": len(page)}),
        )
        records = [
            delivered_order(row, owners[row["order_id"]], items[row["order_id"]], payments[row["order_id"]])
            for row in delivered
        ]
        land(data, "orders", export_date, "orders.ndjson.gz", lines(records))
    reviews = [review(row, owners[row["order_id"]]) for row in table("order_reviews")]
    land(data, "reviews", EXPORT_DATES[2], "reviews.json", json.dumps(reviews))
    land(data, "events", EXPORT_DATES[2], "order_events.ndjson", lines(deliveries(orders)))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("olist") / "data"
    export(data)
    settings = Settings(data=data, options=Options(reporting_currency="BRL", free_disk_bytes=0))
    report = pipeline.run(settings)
    assert (report.rows_rejected, report.rows_duplicate, report.exit_code) == (0, 0, 0)
    return settings.published_file


def test_five_shards_make_of_it_what_one_build_makes(published: Path, tmp_path: Path) -> None:
    whole = Settings(data=published.parent)
    shared_out = Settings(
        data=tmp_path / "data", options=Options(reporting_currency="BRL", free_disk_bytes=0, shards=5)
    )
    shared_out.build_file.parent.mkdir(parents=True)
    shutil.copyfile(whole.build_file, shared_out.build_file)
    sharded.build(shared_out, shuffled=3)
    assert differences(whole.build_file, shared_out.build_file) == {}


@pytest.fixture
def con(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads((SHARED / "golden_values.json").read_bytes())["olist"]


def one(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = con.execute(query).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_every_real_order_is_one_order(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    assert one(con, "select (count(*), count(distinct order_id)) from marts.fct_orders") == (
        golden["orders"],
        golden["orders"],
    )


def test_orders_stand_in_the_state_their_marketplace_gave_them(
    con: duckdb.DuckDBPyConnection, golden: dict[str, Any]
) -> None:
    given = golden["orders_by_status"]
    found = dict(con.execute("select status, count(*) from marts.fct_orders group by all").fetchall())
    assert found == {
        "created": given["created"],
        "in_progress": given["approved"] + given["invoiced"] + given["processing"],
        "shipped": given["shipped"],
        "completed": given["delivered"],
        "canceled": given["canceled"],
        "unknown": given["unavailable"],
    }


def test_canceled_and_unconfirmed_orders_are_not_valid(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    given = golden["orders_by_status"]
    invalid = given["canceled"] + given["unavailable"] + given["created"]
    assert one(con, "select count(*) from marts.fct_orders where not is_valid") == invalid
    assert one(con, "select sum(net_amount) from marts.fct_orders where status = 'canceled'") == 0


def test_revenue_of_delivered_orders_is_what_was_paid(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    revenue, average = one(
        con,
        "select sum(net_amount), cast(sum(net_amount) / count(*) as decimal(18, 2)) from marts.fct_orders where status = 'completed'",
    )
    assert (revenue, average) == (
        Decimal(golden["revenue_delivered_by_payments"]),
        Decimal(golden["aov_delivered_by_payments"]),
    )


def test_the_revenue_of_all_customers_is_that_of_all_valid_orders(con: duckdb.DuckDBPyConnection) -> None:
    paid = defaultdict(Decimal)
    for row in table("order_payments"):
        paid[row["order_id"]] += Decimal(row["payment_value"])
    valid = ("approved", "invoiced", "processing", "shipped", "delivered")
    revenue = sum(paid[row["order_id"]] for row in table("orders") if row["order_status"] in valid)
    assert one(con, "select sum(total_revenue) from marts.customer_insights") == revenue


def test_dashboard_and_report_show_the_revenue_of_the_source(
    con: duckdb.DuckDBPyConnection, golden: dict[str, Any]
) -> None:
    revenue, buyers = one(
        con, "select sum(net_amount), count(distinct customer_id) from marts.fct_orders where is_valid"
    )
    shown = {path: str(show(con, {})) for path, (_, show) in server.PAGES.items()}
    tiles = dict(re.findall('data-figure="([^"]*)">([^<]*)<', shown["/"]))
    assert (tiles["revenue BRL"], tiles["buyers"]) == (f"{revenue:,.2f}", f"{buyers:,}")
    assert (
        re.search('data-figure="found">([^<]*) people', shown["/customers"])[1]
        == f"{one(con, 'select count(*) from marts.dim_customers'):,}"
    )
    assert sum(ask(con, figures.MONTHS_BY_VENDOR).column("revenue")) == revenue
    assert sum(ask(con, figures.RFM).column("buyers")) == buyers
    for path in ("/", "/cohorts", "/rfm"):
        assert "<svg" in shown[path]


@pytest.mark.ui
@needs_chromium
def test_every_page_of_the_dashboard_renders_in_a_browser(
    published: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with dashboard(Settings(data=published.parent)) as address, chromium(tmp_path / "browser") as context:
        seen = Watched(context)
        seen.page.goto(address)
        assert (
            seen.tile("buyers")
            == f"{one(con, 'select count(distinct customer_id) from marts.fct_orders where is_valid'):,}"
        )
        assert list(seen.visit_all(address.partition("/?")[0])) == list(server.PAGES)
    assert (seen.hosts, seen.complaints) == ({"127.0.0.1"}, [])


def test_lines_and_freight_add_up_to_the_source(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    subtotal, shipping = one(con, "select sum(subtotal_amount), sum(shipping_amount) from marts.fct_orders")
    assert (subtotal, shipping) == (Decimal(golden["sum_items_price"]), Decimal(golden["sum_items_freight"]))
    assert one(con, "select sum(total_amount) from marts.fct_order_lines") == Decimal(golden["sum_items_price"])
    assert (
        one(con, "select count(*) from marts.fct_orders where coalesce(line_count, 0) = 0")
        == golden["orders_without_items"]
    )


def test_documents_join_the_customer_ids_made_up_for_each_order(
    con: duckdb.DuckDBPyConnection, golden: dict[str, Any]
) -> None:
    assert (
        one(con, "select count(*) from marts.bridge_customer_records where stream = 'customers'")
        == golden["customers_native(customer_id)"]
    )
    assert one(con, "select count(*) from marts.dim_customers") == golden["customers_unified(customer_unique_id)"]
    repeated, most = one(
        con, "select count(*) filter (where orders_attempted > 1), max(orders_attempted) from marts.customer_insights"
    )
    assert (repeated, most) == (golden["customers_with_2+_orders"], golden["max_orders_one_customer"])


def test_reviews_belong_to_their_orders_and_people(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    query = "select count(*), count(distinct review_id), count(order_id), count(customer_id) from marts.fct_reviews"
    assert one(con, query) == (golden["reviews"], golden["distinct_review_id"], golden["reviews"], golden["reviews"])
    reported = table("order_reviews")
    written_over_lines = sum("\n" in row["review_comment_message"].strip() for row in reported)
    assert one(con, "select count(*) from marts.fct_reviews where contains(comment, chr(10))") == written_over_lines
    assert one(con, "select sum(cast(score_0_1 * 4 + 1 as integer)) from marts.fct_reviews") == sum(
        int(row["review_score"]) for row in reported
    )


def test_deliveries_are_events_of_their_orders(con: duckdb.DuckDBPyConnection, golden: dict[str, Any]) -> None:
    delivered = golden["orders_by_status"]["delivered"] - golden["delivered_without_delivery_date"]
    assert one(con, "select count(*), count(distinct order_id) from marts.fct_events where event_type = 'order'") == (
        delivered,
        delivered,
    )


def test_the_row_counts_balance(published: Path) -> None:
    assert row_counts_balance(published)
