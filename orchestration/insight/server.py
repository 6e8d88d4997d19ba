"""The dashboard as pages of a server on this machine: read-only, offline, for whoever has the token.

Every request opens the published file anew, so that a new publication is seen with the next page; pages that are open
ask for it and load again. Pages hold people's names: nothing is logged, cached or sent anywhere, and no page of anybody
else gets an answer.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import duckdb
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from orchestration.config.settings import Settings
from orchestration.insight import markup, pages
from orchestration.insight.pages import Page
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.local_requests import LocalOnly
from orchestration.warehouse import read_only

PAGES: dict[str, tuple[str, Page]] = {
    "/": ("Overview", pages.overview),
    "/customers": ("Customers", pages.customers),
    "/cohorts": ("Cohorts", pages.cohorts),
    "/rfm": ("RFM", pages.rfm),
    "/segments": ("Segments", pages.segments),
    "/reconciliation": ("Reconciliation", pages.reconciliation),
    "/quality": ("Data quality", pages.quality),
}
COOKIE = "c360-look"
REFUSED = "c360: open the address that `c360 look` showed; it holds the token.\n"
# Asks now and then whether something new is published; whoever types is left alone until the next page.
WATCH = """<script nonce="{}">
setInterval(async () => {{
  try {{
    const answer = await fetch("/publication");
    if (answer.ok && await answer.text() !== {} && document.activeElement?.tagName !== "INPUT") location.reload();
  }} catch {{ }}
}}, 5000);
</script>"""
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}


def application(settings: Settings, token: str) -> Starlette:
    """The dashboard of an installation as an ASGI application."""
    dashboard = _Dashboard(settings, token)
    routes = [Route(path, dashboard.answer(path, show)) for path, (_, show) in PAGES.items()]
    routes += [
        Route("/customers/{id}", dashboard.answer("/customers", pages.profile)),
        Route("/publication", dashboard.publication),
    ]
    return Starlette(routes=routes, middleware=[Middleware(LocalOnly)])


class _Dashboard:
    """Pages of one installation for whoever knows the token."""

    def __init__(self, settings: Settings, token: str) -> None:
        self._settings = settings
        self._token = token

    def answer(self, path: str, show: Page) -> Callable[[Request], Response]:
        """A page, once the token is known: it comes with the address and stays in a cookie, out of the history of the
        browser."""

        def answer(request: Request) -> Response:
            if "token" in request.query_params:
                return self._let_in(request)
            return self._page(request, path, show) if self._is_known(request) else _refusal()

        return answer

    def publication(self, request: Request) -> Response:
        """What is published now, as one word."""
        return PlainTextResponse(_published(self._settings), headers=HEADERS) if self._is_known(request) else _refusal()

    def _is_known(self, request: Request) -> bool:
        return self._is_token(request.cookies.get(_cookie(request), ""))

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _let_in(self, request: Request) -> Response:
        if not self._is_token(request.query_params["token"]):
            return _refusal()
        rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "token"])
        response = RedirectResponse(
            request.url.path + (f"?{rest}" if rest else ""), status_code=HTTPStatus.SEE_OTHER, headers=HEADERS
        )
        response.set_cookie(_cookie(request), self._token, httponly=True, samesite="strict")
        return response

    def _page(self, request: Request, path: str, show: Page) -> Response:
        seen = _published(self._settings)
        status, body = self._body(show, {**request.query_params, **request.path_params})
        nonce = secrets.token_urlsafe(16)
        script = Markup(WATCH).format(nonce, Markup("'{}'").format(seen))
        text = markup.page(f"customer360: {PAGES[path][0]}", body, head=_navigation(path), script=script)
        return HTMLResponse(
            text, status_code=status, headers={**HEADERS, "content-security-policy": POLICY.format(nonce=nonce)}
        )

    def _body(self, show: Page, query: dict[str, Any]) -> tuple[int, Markup]:
        try:
            with read_only.published(self._settings) as con:
                return HTTPStatus.OK, show(con, query)
        except (OperatorError, duckdb.Error, OSError) as error:
            plain = to_operator_error(error)
            wrong = HTTPStatus.NOT_FOUND if plain.exit_code == 2 else HTTPStatus.SERVICE_UNAVAILABLE
            return wrong, markup.section("That cannot be shown", markup.sentences([plain.message, plain.remedy]))


def _navigation(path: str) -> Markup:
    links = Markup().join(
        Markup('<a href="{}"{}>{}</a>').format(to, Markup(' aria-current="page"') if to == path else Markup(), name)
        for to, (name, _) in PAGES.items()
    )
    search = Markup(
        '<form action="/customers"><input name="q" placeholder="find a customer" aria-label="find a customer"></form>'
    )
    return Markup("<nav>{}{}</nav>").format(links, search)


def _cookie(request: Request) -> str:
    """Cookies know no ports: two dashboards on one machine keep theirs apart by name."""
    return f"{COOKIE}-{request.url.port or ''}"


def _published(settings: Settings) -> str:
    """Which file is published, as a word that changes with every publication."""
    with suppress(OSError):
        found = settings.published_file.stat()
        return f"{found.st_ino:x}-{found.st_mtime_ns:x}"
    return "nothing"


def _refusal() -> Response:
    return PlainTextResponse(REFUSED, status_code=HTTPStatus.FORBIDDEN, headers=HEADERS)
