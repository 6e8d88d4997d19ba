"""The Dagster UI answers the browser on this machine, and no page that the browser has from elsewhere."""

import asyncio
from typing import Any

import pytest

from orchestration.runtime.local_requests import LocalOnly

OURS = "127.0.0.1:3000"


def answer(kind: str = "http", *, method: str = "GET", path: str = "/", **headers: str) -> list[dict[str, Any]]:
    """What is sent back for a request with those headers."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "passed"})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read of what is refused")

    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    asyncio.run(LocalOnly(app)({"type": kind, "method": method, "path": path, "headers": given}, receive, send))
    return sent


def is_passed(*arguments: str, **given: str) -> bool:
    return answer(*arguments, **given) == [{"type": "passed"}]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host", ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]", "LOCALHOST:3000"]
)
def test_this_machine_is_answered_under_each_of_its_names(kind: str, host: str) -> None:
    assert is_passed(kind, host=host)
    assert is_passed(kind, host=host, origin=f"http://{host}")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "shop.example:3000"},
        {"host": "127.0.0.1.shop.example:3000"},
        {"host": "localhost.shop.example"},
        {"host": "127.0.0.2:3000"},
        {"host": "0.0.0.0:3000"},
        {"host": "localhost:3000@shop.example"},
        {"host": "localhost:3000\n"},
        {"host": ""},
        {},
        {"host": OURS, "origin": "http://shop.example"},
        {"host": OURS, "origin": "null"},
        {"host": OURS, "origin": ""},
        {"host": OURS, "origin": "http://127.0.0.1:4000"},
        {"host": OURS, "origin": "http://localhost:3000"},
        {"host": OURS, "origin": f"http://{OURS}.shop.example"},
        {"host": OURS, "sec_fetch_site": "cross-site"},
        {"host": OURS, "sec_fetch_site": "same-site"},
    ],
)
def test_what_a_foreign_page_sends_is_refused(kind: str, headers: dict[str, str]) -> None:
    first = answer(kind, **headers)[0]
    assert first.get("status", first.get("code")) == (403 if kind == "http" else 1008)


def test_two_hosts_are_none() -> None:
    assert not is_passed(host=OURS, Host=OURS)


def test_a_link_from_elsewhere_opens_a_page_and_starts_nothing() -> None:
    link = {"host": OURS, "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert is_passed(path="/runs", **link)
    assert not is_passed(path="/graphql", **link)
    assert not is_passed(path="/runs", method="POST", **link)
