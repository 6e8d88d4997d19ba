"""Web pages for this machine alone: what a foreign page makes a browser send here is refused, websockets as well.

A server on 127.0.0.1 is within reach of every page that the browser on this machine shows. So a request must name this
machine as its host (a name that was pointed here is another), and a page it comes from must be one of ours.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
REFUSED = b"c360: this page is for the browser on this machine alone.\n"
POLICY_VIOLATION = 1008


class LocalOnly:
    """Passes on what came from this machine to this machine, and answers everything else with 403."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or one websocket."""
        if scope["type"] not in ("http", "websocket") or is_local(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await send(
                {
                    "type": "http.response.start",
                    "status": 403,
                    "headers": [(b"content-type", b"text/plain; charset=utf-8")],
                }
            )
            await send({"type": "http.response.body", "body": REFUSED})


def is_local(scope: Message) -> bool:
    """The request names this machine, and the page that it comes from, if it comes from one, is ours."""
    hosts, origins, sites = (_values(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
    if len(hosts) != 1 or not HOST.fullmatch(hosts[0]):
        return False
    if any(origin.lower() not in (f"http://{hosts[0].lower()}", f"https://{hosts[0].lower()}") for origin in origins):
        return False
    # A picture or a link has no origin; that it comes from another site the browser says all the same. A link may open
    # a page, and no more.
    is_foreign = any(site in ("cross-site", "same-site") for site in sites)
    is_page = (
        _values(scope, b"sec-fetch-mode") == ["navigate"]
        and scope.get("method") == "GET"
        and "graphql" not in scope["path"].lower()
    )
    return not is_foreign or is_page


def _values(scope: Message, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
