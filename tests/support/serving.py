"""`c360 look` in a process of its own, what it answers, and a real browser to look at it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestration.config.settings import Settings
from orchestration.insight import server
from tests.support.paths import PROJECT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or find_spec("playwright") is None,
    reason="no Chromium or no Playwright here: `apt-get install chromium` and `uv sync` bring them",
)


@contextmanager
def dashboard(settings: Settings) -> Iterator[str]:
    """The address, with its token, of a dashboard that ends with the body."""
    environment = {**os.environ, "C360_DATA": str(settings.data)}
    command = [sys.executable, "-m", "orchestration.cli", "look", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)
    assert (process.returncode, *said) == (0, "", "")


class Browser:
    """Keeps cookies and follows redirects, as a browser does."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, address: str, *, method: str = "GET", **headers: str) -> tuple[int, str, str]:
        """Status, text and where it ended."""
        request = urllib.request.Request(
            address, method=method, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        try:
            with self._opener.open(request, timeout=120) as answer:
                return answer.status, answer.read().decode(), answer.url
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), address


@contextmanager
def chromium(folder: Path) -> Iterator[Any]:
    """A browser that knows nobody and phones nobody."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder), executable_path=CHROMIUM, headless=True, args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()


class Watched:
    """A page with its requests and complaints written down."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.hosts: set[str | None] = set()
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )

    def tile(self, name: str) -> str:
        return self.page.locator(f'[data-figure="{name}"]').first.inner_text()

    def visit_all(self, home: str) -> Iterator[str]:
        """Every page by its link in turn, once it is there with all its pictures."""
        for path, (name, _) in server.PAGES.items():
            self.page.get_by_role("link", name=name, exact=True).click()
            self.page.wait_for_url(home + path)
            assert self.page.locator("h1").count() == 1
            assert all(svg.bounding_box()["height"] > 0 for svg in self.page.locator("figure > svg").all())
            yield path
