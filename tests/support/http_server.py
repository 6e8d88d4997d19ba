"""A real HTTP server on loopback that answers as a test sets it up to, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """`cut` bytes of the body are promised and never sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """JSON; header names with `_` for `-`."""
    return Response(
        status,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
    )


Handler = Callable[[Request], Response]


class Server:
    """Answers by `handler`; `failures` come first, one a request, None for an answer as usual."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.failures: list[Response | None] = []
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self.address = ""

    def respond(self, request: Request) -> Response:
        with self._lock:
            self.requests.append(request)
            failure = self.failures.pop(0) if self.failures else None
            return failure or self.handler(request)


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """The server, while the body runs."""
    server = Server(handler)

    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = server.respond(
                Request(self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
            )
            self.send_response_only(response.status)
            for name, value in {"Date": self.date_time_string(), **response.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body) + response.cut))
            self.end_headers()
            self.wfile.write(response.body)
            self.close_connection = bool(response.cut)

        do_POST = do_GET  # noqa: N815
        do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
    http.daemon_threads = True
    http.handle_error = lambda *_: None  # whoever asked was killed
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
