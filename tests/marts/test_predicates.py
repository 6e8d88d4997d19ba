"""Predicates of computed segments are checked before anything runs; a mistake names its file and line."""

from pathlib import Path

import pytest

from orchestration import pipeline, segments
from orchestration.errors import OperatorError
from orchestration.settings import Settings

HEADER = "segment_id,name,description,predicate\n"
GOOD = "good,Good,People who spend,total_revenue >= 40\nlong,Long,On two lines,\"order_count >= 1\n and country = 'DE'\"\n"


def define(settings: Settings, text: str) -> Path:
    settings.config.mkdir(parents=True, exist_ok=True)
    path = settings.config / "computed_segments.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "predicate",
    [
        "total_revenue >= 40",
        "lifecycle_stage = 'at_risk' and rfm_monetary >= 4 and not is_deleted",
        "list_contains(sources, 'ometria') and date_diff('day', first_order_at, last_order_at) > 30",
        "last_order_at < as_of_date - interval 30 day",
        "engagement_score between 20 and 80 -- a remark",
    ],
)
def test_a_condition_over_insights_and_attributes_is_a_segment(settings: Settings, predicate: str) -> None:
    define(settings, GOOD + f'mine,Mine,,"{predicate}"\n')
    segments.check_files(settings)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("bad,Bad,,total_revenu >= 40", "asks for `total_revenu`, which is no column of dim_customers or customer_insights (did you mean `total_revenue`?)"),
        ("bad,Bad,,total_revenue >=", "is no condition in SQL"),
        ('bad,Bad,,"customer_id in (select customer_id from marts.fct_orders)"', "must be one condition without subqueries"),
        ("bad,Bad,,last_order_at > now()", "calls `now`, which depends on when it is asked"),
        ("bad,Bad,,random() > 0.5", "calls `random`, which depends on when it is asked"),
        ("bad,Bad,,last_order_at > current_date", "asks for `current_date`, which is no column"),
        ("bad,Bad,,sum(total_revenue) > 1", "cannot be computed"),
        ("bad,Bad,,total_revenue > 'much'", "cannot be computed"),
        ("bad,Bad,,full_name", "it says VARCHAR, neither true nor false"),
        ("bad,Bad,,1=1) or (1=1; drop table x", "is no condition in SQL"),
        ("bad,Bad,,", "`predicate` is empty"),
        ("bad,,,total_revenue > 1", "`name` is empty"),
        ("good,Good again,,total_revenue > 1", "the segment `good` is listed twice"),
    ],
)
def test_a_predicate_that_cannot_be_computed_is_refused_with_its_line(settings: Settings, line: str, problem: str) -> None:
    path = define(settings, GOOD + line + "\n")
    with pytest.raises(OperatorError) as refused:
        segments.check_files(settings)
    assert refused.value.message.startswith(f"{path}, line 5: ")
    assert problem in refused.value.message
    assert refused.value.exit_code == 2


def test_nothing_runs_while_a_predicate_is_wrong(settings: Settings) -> None:
    define(settings, "bad,Bad,,nonsense > 1\n")
    landed = settings.landing / "omnisend/events/2026-03-01/a.ndjson"
    landed.parent.mkdir(parents=True)
    landed.write_text("{}\n", encoding="utf-8")
    with pytest.raises(OperatorError):
        pipeline.run(settings)
    assert not settings.build_file.exists()
