"""Predicates of computed segments are checked before anything runs; a mistake names its file and line."""

from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import segment_rules

HEADER = "segment_id,name,description,predicate\n"
GOOD = (
    "good,Good,People who spend,total_revenue >= 40\nlong,Long,On two lines,\"order_count >= 1\n and country = 'DE'\"\n"
)


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
        "order_count > 1 /* bought ) again */",
        "cast(email as integer) > 3",
        "try_cast(postal_code as integer) between 10000 and 19999",
        "full_name ilike '%o''neill -- (%' or city in ('Köln', '日本', '')",
        "case when country = 'DE' then total_revenue > 10 else order_count > 1 end",
        "coalesce(city, '') <> '' and regexp_matches(email, '^[a-z]+@')",
        "extract(year from birth_date) < 1980 and (first_order_at at time zone 'Europe/Berlin')::date > date '2026-01-01'",
        "city like 'a!%' escape '!' and array_length(sources) > 1 and array_length(sources, 1) > 1",
        "ORDER_COUNT > 1 and len(sources) >= 2 and sources[1] = 'ometria'",
        "is_deleted is not true and city is not distinct from state",
        "((((((((((order_count > 1))))))))))",
    ],
)
def test_a_condition_over_insights_and_attributes_is_a_segment(settings: Settings, predicate: str) -> None:
    define(settings, GOOD + f'mine,Mine,,"{predicate}"\n')
    segment_rules.check_files(settings)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "bad,Bad,,total_revenu >= 40",
            "asks for `total_revenu`, which is no column of dim_customers or customer_insights (did you mean `total_revenue`?)",
        ),
        ("bad,Bad,,total_revenue >=", "is no condition in SQL"),
        (
            'bad,Bad,,"customer_id in (select customer_id from marts.fct_orders)"',
            "must be one condition without subqueries",
        ),
        ("bad,Bad,,last_order_at > now()", "calls `now`, which depends on when it is asked"),
        ("bad,Bad,,random() > 0.5", "calls `random`, which depends on when it is asked"),
        ("bad,Bad,,last_order_at > current_date", "asks for `current_date`, which is no column"),
        ("bad,Bad,,sum(total_revenue) > 1", "calls `sum`, which is none of the functions"),
        ("bad,Bad,,row_number() over () > 1", "may hold (window)"),
        ("bad,Bad,,true) union all select (true", "is no condition in SQL"),
        ("bad,Bad,,true) order by (select error(content) from read_text('/etc/hostname')", "is no condition in SQL"),
        ("bad,Bad,,true) from read_text('/etc/hostname') where (true", "is no condition in SQL"),
        ("bad,Bad,,(select true from read_text('/etc/hostname'))", "must be one condition without subqueries"),
        ("bad,Bad,,exists (select 1)", "must be one condition without subqueries"),
        ("bad,Bad,,true union select true", "must be one condition"),
        ("bad,Bad,,true from population", "must be one condition and nothing beside"),
        ("bad,Bad,,true order by 1", "must be one condition and nothing beside"),
        ("bad,Bad,,true limit 0", "must be one condition and nothing beside"),
        ('bad,Bad,,"true, false"', "must be one condition"),
        ("bad,Bad,,true; select true", "must be one condition"),
        ("bad,Bad,,true /* no end", "is no condition in SQL"),
        ("bad,Bad,,'no end", "is no condition in SQL"),
        ("bad,Bad,,population.order_count > 1", "write `order_count`"),
        (
            "bad,Bad,,last_order_at at time zone country is null",
            "calls `timezone` with what differs from customer to customer",
        ),
        (
            "bad,Bad,,city = 'x' and last_order_at at time zone 'Europe/Berln' is null",
            "Unknown TimeZone 'Europe/Berln'",
        ),
        (
            "bad,Bad,,city not ilike 'a' escape state",
            "calls `ilike_escape` with what differs from customer to customer",
        ),
        ("bad,Bad,,city like 'a' escape 'ab'", "Invalid escape string"),
        (
            'bad,Bad,,"array_length(sources, order_count) > 1"',
            "calls `array_length` with what differs from customer to customer",
        ),
        ("bad,Bad,,getenv('HOME') = 'x'", "calls `getenv`"),
        ("bad,Bad,,read_text('/etc/hostname') is null", "calls `read_text`"),
        ("bad,Bad,,pg_read_file('/etc/hostname') = ''", "calls `pg_read_file`"),
        ("bad,Bad,,current_setting('threads') = '1'", "calls `current_setting`"),
        ("bad,Bad,,error(email) is null", "calls `error`"),
        ("bad,Bad,,nextval('x') > 1", "calls `nextval`"),
        ("bad,Bad,,main.lower(city) = 'x'", "calls `lower`"),
        ("bad,Bad,,\"len(list_filter(sources, lambda x: x = 'ometria')) > 0\"", "calls `list_filter`"),
        ("bad,Bad,,\"repeat('x', 1000000000) = email\"", "calls `repeat`"),
        ("bad,Bad,,columns(*) = 1", "may hold (star)"),
        ("bad,Bad,,order_count > $1", "may hold (parameter)"),
        ("bad,Bad,,order_count > ?", "may hold (parameter)"),
        ("bad,Bad,,cast('x' as integer) > 1", "cannot be computed"),
        ("bad,Bad,,lower(city) > 1", "cannot be computed"),
        ("bad,Bad,,cast(city as mood) = 'merry'", "cannot be computed"),
        ("bad,Bad,," + "not " * 150 + "true", "is nested deeper than 100 levels"),
        ("bad,Bad,," + "not " * 2000 + "true", "is nested deeper than 100 levels"),
        ("bad,Bad,," + "(" * 4000 + "true" + ")" * 4000, "is n"),
        ("bad,Bad,," + "true or " * 2000 + "true", "is longer than 10,000 characters"),
        ("bad,Bad,,total_revenue > 'much'", "cannot be computed"),
        ("bad,Bad,,full_name", "it says VARCHAR, neither true nor false"),
        ("bad,Bad,,1=1) or (1=1; drop table x", "is no condition in SQL"),
        ("bad,Bad,,", "`predicate` is empty"),
        ("bad,,,total_revenue > 1", "`name` is empty"),
        ("good,Good again,,total_revenue > 1", "the segment `good` is listed twice"),
    ],
)
def test_a_predicate_that_cannot_be_computed_is_refused_with_its_line(
    settings: Settings, line: str, problem: str
) -> None:
    path = define(settings, GOOD + line + "\n")
    with pytest.raises(OperatorError) as refused:
        segment_rules.check_files(settings)
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


