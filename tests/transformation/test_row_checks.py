"""Rules whose cells can be read and whose rows cannot be meant: refused with file and line, before anything is built."""

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import seeds

WEIGHTS = "engagement_class,weight,half_life_days,cap,daily_limit,k"
RATES = "rate_date,currency,units_per_eur"
LIMITS = "lifecycle_stage,max_days_since_last_order"
FORECAST = "minimum_customers,minimum_repeat_customers,minimum_history_days,maximum_purchase_error_share,maximum_value_error_share"
ATTRIBUTES = "attribute,source,priority"


def load(settings: Settings, name: str, *lines: str) -> None:
    settings.config.mkdir(exist_ok=True)
    (settings.config / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with duckdb.connect() as con:
        seeds.load(con, settings)


@pytest.mark.parametrize(
    ("name", "lines", "line", "problem"),
    [
        ("engagement_weights", (WEIGHTS, "purchas,10,90,40,20,30"), 2, "`engagement_class` is none of purchase"),
        ("engagement_weights", (WEIGHTS, "purchase,10,0,40,20,30"), 2, "`half_life_days > 0` does not hold"),
        ("engagement_weights", (WEIGHTS, "open,1,30,6,20,30", "purchase,10,90,40,20,0"), 3, "`k > 0` does not hold"),
        ("engagement_weights", (WEIGHTS, "open,-1,30,6,20,30"), 2, "`weight` is below 0"),
        (
            "engagement_weights",
            (WEIGHTS, "open,1,30,6,20,30", "", "click,3,30,12,20,31"),
            4,
            "`k` is not the same in every row",
        ),
        ("engagement_weights", (WEIGHTS, "open,1,30,6,20,"), 2, "`k` is empty"),
        ("fx_rates", (RATES, "2026-01-01,USD,1.1", "2026-01-02,USD,0"), 3, "`units_per_eur > 0` does not hold"),
        ("fx_rates", (RATES, "2026-01-01,usd,1.1"), 2, "currency = upper(currency)"),
        (
            "fx_rates",
            (RATES, "2026-01-01,USD,1.1", "2026-01-01,GBP,0.8", "2026-01-01,USD,1.2"),
            4,
            "`rate_date, currency` is there twice",
        ),
        (
            "lifecycle_limits",
            (LIMITS, "active,182", "at_risk,384"),
            1,
            "`max_days_since_last_order is null` holds in 0 rows",
        ),
        (
            "lifecycle_limits",
            (LIMITS, "active,182", "at_risk,182", "lapsed,"),
            3,
            "`max_days_since_last_order` is there twice",
        ),
        ("order_source_priority", ("source,priority", "ometria,1", "omnisand,2"), 3, "`source` is none of"),
        ("order_source_priority", ("source,priority", "ometria,1", "ometria,2"), 3, "`source` is there twice"),
        (
            "order_statuses",
            ("status,progress,is_valid", "unknown,0,false", "paid,30,true", "canceled,90,false"),
            1,
            "`status = 'created'` holds in 0 rows",
        ),
        ("order_status_validity", ("status,is_valid", "cancelled,true"), 2, "`status` is not in order_statuses"),
        (
            "order_status_overrides",
            ("source,status_raw,status", "ometria,complete,done"),
            2,
            "`status` is not in order_statuses",
        ),
        (
            "order_status_overrides",
            ("source,status_raw,status", "ometria,sent,shipped", "ometria,sent,completed"),
            3,
            "`source, status_raw` is there twice",
        ),
        ("attribute_source_priority", (ATTRIBUTES, "mail,ometria,1"), 2, "`attribute` is none of all"),
        ("computed_segment_history", ("history_days", "0"), 2, "`history_days` is below 1"),
        ("forecast_limits", (FORECAST, "100,50,180,0.1,0.25", "200,50,180,0.1,0.25"), 1, "`true` holds in 2 rows"),
    ],
)
def test_a_rule_that_cannot_be_meant_names_file_and_line(
    settings: Settings, name: str, lines: tuple[str, ...], line: int, problem: str
) -> None:
    with pytest.raises(OperatorError) as error:
        load(settings, name, *lines)
    assert f"{settings.config / name}.csv, line {line}: " in error.value.message
    assert problem in error.value.message
    assert error.value.exit_code == 2


def test_rules_that_leave_something_out_or_to_chance_pass(settings: Settings) -> None:
    load(settings, "engagement_weights", WEIGHTS)
    load(settings, "order_source_priority", "source,priority", "ometria,1", "voucherify,1")
    load(settings, "lifecycle_limits", LIMITS, "lapsed,", "active,90")
    load(
        settings,
        "order_status_overrides",
        "source,status_raw,status",
        "ometria,sent,shipped",
        "voucherify,sent,completed",
    )
