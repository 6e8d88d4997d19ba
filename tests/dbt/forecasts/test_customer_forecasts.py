"""The mart of forecasts: a row for everybody, with a reason where there is no figure."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from benchmarks import cdnow
from orchestration.forecasting import forecast
from tests.dbt.conftest import Query
from tests.support.warehouse_builder import WarehouseBuilder

LIMITS = forecast.Limits(
    minimum_customers=100,
    minimum_repeat_customers=50,
    minimum_history_days=180,
    maximum_purchase_error_share=0.1,
    maximum_value_error_share=0.25,
)


def stage(w: WarehouseBuilder) -> None:
    w.profile("ometria", "forecast-buyer", email="buyer@forecast.example")
    w.profile("ometria", "forecast-looker", email="looker@forecast.example")
    w.order("ometria", "FC-1", total="40.00", owner_record_id="forecast-buyer", stream="profiles")
    w.order("ometria", "FC-2", total="40.00", status="canceled", owner_record_id="forecast-looker", stream="profiles")


def test_the_mart_has_a_row_for_everybody_and_says_why_there_is_no_forecast(query: Query) -> None:
    found = query(
        "select email, model_status, probability_alive, expected_revenue_365_days, as_of_date from marts.customer_forecasts"
        " inner join marts.dim_customers using (customer_id) where email like '%@forecast.example' order by email"
    )
    assert found == [
        ("buyer@forecast.example", "too_little_data", None, None, date(2024, 3, 1)),
        ("looker@forecast.example", "no_valid_order", None, None, date(2024, 3, 1)),
    ]
    assert query("select count(*) from marts.customer_forecasts") == query("select count(*) from marts.dim_customers")


@pytest.mark.slow
def test_orders_become_a_forecast_in_the_warehouse(tmp_path: Path) -> None:
    log = cdnow.purchase_log().filter(pl.col("customer_id") <= "0300")
    builder = WarehouseBuilder(tmp_path, as_of=cdnow.LAST_DAY)
    for (name,) in log.select("customer_id").unique().sort("customer_id").iter_rows():
        builder.profile("ometria", name, email=f"{name}@cdnow.example")
    for number, (name, day, amount) in enumerate(log.select("customer_id", "order_date", "amount").iter_rows()):
        ordered_at = datetime.combine(day, time(12), UTC) + timedelta(minutes=number % 60)
        builder.order(
            "ometria", f"C-{number}", total=amount, owner_record_id=name, stream="profiles", ordered_at=ordered_at
        )
    builder.build()

    people = cdnow.purchases(log)
    expected = forecast.predict(people, forecast.fit(people, LIMITS))
    found = builder.query(
        "select split_part(email, '@', 1), probability_alive, expected_purchases_365_days, expected_order_value, expected_revenue_365_days"
        " from marts.customer_forecasts inner join marts.dim_customers using (customer_id) where model_status = 'fitted' order by email"
    )
    assert len(found) == people.height
    for row, (name, chance, purchases, value) in zip(found, expected.iter_rows(), strict=True):
        assert row[0] == name
        assert row[1:3] == pytest.approx((chance, purchases), abs=1e-6)
        assert float(row[3]) == pytest.approx(value, abs=0.006)
        assert float(row[4]) == pytest.approx(purchases * value, abs=0.006)
