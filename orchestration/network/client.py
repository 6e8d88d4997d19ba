"""One account at one vendor over HTTP: paced, patient, and discreet.

An answer is handed on as bytes, as it came. Errors name the vendor, the path and the status: never a query, a header or
a body, which may hold a secret or name a person. What a request is for is not known here.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from orchestration.config.accounts import feed
from orchestration.config.settings import Settings
from orchestration.network.access import Login, address_problem
from orchestration.network.pacing import Pace
from orchestration.network.waits import is_quota, moment, seconds_asked
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts

try:
    import httpx2
    import stamina
except ImportError:
    raise OperatorError(
        "Asking vendors over the network needs packages that are not installed.",
        remedy="Type `pip install 'customer360[network]'`.",
        exit_code=2,
    ) from None

MOST_BYTES = 256 * 2**20
TIMEOUT = httpx2.Timeout(60, connect=15)
USER_AGENT = "customer360"
# A token is renewed a little before it ends, so that none ends on the way.
TOKEN_MARGIN_SECONDS = 30
AGAIN = frozenset({408, 425, 429})
# A host that is asked for a token as Open Delivery 2 has it, and knows the form of OAuth and of version 1 only.
NOT_AS_JSON = (400, 415)
# httpx logs every request with its whole address, and stamina every wait; a log may hold neither.
for _library in ("httpx2", "httpcore2"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)
stamina.instrumentation.set_on_retry_hooks([])


@dataclass(frozen=True)
class Patience:
    """How often and how long a request is tried. What a vendor asks to wait counts; where it says nothing, waits grow
    from the first on."""

    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_asked: float = 900.0


@dataclass(frozen=True)
class Answer:
    """What came back: its body as bytes, decoded only from the compression of the way."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @cached_property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.content)

    @property
    def served_at(self) -> datetime | None:
        """The vendor's own clock when it answered."""
        return moment(self.headers.get("date", ""))


class RefusedError(OperatorError):
    """The vendor does not do what was asked; `status` says how it put that, and the answer's body is there for the
    caller's eyes only."""

    def __init__(self, message: str, *, remedy: str, status: int, content: bytes = b"") -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.content = content


class UnreachableError(OperatorError):
    """The vendor could not be reached, was busy or was out of order for as long as we were patient."""


