"""`c360 look` in a process of its own, and what it answers."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from orchestration.config.settings import Settings

PROJECT = Path(__file__).parents[2]


@contextmanager
def dashboard(settings: Settings) -> Iterator[str]:
    """The address, with its token, of a dashboard that ends with the body."""
    environment = {**os.environ, "C360_DATA": str(settings.data)}
    command = [sys.executable, "-m", "orchestration.cli", "look", "--port", "0"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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
        request = urllib.request.Request(address, method=method, headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with self._opener.open(request, timeout=120) as answer:
                return answer.status, answer.read().decode(), answer.url
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), address
