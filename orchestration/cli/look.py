"""`c360 look`: the dashboard on the published warehouse, on this machine only, until it is interrupted."""

import argparse
import secrets
import signal
import socket
import sys

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name

HOST = "127.0.0.1"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--port", type=int, default=3060, help="port of the pages (default 3060; 0: any that is free)")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Serves the pages and shows their address, which holds the token."""
    import uvicorn

    from orchestration.insight import server

    token = secrets.token_urlsafe(24)
    with _listening(given.port) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            server.application(settings, token),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="off",
        )
        output.say(f"Dashboard: http://{HOST}:{port}/?token={token}  (of {settings.published_file}; Ctrl-C ends it)")
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            return 0
    return 0


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError):
        listener.close()
        raise OperatorError(
            f"Port {shown_name(str(port))} cannot be used.",
            remedy="Use another with `c360 look --port 0`.",
            exit_code=2,
        ) from None
    return listener


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
