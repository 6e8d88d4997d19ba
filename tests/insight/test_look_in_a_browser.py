"""Somebody looks at every page of the dashboard in a real browser: it renders, without network, with the numbers of the warehouse."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.insight import figures, server
from orchestration.insight.figures import ask
from tests.insight.serving import dashboard

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 120_000
PICTURES = {"/": "look_overview.png", "/segments": "look_segments.png", "/customers/{person}": "look_profile.png"}

pytestmark = [
    pytest.mark.ui,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: `apt-get install chromium` brings it"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="Playwright is not installed: `uv sync` brings it"),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("browser")), executable_path=CHROMIUM, headless=True, args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()


class Watched:
    """A page whose requests and complaints are written down."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.hosts: set[str | None] = set()
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)

    def tile(self, name: str) -> str:
        return self.page.locator(f'[data-figure="{name}"]').first.inner_text()


def test_every_page_renders_offline_with_the_numbers_of_the_warehouse(demo: Settings, con: duckdb.DuckDBPyConnection, chromium: Any) -> None:
    seen = Watched(chromium)
    (person,) = con.execute("select customer_id from marts.dim_customers order by record_count desc, customer_id limit 1").fetchone() or ("",)
    (name,) = con.execute("select full_name from marts.dim_customers where customer_id = $1", [person]).fetchone() or ("",)
    with dashboard(demo) as address:
        home = address.partition("/?")[0]
        seen.page.goto(address)
        overview = ask(con, figures.OVERVIEW).first
        assert seen.tile("people") == f"{overview['people']:,}"
        assert seen.tile("orders") == f"{overview['orders']:,}"
        assert seen.tile("revenue EUR") == f"{overview['revenue']:,.2f}"
        assert "token" not in seen.page.url
        for path in server.PAGES:
            seen.page.get_by_role("link", name=server.PAGES[path][0], exact=True).click()
            seen.page.wait_for_url(home + path)
            assert seen.page.locator("h1").count() == 1
            assert all(svg.bounding_box()["height"] > 0 for svg in seen.page.locator("figure > svg").all())
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


def test_an_open_page_shows_a_new_publication_by_itself(demo: Settings, tmp_path: Path, chromium: Any) -> None:
    own = replace(demo, data=tmp_path / "data")
    own.data.mkdir()
    shutil.copyfile(demo.published_file, own.published_file)
    seen = Watched(chromium)
    with dashboard(own) as address:
        seen.page.goto(address)
        before = int(seen.tile("people"))
        beside = own.data / "next.duckdb"
        shutil.copyfile(own.published_file, beside)
        with duckdb.connect(str(beside)) as con:
            con.execute("delete from marts.dim_customers where customer_id = (select min(customer_id) from marts.dim_customers)")
        beside.replace(own.published_file)
        seen.page.locator('[data-figure="people"]', has_text=str(before - 1)).wait_for()
    assert seen.complaints == []


def test_the_page_that_a_report_is_opens_from_a_file_and_asks_nobody(demo: Settings, tmp_path: Path, chromium: Any) -> None:
    from orchestration.insight import report

    report.write(demo, tmp_path / "report.html")
    seen = Watched(chromium)
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
