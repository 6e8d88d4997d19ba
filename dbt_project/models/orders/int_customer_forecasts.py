"""Grain: one row per customer with a valid order up to the run's day: what he will buy, unrounded; null without a model.

SQL has no integral of a beta distribution, so this model is Python; the mathematics is in `orchestration/forecast.py`.
"""

from typing import Any

import polars as pl

from orchestration import forecast
from orchestration.connections import Handed


def model(dbt: Any, session: Any) -> Handed:
    dbt.config(materialized="table", contract={"enforced": False})
    return Handed(forecast.predict(pl.DataFrame(dbt.ref("int_customer_purchases")), pl.DataFrame(dbt.ref("int_forecast_models"))))
