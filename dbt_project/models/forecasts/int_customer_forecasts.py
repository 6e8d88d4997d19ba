"""Grain: one row per customer with a valid order up to the run's day: what he will buy, unrounded; null without a model.

SQL has no integral of a beta distribution, so this model is Python; the mathematics is in `orchestration/forecasting/`.
"""

from typing import Any

import polars as pl

from orchestration.forecasting import forecast
from orchestration.warehouse.duckdb_session import Handed


def model(dbt: Any, session: Any) -> Handed:
    dbt.config(materialized="table", contract={"enforced": False})
    return Handed(
        forecast.predict(pl.DataFrame(dbt.ref("int_customer_purchases")), pl.DataFrame(dbt.ref("int_forecast_models")))
    )
