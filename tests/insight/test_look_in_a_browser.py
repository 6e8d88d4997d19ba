"""Somebody looks at every page of the dashboard in a real browser: it renders, without network, with the numbers of the warehouse."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.insight import figures
from orchestration.insight.figures import ask
from tests.support.serving import Watched, chromium, dashboard, needs_chromium

PICTURES = {"/": "look_overview.png", "/segments": "look_segments.png", "/customers/{person}": "look_profile.png"}

pytestmark = [pytest.mark.ui, pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found


def test_every_page_renders_offline_with_the_numbers_of_the_warehouse(
    demo: Settings, con: duckdb.DuckDBPyConnection, context: Any
) -> None:
    seen = Watched(context)
    (person,) = con.execute(
        "select customer_id from marts.dim_customers order by record_count desc, customer_id limit 1"
    ).fetchone() or ("",)
    (name,) = con.execute("select full_name from marts.dim_customers where customer_id = $1", [person]).fetchone() or (
        "",
    )
    with dashboard(demo) as address:
        home = address.partition("/?")[0]
        seen.page.goto(address)
        overview = ask(con, figures.OVERVIEW).first
        assert seen.tile("people") == f"{overview['people']:,}"
        assert seen.tile("orders") == f"{overview['orders']:,}"
        assert seen.tile("revenue EUR") == f"{overview['revenue']:,.2f}"
        assert "token" not in seen.page.url
        for path in seen.visit_all(home):
            _picture(seen.page, path)
        seen.page.get_by_label("find a customer").fill(name)
        seen.page.get_by_label("find a customer").press("Enter")
        seen.page.get_by_role("link", name=person[:12]).click()
        seen.page.wait_for_url(f"{home}/customers/{person}")
        assert seen.page.locator("h1").inner_text() == name
        assert f"Person {person}" in seen.page.locator("pre").nth(1).inner_text()
        _picture(seen.page, "/customers/{person}")
    assert seen.hosts == {"127.0.0.1"}
    assert seen.complaints == []


def test_an_open_page_shows_a_new_publication_by_itself(demo: Settings, tmp_path: Path, context: Any) -> None:
    own = replace(demo, data=tmp_path / "data")
    own.data.mkdir()
    shutil.copyfile(demo.published_file, own.published_file)
    seen = Watched(context)
    with dashboard(own) as address:
        seen.page.goto(address)
        before = int(seen.tile("people"))
        beside = own.data / "next.duckdb"
        shutil.copyfile(own.published_file, beside)
        with duckdb.connect(str(beside)) as con:
            con.execute(
                "delete from marts.dim_customers where customer_id = (select min(customer_id) from marts.dim_customers)"
            )
        beside.replace(own.published_file)
        seen.page.locator('[data-figure="people"]', has_text=str(before - 1)).wait_for()
    assert seen.complaints == []


def test_the_page_that_a_report_is_opens_from_a_file_and_asks_nobody(
    demo: Settings, tmp_path: Path, context: Any
) -> None:
    from orchestration.insight import report

    report.write(demo, tmp_path / "report.html")
    seen = Watched(context)
    seen.page.goto((tmp_path / "report.html").as_uri())
    assert int(seen.tile("people")) > 0
    assert seen.page.locator("figure > svg").count() >= 2
    assert seen.hosts <= {None, ""}
    assert seen.complaints == []


def _picture(page: Any, path: str) -> None:
    """For the documentation, where asked for."""
    folder = os.environ.get("C360_SCREENSHOTS")
    if folder and path in PICTURES:
        page.screenshot(path=Path(folder) / PICTURES[path])
