"""A shared copy has the tables, columns and figures of the full one, and nobody in it."""

from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.canonical.tables import TABLES
from orchestration.config.settings import Settings
from orchestration.privacy.sharing import NOT_FREE, personal_columns
from orchestration.warehouse.duckdb_session import quoted
from tests.insight.test_questions import QUESTIONS
from tests.privacy.conftest import c360
from tests.support import canary

QUERIES = (
    "select count(*), sum(record_count) from marts.dim_customers",
    "select year(birth_date), count(*) from marts.dim_customers group by all order by all",
    "select gender is null, language, country, count(*) from marts.dim_customers group by 2, 3, 1 order by all",
    "select strftime(order_date, '%Y-%m'), currency, sum(net_amount), count(distinct customer_id) from marts.fct_orders group by all order by all",
    "select lifecycle_stage, count(*), sum(total_revenue) from marts.customer_insights group by all order by all",
    "select count(*) from marts.fct_orders inner join marts.dim_customers using (customer_id)",
    "select count(*), count(distinct identifier_value) from marts.bridge_customer_identifiers",
    "select count(*) from marts.dim_customers inner join marts.bridge_customer_identifiers on email = identifier_value",
    "select source, count(*), count(distinct source_record_id) from marts.bridge_customer_records group by all order by all",
    "select event_type, count(*) from marts.fct_events group by all order by all",
    "select channel, status, count(distinct customer_id) from marts.fct_consents group by all order by all",
    "select sku, sum(quantity), sum(total_amount) from marts.fct_order_lines group by all order by all",
    "select source, status, sum(rows_read), sum(rows_loaded) from meta.loads group by all order by all",
    "select reason_code, count(*) from meta.rejects group by all order by all",
    "select source, stream, count(*) from staging.customers group by all order by all",
    "select max(n) from (select count(*) as n from marts.fct_orders where customer_id is not null group by customer_id)",
    "select count(*) from marts.dim_customers_history where is_current",
    "select adjustment_type, sum(amount) from marts.fct_order_adjustments group by all order by all",
    "select count(*), count(distinct customer_id) from marts.customer_id_aliases",
    "select city is null, count(distinct city) from marts.dim_customers group by all order by all",
)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def columns(path: Path) -> list[tuple[object, ...]]:
    return rows(
        path,
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where schema_name in ('marts', 'staging', 'meta') order by all",
    )


def figures(path: Path, query: str) -> list[object]:
    """What a query gives, column by column: the values, or of texts how many different ones, for those of people are others in a shared file."""
    reported = rows(path, query)
    columns_reported: list[list[object]] = [list(column) for column in zip(*reported, strict=True)]
    return [len(reported)] + [
        len(set(column)) if any(isinstance(value, str | list) for value in column) else sorted(column, key=repr)
        for column in columns_reported
    ]


@pytest.mark.slow
def test_the_questions_of_the_page_have_the_figures_of_the_full_file(settings: Settings, tmp_path: Path) -> None:
    shared = tmp_path / "shared.duckdb"
    assert c360(settings, "share", "--out", str(shared)).returncode == 0
    assert len(QUESTIONS) >= 20
    for question, query, _ in QUESTIONS:
        assert figures(shared, query) == figures(settings.published_file, query), question


@pytest.mark.slow
def test_queries_give_the_figures_of_the_full_file_and_no_byte_is_of_a_person(
    settings: Settings, tmp_path: Path
) -> None:
    shared = tmp_path / "out" / "shared.duckdb"
    shared.parent.mkdir()
    done = c360(settings, "share", "--out", str(shared))
    assert done.returncode == 0, done.stderr
    assert columns(shared) == columns(settings.published_file)
    for query in QUERIES:
        assert rows(shared, query) == rows(settings.published_file, query), query
    assert canary.found_in_files(shared.parent) == {}
    assert shared.stat().st_mode & 0o777 == 0o600

    other = tmp_path / "other.duckdb"
    assert c360(settings, "share", "--out", str(other), "--key", "others").returncode == 0
    theirs = "select count(*) from marts.dim_customers where email in (select email from other.marts.dim_customers)"
    with duckdb.connect(str(shared), read_only=True) as con:
        con.execute(f"attach {quoted(str(other))} as other (read_only)")
        assert con.execute(theirs).fetchall() == [(0,)]


@pytest.mark.slow
def test_a_copy_does_not_go_into_the_data_folder(settings: Settings) -> None:
    assert c360(settings, "share", "--out", str(settings.data / "shared.duckdb")).returncode == 2


def test_a_mart_tags_what_the_canonical_tables_tag(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    tagged = {(table, column) for schema, table, column in personal_columns(settings) if schema == "marts"}
    personal = {column.name for table in TABLES.values() for column in table.columns if column.personal}
    missing = sorted(
        f"{table}.{column}"
        for table, column in mart_columns(settings)
        if column in personal and (table, column) not in {*tagged, *NOT_FREE}
    )
    assert tagged and missing == []


def mart_columns(settings: Settings) -> list[tuple[str, str]]:
    found = []
    for path in (settings.dbt_project / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            found += [(model["name"], column["name"]) for column in model.get("columns", ())]
    return found
