"""As of a day: nothing that happened after it counts in any figure of it, though the data know of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.dbt.conftest import AS_OF, Query
from tests.support.warehouse_builder import Row, WarehouseBuilder

TOMORROW = datetime(2024, 3, 2, 10, tzinfo=UTC)
BEFORE = datetime(2024, 2, 10, 12, tzinfo=UTC)
LATER_DAY = date(2024, 3, 3)


def stage(w: WarehouseBuilder) -> None:
    for name in ("future", "refunded", "part", "canceled", "by-status", "paid", "shop-pounds"):
        w.profile("ometria", f"as-of-{name}", email=f"{name}@as-of.example")
    bought(w, "future", "F-1", "10.00")
    bought(w, "future", "F-2", "500.00", ordered_at=TOMORROW)
    bought(w, "refunded", "R-1", "40.00")
    w.adjustment("ometria", "R-1", "40.00", occurred_at=TOMORROW)
    bought(w, "part", "R-2", "40.00")
    w.adjustment("ometria", "R-2", "5.00", occurred_at=BEFORE + timedelta(days=1))
    w.adjustment("ometria", "R-2", "10.00", occurred_at=TOMORROW)
    bought(w, "canceled", "C-1", "40.00")
    w.adjustment("ometria", "C-1", None, action="cancel", occurred_at=TOMORROW)
    bought(w, "by-status", "C-2", "40.00")
    bought(w, "by-status", "C-2", "40.00", status="canceled", export_date=LATER_DAY, canceled_at=TOMORROW)
    bought(w, "paid", "P-1", "40.00", status="created")
    bought(w, "paid", "P-1", "40.00", status="paid", export_date=LATER_DAY)
    bought(w, "shop-pounds", "X-1", "45.00", currency="GBP")
    w.adjustment("ometria", "X-1", "9.00", currency="GBP", occurred_at=TOMORROW)


def bought(w: WarehouseBuilder, name: str, number: str, total: str, **values: object) -> Row:
    return w.order(
        "ometria",
        number,
        **{"total": total, "stream": "profiles", "owner_record_id": f"as-of-{name}", "ordered_at": BEFORE, **values},
    )


def insights(query: Query, name: str) -> tuple[object, ...]:
    sql = """
        select order_count, orders_attempted, total_revenue, refunded_amount from marts.customer_insights join marts.dim_customers using (customer_id)
        where email = $1
    """
    [row] = query(sql, [f"{name}@as-of.example"])
    return row


@pytest.mark.parametrize(
    ("name", "order_count", "attempted", "revenue", "refunded"),
    [
        ("future", 1, 1, "10.00", "0.00"),
        ("refunded", 1, 1, "40.00", "0.00"),
        ("part", 1, 1, "35.00", "5.00"),
        ("canceled", 1, 1, "40.00", "0.00"),
        ("by-status", 1, 1, "40.00", "0.00"),
        ("paid", 0, 1, "0.00", "0.00"),
        ("shop-pounds", 1, 1, "50.00", "0.00"),
    ],
)
def test_an_order_counts_as_it_stood_at_the_end_of_the_day(
    query: Query, name: str, order_count: int, attempted: int, revenue: str, refunded: str
) -> None:
    assert insights(query, name) == (order_count, attempted, Decimal(revenue), Decimal(refunded))


def test_the_orders_themselves_stand_as_they_do_today(query: Query) -> None:
    sql = "select order_number, status, net_amount from marts.fct_orders where order_number in ('R-2', 'C-1', 'C-2', 'P-1') order by 1"
    assert query(sql) == [
        ("C-1", "canceled", 0),
        ("C-2", "canceled", 0),
        ("P-1", "paid", 40),
        ("R-2", "partially_refunded", 25),
    ]


def test_no_figure_of_a_customer_knows_a_later_time(query: Query) -> None:
    end = datetime.combine(AS_OF + timedelta(days=1), datetime.min.time(), UTC)
    sql = "select count(*) from marts.customer_insights where last_order_at >= $1 or last_active_at >= $1 or days_since_last_order < 0"
    assert query(sql, [end]) == [(0,)]


def test_a_purchase_that_was_canceled_later_is_one_in_the_forecast_of_the_day(query: Query) -> None:
    sql = """
        select customers.email, purchases.repeat_count from orders.int_customer_purchases as purchases join marts.dim_customers as customers using (customer_id)
        where email like '%@as-of.example' order by email
    """
    assert query(sql) == [
        (f"{name}@as-of.example", 0) for name in ("by-status", "canceled", "future", "part", "refunded", "shop-pounds")
    ]
