"""Figures of dashboard and report agree with plain SQL on the marts, with each other, and with what the marts say of a person."""

import math
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.insight import figures, pages, people, report, server
from orchestration.insight.figures import ask

BY_ORDER = """
with orders as (select * from marts.fct_orders where is_valid and customer_id is not null)
select
    (select count(distinct customer_id) from marts.bridge_customer_records),
    count(distinct customer_id),
    count(*),
    sum(net_amount_reporting),
    round(sum(net_amount_reporting) / count(net_amount_reporting), 2)::decimal(18, 2),
    (select count(*) from (select customer_id from orders group by all having count(*) > 1)) / count(distinct customer_id)
from orders
"""


def value(con: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> object:
    row = con.execute(query, list(parameters)).fetchone()
    assert row is not None
    return row[0]


def test_the_overview_shows_what_the_orders_themselves_add_up_to(con: duckdb.DuckDBPyConnection) -> None:
    found = ask(con, figures.OVERVIEW).first
    reported = tuple(
        found[name] for name in ("people", "buyers", "orders", "revenue", "average_order_value", "repeat_rate")
    )
    assert reported == con.execute(BY_ORDER).fetchone()


def test_months_and_vendors_add_up_to_the_overview(con: duckdb.DuckDBPyConnection) -> None:
    whole = ask(con, figures.OVERVIEW).first["revenue"]
    assert whole > 0
    assert sum(ask(con, figures.MONTHS).column("revenue")) == whole
    assert sum(ask(con, figures.MONTHS_BY_VENDOR).column("revenue")) == whole
    assert sum(ask(con, figures.VENDORS).column("revenue")) == whole


def test_every_buyer_is_in_one_cell_of_the_grid_and_in_one_cohort(con: duckdb.DuckDBPyConnection) -> None:
    buyers = ask(con, figures.OVERVIEW).first["buyers"]
    assert sum(ask(con, figures.RFM).column("buyers")) == buyers
    first_months = [row for row in ask(con, figures.COHORTS).rows if row[2] == 0]
    assert sum(row[1] for row in first_months) == buyers
    assert {row[3] for row in first_months} == {1.0}


def test_a_segment_overlaps_with_itself_in_all_its_members(con: duckdb.DuckDBPyConnection) -> None:
    own = [row for row in ask(con, figures.OVERLAP).rows if row[0] == row[3]]
    assert own
    for segment, vendor, _, _, count, share in own:
        members = "select member_count from marts.dim_segments where source = $1 and segment_id = $2"
        assert (count, share) == (value(con, members, vendor, segment.split("/", 2)[2]), 1.0)


def test_the_row_counts_and_the_rejects_are_those_of_the_warehouse(con: duckdb.DuckDBPyConnection) -> None:
    counts = ask(con, figures.ROW_COUNTS).first
    assert counts["rows_read"] == counts["rows_loaded"] + counts["rows_rejected"] + counts["rows_duplicate"] > 0
    assert sum(ask(con, figures.REJECTS).column("records")) == value(con, "select count(*) from meta.rejects")
    assert sum(ask(con, figures.VERDICT_TOTALS).column("figures")) == value(
        con, "select count(*) from marts.customer_stat_reconciliation"
    )


def test_an_export_date_that_was_loaded_again_counts_once(con: duckdb.DuckDBPyConnection, demo: Settings) -> None:
    before = {
        query: ask(con, query).rows for query in (figures.ROW_COUNTS, figures.DELIVERIES, figures.ROWS_BY_EXPORT_DATE)
    }
    with duckdb.connect() as reloaded:
        reloaded.execute(f"set TimeZone = 'UTC'; attach '{demo.published_file}' as published (read_only)")
        reloaded.execute("create schema meta; create table meta.loads as from published.meta.loads")
        reloaded.execute("insert into meta.loads by name select * replace ('superseded' as status) from meta.loads")
        assert {query: ask(reloaded, query).rows for query in before} == before


def test_the_parts_of_an_engagement_score_make_it_up_for_everybody(con: duckdb.DuckDBPyConnection) -> None:
    everybody = con.execute("select customer_id, engagement_score from marts.customer_insights").fetchall()
    assert any(score > 0 for _, score in everybody)
    for customer_id, score in everybody:
        parts = ask(con, people.ENGAGEMENT, [customer_id])
        made_up = 100 * (1 - math.exp(-sum(parts.column("counted")) / (parts.first["k"] or 1)))
        assert made_up == pytest.approx(score, abs=1e-3)


@pytest.mark.parametrize(
    "known",
    [
        "select full_name from marts.dim_customers where customer_id = $1",
        "select upper(split_part(full_name, ' ', 2)) from marts.dim_customers where customer_id = $1",
        "select email from marts.dim_customers where customer_id = $1",
        "select phone from marts.dim_customers where customer_id = $1",
        "select '+49 (0) ' || substr(phone, 4) from marts.dim_customers where customer_id = $1",
        "select '0' || substr(phone, 4, 4) || ' ' || substr(phone, 8) from marts.dim_customers where customer_id = $1",
        "select min(source_record_id) from marts.bridge_customer_records where customer_id = $1 and not is_derived",
        "select max(alias_id) from marts.customer_id_aliases where customer_id = $1",
        "select substr(max(alias_id), 1, 10) from marts.customer_id_aliases where customer_id = $1",
        "select '#' || lower(min(order_number)) from marts.fct_orders where customer_id = $1",
    ],
)
def test_a_person_is_found_by_whatever_is_known(con: duckdb.DuckDBPyConnection, known: str) -> None:
    person = value(
        con,
        "select customer_id from marts.dim_customers where phone like '+49%' order by record_count desc, customer_id limit 1",
    )
    text = value(con, known, person)
    assert person in people.search(con, str(text)).column("customer_id")


def test_who_is_nobody_is_not_found_and_everybody_is_listed_by_page(con: duckdb.DuckDBPyConnection) -> None:
    assert people.search(con, "nobody-of-that-name").rows == []
    assert people.search(con, "%").rows == []
    pages = [people.search(con, "", limit=4, offset=offset) for offset in range(0, 16, 4)]
    listed = [customer_id for page in pages for customer_id in page.column("customer_id")]
    everybody = value(con, "select count(*) from marts.dim_customers")
    assert len(listed) == len(set(listed)) == everybody
    assert pages[0].first["people_found"] == everybody


EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
WORDS = """
select table_name, column_name from duckdb_columns()
where schema_name = 'marts' and data_type = 'VARCHAR' and column_name not like '%\\_id' escape '\\' and column_name not like '%currency' and column_name <> 'reason'
    and table_name in (select table_name from duckdb_tables() where schema_name = 'marts')
"""


def test_whatever_vendors_write_stays_text_on_every_page_and_in_the_report(demo: Settings, tmp_path: Path) -> None:
    spoilt = tmp_path / "warehouse.duckdb"
    shutil.copyfile(demo.published_file, spoilt)
    with duckdb.connect(str(spoilt), config=demo.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        for table, column in con.execute(WORDS).fetchall():
            con.execute(f"update marts.{table} set {column} = concat({column}, $1)", [EVIL])
        con.execute("update meta.rejects set field = $1", [EVIL])
        person = value(con, "select min(customer_id) from marts.fct_orders")
        shown = [str(show(con, {"q": EVIL})) for _, show in server.PAGES.values()]
        shown += [str(pages.profile(con, {"id": str(person)})), report.render(con, demo)]
    for page in shown:
        assert "<script>alert" not in page
        assert "<img" not in page
    assert sum("&lt;script&gt;alert" in page for page in shown) > 4
