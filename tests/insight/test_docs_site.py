"""`c360 docs`: every table and column, their lineage and an overview of ours, in one file that asks no network."""

import re
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import main
from orchestration.docgen import dictionary
from orchestration.docgen.generate import ROOT


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


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C360_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "no-folder").touch()
    assert main.main(["docs", "--out", str(tmp_path / "no-folder" / "docs.html")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_every_table_of_the_published_file_says_what_it_is_and_every_column_for_analysts_too(
    con: duckdb.DuckDBPyConnection,
) -> None:
    tables = "select schema_name, table_name from duckdb_tables() where comment is null"
    columns = "select table_name, column_name from duckdb_columns() where schema_name in ('marts', 'meta', 'staging') and length(coalesce(comment, '')) < 20"
    assert con.execute(tables).fetchall() == []
    assert con.execute(columns).fetchall() == []
    (note,) = con.execute("select comment from duckdb_tables() where schema_name = 'identity' limit 1").fetchone() or (
        "",
    )
    assert note.startswith("Not for you")
