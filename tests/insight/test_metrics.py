"""The metrics that the dbt project declares are those that dashboard and report show."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.insight import figures
from orchestration.transformation import dbt_project

Value = Callable[..., Any]


class Metrics:
    """The declared metrics as SQL: a simple one adds its measure up over its model, a ratio divides one by the other."""

    def __init__(self, manifest: Any) -> None:
        self.declared = {metric.name: metric for metric in manifest.metrics.values()}
        self.measures = {
            measure.name: (model.node_relation.alias, measure)
            for model in manifest.semantic_models.values()
            for measure in model.measures
        }

    def query(self, name: str, where: str) -> str:
        reported = self.declared[name].type_params
        if reported.numerator:
            return f"select ({self.query(reported.numerator.name, where)}) / nullif(({self.query(reported.denominator.name, where)}), 0)"
        model, measure = self.measures[reported.measure.name]
        aggregate = {"sum": "sum", "average": "avg"}[measure.agg.value]
        return f"select {aggregate}({measure.expr}) from marts.{model} where {where}"


@pytest.fixture(scope="module")
def metrics(demo: Settings) -> Metrics:
    return Metrics(dbt_project.parsed(demo))


@pytest.fixture
def value(metrics: Metrics, con: duckdb.DuckDBPyConnection) -> Value:
    def found(name: str, where: str = "true") -> Any:
        (one,) = con.execute(metrics.query(name, where)).fetchone() or (None,)
        return one

    return found


def cents(amount: Any) -> Decimal:
    return Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_every_metric_says_what_it_is_and_has_a_value(metrics: Metrics, value: Value) -> None:
    assert len(metrics.declared) >= 10
    assert all(len(metric.description) > 20 for metric in metrics.declared.values())
    assert [name for name in metrics.declared if value(name) is None] == []


def test_the_overview_shows_the_metrics(value: Value, con: duckdb.DuckDBPyConnection) -> None:
    shown = figures.ask(con, figures.OVERVIEW).first
    assert (value("people"), value("buyers"), value("orders")) == (shown["people"], shown["buyers"], shown["orders"])
    assert value("revenue") == shown["revenue"] > 0
    assert cents(value("average_order_value")) == shown["average_order_value"]
    assert value("repeat_rate") == pytest.approx(shown["repeat_rate"])


def test_the_months_show_the_metrics(value: Value, con: duckdb.DuckDBPyConnection) -> None:
    months = figures.ask(con, figures.MONTHS)
    assert months.rows
    for month, orders, revenue, average, _ in months.rows:
        within = f"date_trunc('month', order_date) = date '{month}'"
        assert (value("orders", within), value("revenue", within)) == (orders, revenue)
        assert cents(value("average_order_value", within)) == average


def test_the_stages_show_the_metrics(value: Value, con: duckdb.DuckDBPyConnection) -> None:
    people = {stage: count for stage, count, _ in figures.ask(con, figures.STAGES).rows}
    assert value("active_customers") == people["active"]
    assert value("retention") == pytest.approx(people["active"] / value("buyers"))
    assert 0 < value("engagement") < 100