def test_every_function_that_a_predicate_may_call_is_one_of_the_engine() -> None:
    known = "select function_name from duckdb_functions() where function_type in ('scalar', 'macro')"
    with duckdb.connect() as con:
        names = {name for (name,) in con.execute(known).fetchall()}
    assert segment_rules.FUNCTIONS - names <= {"coalesce", "if", "ifnull", "position", "nullif"}


def test_for_whom_a_predicate_cannot_be_computed_is_no_member_and_the_segment_is_reported(settings: Settings) -> None:
    path = define(settings, "young,Young,,cast(city as integer) > 3\ngood,Good,,city is not null\n")
    with duckdb.connect() as con:
        con.execute("create schema orders")
        con.execute(
            "create table orders.int_segment_population as from (values ('a', '7'), ('b', '1'), ('c', 'Rome'), ('d', null)) as t(customer_id, city)"
        )
        found = segment_rules.members(
            con.table("orders.int_segment_population"), "cast(city as integer) > 3 -- a remark"
        ).fetchall()
        reported = list(segment_rules.failing(con, settings, "run"))
    assert found == [("a", "7")]
    [sentence] = reported
    assert sentence.startswith(f"{path}, line 2: the predicate of `young` cannot be computed for 1 customer")
    assert "Rome" not in sentence
