"""Alerts somebody to a failed or late nightly run, by the command or the webhook of the settings; off while neither is
set.

Each cause is reported once a night, whichever process meets it first and however often. A message holds sentences of
ours and never a value of a customer. What counts as late is decided in `freshness.py`.
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
from orchestration.runtime.wording import counted

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
    """Calls the command and the webhook, unless they are off or got the same alert this night; returns whether it
    called."""
    if not is_on(settings):
        return False
    run_date = freshness.run_date(settings)
    note = settings.sent_alerts / f"{run_date}-{alert.cause}.json"
    if not _is_first(note, alert):
        return False
    text = f"Customer warehouse, night of {run_date}: {alert.message} {alert.remedy}".strip()
    payload = {
        "event": alert.event,
        "night": str(run_date),
        "host": socket.gethostname(),
        "text": text,
        "message": alert.message,
        "remedy": alert.remedy,
    }
    try:
        problems = list(_deliver(settings, payload))
    except Exception as error:  # an alert never hides the failure it reports, whatever goes wrong with it
        problems = [f"the alert itself failed ({type(error).__name__})"]
    with suppress(OSError):
        note.write_text(json.dumps(payload | {"problems": problems}), encoding="utf-8")
    return True


def is_on(settings: Settings) -> bool:
    """Somebody wants to be alerted."""
    return bool(settings.options.alert_command or settings.options.alert_webhook)


def undelivered(settings: Settings) -> list[str]:
    """Why the last alert reached nobody; empty if it did, or if there was none."""
    notes = sorted(settings.sent_alerts.glob("*.json"), key=lambda path: path.stat().st_mtime)
    try:
        return list(map(str, json.loads(notes[-1].read_bytes())["problems"])) if notes else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # cut off while it was written: nobody knows, and the next alert is sent anew


@contextmanager
def on_failure(settings: Settings) -> Iterator[None]:
    """Reports the failure that ends the body, and lets it pass."""
    try:
        yield
    except Exception as error:
        plain = to_operator_error(error)
        send(settings, Alert("failed", plain.message, plain.remedy))
        raise


def report_problems(settings: Settings, count: int) -> None:
    """Sends an alert that so many things in the landing zone are no delivery or cannot be read, if there are any."""
    if count:
        send(
            settings,
            Alert(
                "failed",
                f"{counted(count, 'thing')} in the landing zone could not be loaded.",
                "`c360 doctor` names them.",
            ),
        )


def report_attention(settings: Settings, sentences: Sequence[str]) -> None:
    """Sends an alert on what a person must look at after a run that went well, if there is anything."""
    if sentences:
        others = len(sentences) - 1
        more = f" And {counted(others, 'more thing')}." if others else ""
        send(settings, Alert("attention", f"{sentences[0]}{more}", "`c360 status` shows everything."))


def report_lateness(settings: Settings) -> str | None:
    """Sends an alert on a nightly run that is late and on streams that were not delivered; returns what it said."""
    late = freshness.lateness(settings) if is_on(settings) else None
    if late is None:
        return None
    send(settings, Alert("late", late, "`c360 status` shows every stream and the last runs."))
    return late


def _is_first(note: Path, alert: Alert) -> bool:
    """Claims the alert for this process; where nothing can be noted, a failure is reported all the same."""
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(note, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return _is_left_behind(note)
    except OSError:
        return alert.event == "failed"
    return True


def _is_left_behind(note: Path) -> bool:
    """The process that claimed the alert was killed before it sent it: what is delivered is noted afterwards."""
    with suppress(OSError):
        claimed = note.stat()
        if claimed.st_size == 0 and time.time() - claimed.st_mtime > 2 * (COMMAND_SECONDS + WEBHOOK_SECONDS):
            os.utime(note)
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
