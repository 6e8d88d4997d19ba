"""One writer at a time: a file lock that its process holds, that the kernel frees, and that names its holder.

Every step that writes the build file or swaps the published one runs inside `writer_lock`. Who looks at the build file
does so inside `reader_lock`: DuckDB lets nobody write a file that another process has open, be it for reading. The
published file needs neither.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from orchestration.config.settings import Settings
from orchestration.runtime import file_lock
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.progress import Progress, silent

MOMENTS = 100


@dataclass(frozen=True)
class Holder:
    """Who holds the lock."""

    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        return f"`{self.command}` (process {self.pid} on {self.host}, since {self.since})"


@contextmanager
def writer_lock(settings: Settings, *, command: str, on_wait: Progress = silent) -> Iterator[None]:
    """Holds the lock while the body runs; waits for another writer as long as `lock_wait_seconds` says."""
    settings.internal.mkdir(parents=True, exist_ok=True)
    with _open(settings.lock_file) as file:
        _acquire(file, settings.options.lock_wait_seconds, on_wait)
        _write(file, json.dumps(asdict(_self(command))))
        try:
            yield
        finally:
            _write(file, "")


@contextmanager
def reader_lock(settings: Settings) -> Iterator[bool]:
    """Keeps writers waiting while the body looks at the build file; False, and nothing is kept, where one is at
    work."""
    if not settings.lock_file.exists():
        yield True
        return
    with settings.lock_file.open(encoding="utf-8") as file:
        yield file_lock.try_lock(file, fcntl.LOCK_SH)


def holder(settings: Settings) -> Holder | None:
    """Who writes just now; None if nobody does, whatever an ended process left in the file."""
    if not settings.lock_file.exists():
        return None
    with settings.lock_file.open(encoding="utf-8") as file:
        for _ in range(MOMENTS):
            if file_lock.try_lock(file, fcntl.LOCK_SH):
                return None
            if found := _read(file):
                return found
            time.sleep(
                file_lock.POLL_SECONDS / MOMENTS
            )  # it has the lock and has not yet written who it is, or is just leaving
    return None


def _self(command: str) -> Holder:
    return Holder(
        pid=os.getpid(),
        host=socket.gethostname(),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )


def _open(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+", encoding="utf-8")


def _acquire(file: IO[str], patience: float, on_wait: Progress) -> None:
    if not file_lock.lock_within(
        file, patience, on_wait=lambda: on_wait(f"waiting for {_read(file) or 'another run'}")
    ):
        raise OperatorError(
            f"Another run is writing: {_read(file) or 'its name is not known'}; waited {patience:.0f} s for it.",
            remedy="Run again when it has ended; `c360 status` shows it.",
        )


def _read(file: IO[str]) -> Holder | None:
    try:
        file.seek(0)
        found = Holder(**json.loads(file.read()))
        datetime.fromisoformat(found.since)
        return found
    except (ValueError, TypeError):
        return None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