class _NotYetError(Exception):
    """The same request may go well later; in `seconds`, if the vendor said when."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Client:
    """Requests of one account, over one connection."""

    def __init__(self, settings: Settings, login: Login, patience: Patience | None = None) -> None:
        self._login = login
        self._patience = patience or Patience()
        self._pace = Pace(settings.internal / "network" / feed(login.vendor, login.account), 1 / login.per_second)
        # Without encryption only this machine is asked, and no proxy that the environment names listens in between.
        self._http = httpx2.Client(
            timeout=TIMEOUT, follow_redirects=False, headers={"User-Agent": USER_AGENT}, mounts={"http://": None}
        )
        self._token, self._token_ends = "", 0.0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """The answer to a question, which must be JSON."""
        return self.request("GET", path, params=params, expects_json=True)

    def post(
        self, path: str, body: bytes, *, busy: Mapping[int, float] | None = None, expects_json: bool = False
    ) -> Answer:
        """The answer to a body of JSON. `busy` names statuses by which this vendor says that it is too early, and
        seconds to wait then."""
        return self.request("POST", path, body=body, busy=busy, expects_json=expects_json)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        busy: Mapping[int, float] | None = None,
        expects_json: bool = False,
        before: Callable[[], object] = lambda: None,
    ) -> Answer:
        """The answer of status 2xx, after as many attempts as it takes; a body that is or should be JSON is whole.
        `before` is called before each of them, and may refuse it."""

        def once() -> Answer:
            before()
            answer = self._send(method, path, params, body)
            if answer.status == 401 and self._login.access.token_path and self._token:
                self._token = ""
                answer = self._send(method, path, params, body)
            answer = self._judged(answer, path, busy or {})
            if expects_json or (answer.content and "json" in answer.headers.get("content-type", "")):
                _require_json(answer)
            return answer

        return self._patiently(once, path)

    def download(self, address: str, target: Path) -> None:
        """Saves a file that the vendor has laid out, byte for byte; its address is a secret, and ours are not sent
        there."""
        path = urlsplit(address).path
        if problem := address_problem(address.split("?")[0]):
            raise RefusedError(
                f"{self._who} lays a file out at an address that {problem}.", remedy="Ask the vendor.", status=0
            )

        def once() -> None:
            self._pace.take()
            with (
                self._plain_errors(),
                self._http.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                if answer.status_code != 200:
                    answer.read()
                    self._judged(_answer(answer, answer.content), path, {})
                with target.open("wb") as file:
                    for piece in answer.iter_raw():
                        file.write(piece)

        self._patiently(once, path)

    @property
    def _who(self) -> str:
        return feed(self._login.vendor, self._login.account)

    def _patiently(self, once: Any, path: str) -> Any:
        patience = self._patience
        attempts = stamina.retry_context(
            on=_backoff,
            attempts=patience.attempts,
            timeout=None,
            wait_initial=patience.first_wait,
            wait_max=patience.longest_wait,
            wait_jitter=min(1.0, patience.first_wait),
        )
        try:
            for attempt in attempts:
                with attempt:
                    return once()
        except _NotYetError as error:
            raise UnreachableError(
                f"{self._who} {error.reason} at {_shown(path)}, {patience.attempts} times in a row.",
                remedy="Try again later: it goes on where it stopped.",
            ) from None
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, params: Mapping[str, str | int] | None, body: bytes | None) -> Answer:
        headers = self._headers() | ({"Content-Type": "application/json"} if body is not None else {})
        return self._exchange(method, path, params=params, content=body, headers=headers)

    def _exchange(self, method: str, path: str, **given: Any) -> Answer:
        self._pace.take()
        with (
            self._plain_errors(),
            self._http.stream(method, f"{self._login.address.rstrip('/')}{path}", **given) as answer,
        ):
            return _answer(
                answer, _bounded(answer, f"{self._who} answers more than {MOST_BYTES >> 20} MB at {_shown(path)}.")
            )

    def _headers(self) -> dict[str, str]:
        values = dict(self._login.secrets)
        if self._login.access.token_path:
            values["token"] = self._current_token(self._login.access.token_path)
        return {name: template.format_map(values) for name, template in self._login.access.headers.items()}

    def _current_token(self, path: str) -> str:
        """The token of the last request while it is good, else a new one."""
        if self._token and time.monotonic() < self._token_ends:
            return self._token
        asked = {"grant_type": "client_credentials", **self._login.secrets}
        answer = self._exchange("POST", path, json=asked)
        if answer.status in NOT_AS_JSON:
            answer = self._exchange("POST", path, data=asked)
        answer = self._judged(answer, path, {})
        _require_json(answer)
        given = answer.json
        if (
            not isinstance(given, dict)
            or not isinstance(given.get("access_token"), str)
            or not given["access_token"].isascii()
        ):
            raise RefusedError(
                f"{self._who} gives out no token at {path}.", remedy="Ask the vendor.", status=answer.status
            )
        lasts = given.get("expires_in")
        self._token = given["access_token"]
        seconds = lasts if isinstance(lasts, int | float) else 300
        self._token_ends = time.monotonic() + seconds - min(TOKEN_MARGIN_SECONDS, seconds / 2)
        return self._token

    def _judged(self, answer: Answer, path: str, busy: Mapping[int, float]) -> Answer:
        """The answer if it is a good one; raises what is to be done otherwise."""
        status = answer.status
        if 200 <= status < 300:
            return answer
        if status == 429 and is_quota(answer.headers):
            raise RefusedError(
                f"The quota of {self._who} for this billing cycle is used up.",
                remedy="Wait for the next cycle, or buy a larger quota.",
                status=status,
            )
        if status in busy or status in AGAIN or status >= 500:
            # A moment is one of the vendor's clock, and ours may be another.
            asked = seconds_asked(answer.headers, answer.content, answer.served_at or datetime.now(UTC))
            if asked is not None and asked > self._patience.longest_asked:
                raise UnreachableError(
                    f"{self._who} asks to wait {asked / 60:,.0f} minutes.",
                    remedy="Try again then: it goes on where it stopped.",
                )
            raise _NotYetError(f"answered with {status}", asked if asked is not None else busy.get(status))
        raise RefusedError(
            f"{self._who} refuses {_shown(path)} ({status}).",
            remedy=_remedy(status),
            status=status,
            content=answer.content,
        )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Errors of the connection by their kind: their words quote addresses."""
        try:
            yield
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            kind = type(error)
        else:
            return
        if issubclass(kind, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            raise RefusedError(
                f"{self._who} cannot be asked ({kind.__name__}).",
                remedy="Look at its address and its secrets.",
                status=0,
            )
        raise _NotYetError(f"could not be heard ({kind.__name__})")


def _backoff(error: Exception) -> bool | float:
    if not isinstance(error, _NotYetError):
        return False
    return True if error.seconds is None else error.seconds


def _answer(answer: Any, content: bytes) -> Answer:
    return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, content)


def _bounded(answer: Any, too_much: str) -> bytes:
    pieces, size = [], 0
    for piece in answer.iter_bytes():
        size += len(piece)
        if size > MOST_BYTES:
            raise RefusedError(too_much, remedy="Ask the vendor.", status=answer.status_code)
        pieces.append(piece)
    return b"".join(pieces)


def _require_json(answer: Answer) -> None:
    try:
        answer.json  # noqa: B018
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _NotYetError("answered with a cut or damaged body") from None


def _shown(path: str) -> str:
    return without_contacts(path)


def _remedy(status: int) -> str:
    if status == 401:
        return "Its key or token is not, or no longer, valid: put a new one where the configuration says."
    if status == 403:
        return "Its key lacks the right for this: let the vendor's settings grant it."
    if status in (404, 410):
        return "Look at its address in the configuration; the vendor may have retired this version."
    if 300 <= status < 400:
        return "It answers from another address: put that into the configuration."
    return "Look at the configuration; if it is right, the vendor has changed what it takes."
