"""`c360 docs`: every table and column, their lineage and an overview of ours, in one file that asks no network."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.canonical.tables import personal_columns
from orchestration.cli import main
from orchestration.docgen import dictionary
from orchestration.docgen.generate import ROOT


@pytest.mark.long
def test_the_pages_are_one_file_that_knows_every_mart_and_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("C360_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    assert main.main(["docs"]) == 0
    page = (tmp_path / "data" / "docs.html").read_text(encoding="utf-8")
    assert "what could not be decided" in page
    assert [
        model["name"]
        for model in dictionary.models(ROOT / "dbt_project", "marts")
        if f'"model.customer360.{model["name"]}"' not in page
    ] == []
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page) == []


@pytest.mark.long
def test_a_file_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C360_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "no-folder").touch()
    for folder in ("no-folder", "not-there"):
        assert main.main(["docs", "--out", str(tmp_path / folder / "docs.html")]) == 1
        assert "cannot be written" in capsys.readouterr().err


def test_every_table_of_the_published_file_says_what_it_is_and_every_column_for_analysts_too(
    con: duckdb.DuckDBPyConnection,
) -> None:
    tables = "select schema_name, table_name from duckdb_tables() where comment is null"
    columns = "select table_name, column_name from duckdb_columns() where schema_name in ('marts', 'meta', 'staging') and length(coalesce(comment, '')) < 20"
    grains = """
        select table_name, comment from duckdb_tables() union all select view_name, comment from duckdb_views() where not internal
    """
    assert con.execute(tables).fetchall() == []
    assert con.execute(columns).fetchall() == []
    assert [
        (name, comment)
        for name, comment in con.execute(grains).fetchall()
        if not re.search(r"\b[Oo]ne row per [^.]+[.;]", comment) and not comment.startswith("Not for you")
    ] == []


def test_what_is_not_for_analysts_stands_in_one_schema_that_says_so(con: duckdb.DuckDBPyConnection) -> None:
    shown = "select schema_name from duckdb_tables() union select schema_name from duckdb_views() where not internal"
    assert {schema for (schema,) in con.execute(shown).fetchall()} == {"marts", "meta", "staging", "internal"}
    notes = """
        select comment from duckdb_tables() where schema_name = 'internal'
        union select comment from duckdb_views() where schema_name = 'internal'
    """
    assert {note[:11] for (note,) in con.execute(notes).fetchall()} == {"Not for you"}


def test_every_table_and_view_of_the_published_file_can_be_asked(con: duckdb.DuckDBPyConnection) -> None:
    """A view may rest on nothing that stays in the build file."""
    every = "select distinct schema_name, table_name from duckdb_columns() where not internal order by all"
    for schema, table in con.execute(every).fetchall():
        con.execute(f'select count(*) from {schema}."{table}"').fetchall()


# Words of the vendors or of the world, not codes of ours: what they can be nobody lists.
OPEN = {
    *(
        "source",
        "source_account",
        "stream",
        "run_id",
        "command",
        "file_path",
        "source_file",
        "message",
        "field",
        "raw",
        "value_given",
        "cause",
    ),
    *(
        "currency",
        "reporting_currency",
        "told_currency",
        "country",
        "country_code",
        "country_raw",
        "state",
        "state_code",
        "state_raw",
        "city",
        "district",
    ),
    *(
        "postal_code",
        "language",
        "locale",
        "unit",
        "title",
        "sku",
        "variant_id",
        "product_id",
        "store_id",
        "merchant_id",
        "order_namespace",
        "channel",
    ),
    *(
        "campaign",
        "campaign_id",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "voucher_code",
        "coupon_code",
        "program_id",
        "program_name",
        "purpose",
        "origin",
    ),
    *(
        "payment_method",
        "shipping_method",
        "method",
        "brand",
        "gender_raw",
        "status_raw",
        "payment_status_raw",
        "fulfillment_status_raw",
        "consent_source",
    ),
    *(
        "identifier_namespace",
        "id_namespace",
        "source_dialect",
        "source_entity",
        "event_action",
        "event_name",
        "event_name_raw",
        "rule_detail",
    ),
    *(
        "chosen_source",
        "chosen_value",
        "other_source",
        "other_value",
        "claimed_by",
        "attribute",
        "value",
        "day_name",
        "month_name",
        "status_reason",
    ),
}


def test_the_comment_of_every_code_names_each_value_that_it_has_in_the_published_file(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """A code is a text of few values, of which each stands in several rows."""
    texts = """
        select schema_name, table_name, column_name, comment from duckdb_columns()
        where schema_name in ('marts', 'meta', 'staging') and data_type = 'VARCHAR' order by all
    """
    personal = set(personal_columns())
    codes, unreported = 0, []
    for schema, table, column, comment in con.execute(texts).fetchall():
        if column in OPEN or column.endswith(("_id", "_key")) or (table, column) in personal:
            continue
        found = con.execute(
            f'select "{column}", count(*) from {schema}."{table}" where "{column}" is not null group by all'
        )
        values = dict(found.fetchall())
        if 0 < len(values) <= 12 and sum(values.values()) >= 4 * len(values):
            codes += 1
            unreported += [f"{schema}.{table}.{column}: {value}" for value in values if value not in comment]
    assert codes > 40
    assert unreported == [], unreported
