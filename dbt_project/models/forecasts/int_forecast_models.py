"""Grain: one row: the models of purchases and values as of the run's day, or why there are none.

SQL cannot search for the likeliest parameters, so this model is Python; the mathematics is in `orchestration/forecasting/`.
"""

from typing import Any

import polars as pl

from orchestration.forecasting import forecast
from orchestration.warehouse.duckdb_session import Handed


def model(dbt: Any, session: Any) -> Handed:
    dbt.config(materialized="table", contract={"enforced": False})
    (limits,) = pl.DataFrame(dbt.ref("forecast_limits")).rows(named=True)
    return Handed(forecast.fit(pl.DataFrame(dbt.ref("int_customer_purchases")), forecast.Limits(**limits)))
