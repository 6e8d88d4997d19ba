"""An installation that pulls from the vendors of `vendors.py`."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from orchestration.network.client import Patience
from orchestration.pulling import configuration
from orchestration.pulling.pull import Outcome, pull
from tests.support.http_server import Server, serving
from tests.support.vendor_servers import SECRET, Vendor

PATIENCE = Patience(attempts=4, first_wait=0.001)


class Installation:
    """Vendors that answer, and the `pull.toml` that names them."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings = settings
        self.vendors: dict[str, Vendor] = {}
        self.servers: dict[str, Server] = {}
        self._stack = stack
        self._entries = ""
        settings.config.mkdir(parents=True, exist_ok=True)
        settings.landing.mkdir(exist_ok=True)

    def connect(self, code: str, vendor: Vendor, *streams: str, **more: object) -> Server:
        """Serves the vendor and names it in `pull.toml`."""
        server = self._stack.enter_context(serving(vendor))
        if hasattr(vendor, "address"):
            vendor.address = server.address
        facts = {
            "vendor": code,
            "address": server.address,
            "streams": list(streams),
            "requests_per_second": 1000,
            **dict.fromkeys(vendor.secrets, "env:VENDOR_SECRET"),
            **more,
        }
        self._entries += "[[account]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in facts.items())
        self.write(self._entries)
        self.vendors[code], self.servers[code] = vendor, server
        return server

    def write(self, text: str) -> None:
        (self.settings.config / "pull.toml").write_text(text, encoding="utf-8")

    def pull(self, **given: object) -> list[Outcome]:
        return pull(self.settings, configuration.sources(self.settings), patience=PATIENCE, **given)

    def pages(self, feed: str, stream: str) -> list[bytes]:
        return [path.read_bytes() for path in self.files(feed, stream)]

    def files(self, feed: str, stream: str) -> list[Path]:
        return sorted(
            path
            for path in (self.settings.landing / feed / stream).rglob("*")
            if path.is_file() and path.name != "_FULL"
        )

    def is_full(self, feed: str, stream: str) -> bool:
        return bool(list((self.settings.landing / feed / stream).glob("*/_FULL")))

    def ids(self, feed: str, stream: str) -> list[str]:
        return [row["id"] for page in self.pages(feed, stream) for row in rows_of(page)]


def rows_of(page: bytes) -> list[dict[str, str]]:
    body = json.loads(page)
    return body if isinstance(body, list) else next(value for value in body.values() if isinstance(value, list))


@pytest.fixture
def installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    with ExitStack() as stack:
        made = Installation(settings, stack)
        yield made
        assert all(vendor.violations == [] for vendor in made.vendors.values())
