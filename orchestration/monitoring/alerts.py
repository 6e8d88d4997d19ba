"""Tells somebody of a failed or a late night, by the command or the webhook of the settings; off while neither is set.

Each cause is told once a night, whichever process meets it first and however often. A message holds sentences of ours
and never a value of a customer. What counts as late is decided in `freshness.py`.
"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from orchestration.config.settings import Settings
from orchestration.monitoring import freshness
from orchestration.runtime.errors import to_operator_error

COMMAND_SECONDS = 60
WEBHOOK_SECONDS = 10


@dataclass(frozen=True)
class Alert:
    """What happened, and what to do about it."""

    event: Literal["failed", "late", "attention"]
    message: str
    remedy: str

    @property
    def cause(self) -> str:
        """The same for the same trouble, whatever numbers its message quotes."""
        return hashlib.sha256(f"{self.event}: {re.sub(r'[0-9]+', '', self.message)}".encode()).hexdigest()[:12]


def send(settings: Settings, alert: Alert) -> bool:
    """Calls the command and the webhook, unless they are off or were told the same this night; whether it called."""
    if not is_on(settings):
        return False
    night = freshness.night_of(settings)
    book = settings.alert_book / f"{night}-{alert.cause}.json"
    if not _is_first(book, alert):
        return False
    text = f"Customer warehouse, night of {night}: {alert.message} {alert.remedy}".strip()
    payload = {
        "event": alert.event,
        "night": str(night),
        "host": socket.gethostname(),
        "text": text,
        "message": alert.message,
        "remedy": alert.remedy,
    }
    try:
        problems = list(_deliver(settings, payload))
    except Exception as error:  # an alert never hides the failure that it tells of, whatever goes wrong with it
        problems = [f"the alert itself failed ({type(error).__name__})"]
    with suppress(OSError):
        book.write_text(json.dumps(payload | {"problems": problems}), encoding="utf-8")
    return True


def is_on(settings: Settings) -> bool:
    """Somebody wants to be told."""
    return bool(settings.options.alert_command or settings.options.alert_webhook)


def undelivered(settings: Settings) -> list[str]:
    """Why the last alert reached nobody; empty if it did, or if there was none."""
    books = sorted(settings.alert_book.glob("*.json"), key=lambda path: path.stat().st_mtime)
    try:
        return list(map(str, json.loads(books[-1].read_bytes())["problems"])) if books else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # cut while it was written: nobody knows, and the next one is told anew


@contextmanager
def on_failure(settings: Settings) -> Iterator[None]:
    """Tells of the failure that ends the body, and lets it pass."""
    try:
        yield
    except Exception as error:
        plain = to_operator_error(error)
        send(settings, Alert("failed", plain.message, plain.remedy))
        raise


def tell_problems(settings: Settings, count: int) -> None:
    """Tells that so many things in the landing zone are no delivery, or cannot be read, if there are any."""
    if count:
        send(
            settings,
            Alert("failed", f"{count} things in the landing zone could not be loaded.", "`c360 doctor` names them."),
        )


def tell_attention(settings: Settings, sentences: Sequence[str]) -> None:
    """Tells what a person must look at after a night that went well, if there is anything."""
    if sentences:
        more = f" And {len(sentences) - 1} more things." if len(sentences) > 1 else ""
        send(settings, Alert("attention", f"{sentences[0]}{more}", "`c360 status` tells everything."))


def tell_lateness(settings: Settings) -> str | None:
    """Tells of a night that has not come and of streams that were not delivered; what there was to tell."""
    late = freshness.lateness(settings) if is_on(settings) else None
    if late is None:
        return None
    send(settings, Alert("late", late, "`c360 status` shows every stream and the last runs."))
    return late


def _is_first(book: Path, alert: Alert) -> bool:
    """Claims the alert for this process; where nothing can be noted, a failure is told all the same."""
    try:
        book.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(book, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return _is_left_behind(book)
    except OSError:
        return alert.event == "failed"
    return True


def _is_left_behind(book: Path) -> bool:
    """Whoever claimed the alert was killed before it was told: what is delivered is noted after."""
    with suppress(OSError):
        claimed = book.stat()
        if claimed.st_size == 0 and time.time() - claimed.st_mtime > 2 * (COMMAND_SECONDS + WEBHOOK_SECONDS):
            os.utime(book)
            return True
    return False


def _deliver(settings: Settings, payload: dict[str, str]) -> Iterator[str]:
    if settings.options.alert_command and (problem := _run(settings.options.alert_command, payload)):
        yield f"alert_command {problem}"
    if settings.options.alert_webhook and (problem := _post(settings.options.alert_webhook, payload)):
        yield f"alert_webhook {problem}"


def _run(command: str, payload: dict[str, str]) -> str | None:
    """The payload stands on the command's input, its text in C360_ALERT."""
    environment = {**os.environ, "C360_ALERT": payload["text"]}
    try:
        process = subprocess.Popen(
            command,
            shell=True,
            env=environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        return f"could not be started ({type(error).__name__})"
    try:
        process.communicate(json.dumps(payload).encode(), timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"did not end within {COMMAND_SECONDS} s"
    return f"ended with {process.returncode}" if process.returncode else None


def _post(address: str, payload: dict[str, str]) -> str | None:
    try:
        request = urllib.request.Request(address, json.dumps(payload).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"was answered with {error.code}"
    except (OSError, ValueError, HTTPException) as error:
        return f"could not be reached ({type(error).__name__})"
