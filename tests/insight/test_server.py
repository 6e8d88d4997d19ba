"""The dashboard answers whoever has the token, on this machine, with the numbers of the warehouse that is published just now."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.insight import explanation, figures, server
from orchestration.insight.figures import ask
from tests.support.serving import Browser, dashboard


@pytest.fixture(scope="module")
def address(demo: Settings) -> Iterator[str]:
    with dashboard(demo) as found:
        yield found


@pytest.fixture
def home(address: str) -> str:
    """The address without the token."""
    return address.partition("?")[0].rstrip("/")


@pytest.fixture
def browser(address: str) -> Browser:
    """One that has been let in."""
    found = Browser()
    assert found.get(address)[0] == 200
    return found


def tile(page: str, name: str) -> str:
    found = re.search(f'data-figure="{re.escape(name)}">([^<]*)<', page)
    assert found, name
    return unescape(found[1])


def test_without_the_token_nothing_is_reported(address: str, home: str) -> None:
    stranger = Browser()
    for path in (*server.PAGES, "/customers/x", "/publication", "/?token=", "/?token=guess"):
        status, text, _ = stranger.get(home + path)
        assert (status, text) == (403, server.REFUSED)


def test_the_token_leaves_the_address_and_the_rest_of_it_stays(address: str, home: str) -> None:
    token = address.partition("token=")[2]
    status, text, ended = Browser().get(f"{home}/customers?token={token}&q=nobody-of-that-name")
    assert (status, ended) == (200, f"{home}/customers?q=nobody-of-that-name")
    assert token not in text


def test_a_page_of_somebody_else_and_a_foreign_name_get_no_answer(browser: Browser, home: str) -> None:
    assert browser.get(home, origin="https://evil.example")[0] == 403
    assert browser.get(home, host="evil.example")[0] == 403
    assert browser.get(home, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(browser: Browser, home: str, method: str) -> None:
    assert browser.get(home, method=method)[0] == 405


def test_it_listens_on_this_machine_only(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"


@pytest.mark.parametrize("path", server.PAGES)
def test_every_page_is_shown(browser: Browser, home: str, path: str) -> None:
    status, text, _ = browser.get(home + path)
    assert status == 200
    assert f'aria-current="page">{server.PAGES[path][0]}<' in text
    assert "cannot be shown" not in text


def test_the_profile_of_everybody_is_shown(browser: Browser, home: str, con: duckdb.DuckDBPyConnection) -> None:
    for customer_id, email in con.execute("select customer_id, email from marts.dim_customers").fetchall():
        status, text, _ = browser.get(f"{home}/customers/{customer_id}")
        assert status == 200
        assert email is None or email in unescape(text)
        assert f"Person {customer_id}" in text


def test_the_commands_that_a_profile_shows_name_the_person_and_one_of_its_records(
    browser: Browser, home: str, con: duckdb.DuckDBPyConnection
) -> None:
    query = "select customer_id from marts.dim_customers order by record_count desc, customer_id limit 1"
    (person,) = con.execute(query).fetchone() or ("",)
    shown = re.search("c360 split (.*)", unescape(browser.get(f"{home}/customers/{person}")[1]))
    assert shown
    words = shlex.split(shown[1])
    assert words[0] == person
    alias_id, owner = explanation.resolve(con, words[words.index("--records") + 1])
    assert owner == person != alias_id


def test_an_id_that_nobody_has_is_not_found(browser: Browser, home: str) -> None:
    status, text, _ = browser.get(f"{home}/customers/{quote('<script>', safe='')}")
    assert status == 404
    assert "Nobody of that id" in text


def test_the_overview_and_the_search_show_the_numbers_of_the_warehouse(
    browser: Browser, home: str, con: duckdb.DuckDBPyConnection
) -> None:
    _, text, _ = browser.get(home)
    found = ask(con, figures.OVERVIEW).first
    assert tile(text, "people") == f"{found['people']:,}"
    assert tile(text, "revenue EUR") == f"{found['revenue']:,.2f}"
    _, text, _ = browser.get(f"{home}/customers?q=example.com")
    (count,) = con.execute("select count(*) from marts.dim_customers where email like '%example.com%'").fetchone() or (
        0,
    )
    assert tile(text, "found") == f"{count} people"


def test_what_one_types_is_never_part_of_the_page(browser: Browser, home: str) -> None:
    evil = quote('"><script>alert(1)</script>')
    _, text, _ = browser.get(f"{home}/customers?q={evil}")
    assert "<script>alert" not in text


def test_a_new_publication_is_seen_with_the_next_page(demo: Settings, tmp_path: Path) -> None:
    own = replace(demo, data=tmp_path / "data")
    own.data.mkdir()
    shutil.copyfile(demo.published_file, own.published_file)
    with dashboard(own) as address:
        browser = Browser()
        before = tile(browser.get(address)[1], "people")
        word = browser.get(address.replace("/?", "/publication?"))[1]
        _publish_without_one(own)
        home = address.partition("?")[0]
        assert tile(browser.get(home)[1], "people") == str(int(before) - 1)
        assert browser.get(f"{home}publication")[1] != word


def test_where_nothing_is_published_the_page_says_what_to_do(settings: Settings) -> None:
    with dashboard(settings) as address:
        status, text, _ = Browser().get(address)
    assert status == 503
    assert "c360 run" in text


def _publish_without_one(settings: Settings) -> None:
    """Another warehouse swapped in, as a publication is: with one person less."""
    beside = settings.data / "next.duckdb"
    shutil.copyfile(settings.published_file, beside)
    with duckdb.connect(str(beside)) as con:
        con.execute(
            "delete from marts.dim_customers where customer_id = (select min(customer_id) from marts.dim_customers)"
        )
    beside.replace(settings.published_file)
