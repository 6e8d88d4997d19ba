"""The report is one file that needs nothing else, shows the figures of the warehouse, and names nobody."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.cli import main
from orchestration.config.settings import Settings
from orchestration.insight import charts, figures, markup, report
from orchestration.insight.figures import Answer, ask
from tests.support.paths import PROJECT

PERSONAL = """
select unnest([full_name, last_name, email, phone, customer_id]) from marts.dim_customers
union select identifier_value from marts.bridge_customer_identifiers where identifier_type in ('email', 'phone', 'document')
"""


def tile(page: str, name: str) -> str:
    found = re.search(f'data-figure="{re.escape(name)}">([^<]*)<', page)
    assert found, name
    return unescape(found[1])


@pytest.fixture
def written(demo: Settings, tmp_path: Path) -> str:
    report.write(demo, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_report_shows_the_figures_of_the_warehouse(written: str, con: duckdb.DuckDBPyConnection) -> None:
    found = ask(con, figures.OVERVIEW).first
    assert tile(written, "people") == f"{found['people']:,}"
    assert tile(written, "revenue EUR") == f"{found['revenue']:,.2f}"
    assert tile(written, "repeat rate") == f"{found['repeat_rate']:.1%}"
    assert tile(written, "rows rejected") == f"{ask(con, figures.ROW_COUNTS).first['rows_rejected']:,}"
    assert "invalid_json" in written


def test_the_report_loads_nothing_and_runs_nothing(written: str) -> None:
    assert "<svg" in written
    for sign in ("<script", "<link", "src=", "href=", "http:", "https:", "url(", "@import"):
        assert sign not in written


def test_the_report_names_nobody(written: str, con: duckdb.DuckDBPyConnection) -> None:
    personal = [text for (text,) in con.execute(PERSONAL).fetchall() if text]
    assert len(personal) > 20
    assert [text for text in personal if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", unescape(written))] == []


def test_a_value_is_shown_and_never_becomes_part_of_the_page() -> None:
    evil = '<script>alert("1")</script>'
    shown = (
        markup.table(Answer((evil, "name"), [(evil, evil)]))
        + markup.facts({evil: evil})
        + markup.sentences([evil])
        + markup.text([evil])
    )
    drawn = (
        charts.bars([(evil, 1)])
        + charts.columns({(evil, evil): 1}, unit=(evil, evil))
        + charts.grid([evil], [evil], {(evil, evil): 1.0}, {(evil, evil): evil})
    )
    page = markup.page(
        evil, shown, drawn, markup.section(evil, note=evil), markup.tiles({evil: evil}), markup.link(evil, evil)
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 15


def test_a_nightly_run_writes_the_report_where_the_setting_says(demo: Settings, tmp_path: Path) -> None:
    own = _copy(demo, tmp_path, report_file="report.html")
    run = pipeline.run(own)
    assert tile((own.data / "report.html").read_text(encoding="utf-8"), "people") == f"{run.customers:,}"
    assert not any("report" in sentence for sentence in run.attention)


def test_a_report_that_cannot_be_written_is_reported_and_fails_no_run(demo: Settings, tmp_path: Path) -> None:
    report_to = _copy(demo, tmp_path, report_file="nowhere/report.html")
    found = pipeline.run(report_to)
    assert found.exit_code == 3
    assert any("report could not be written" in sentence for sentence in found.attention)


def test_a_report_file_that_is_no_page_is_refused(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text('report_file = "report.txt"\n', encoding="utf-8")
    assert main.main(["status"]) == 2
    assert "report_file" in capsys.readouterr().err


def test_the_command_writes_a_report_and_says_where(
    demo: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("C360_DATA", str(demo.data))
    assert main.main(["report", "--out", str(tmp_path / "out.html")]) == 0
    assert str(tmp_path / "out.html") in capsys.readouterr().out
    assert main.main(["report", "--out", str(tmp_path / "no" / "out.html")]) == 1


def test_the_moment_it_was_written_is_that_of_utc_wherever_the_machine_stands(demo: Settings, tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    command = [sys.executable, "-m", "orchestration.cli", "report", "--out", str(target)]
    environment = {**os.environ, "C360_DATA": str(demo.data), "TZ": "Asia/Tokyo"}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)
    found = re.search(r"Written (.*) UTC", target.read_text(encoding="utf-8"))
    assert found
    written_at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - written_at) < timedelta(minutes=10)


def _copy(demo: Settings, tmp_path: Path, **options: object) -> Settings:
    """The published installation with settings of its own; nothing in it is new to a run."""
    data = tmp_path / "data"
    shutil.copytree(demo.data, data, symlinks=True)
    newest = sorted((data / "published").iterdir())[-1] / "warehouse.duckdb"
    (data / "warehouse.duckdb").unlink()
    (data / "warehouse.duckdb").hardlink_to(newest)
    return replace(demo, data=data, options=type(demo.options)(**{**_reported(demo), **options}))


def _reported(demo: Settings) -> dict[str, object]:
    return {name: getattr(demo.options, name) for name in demo.options.__struct_fields__}
