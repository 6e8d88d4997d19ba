"""Locks on open files, which end with the process that holds them."""

import fcntl
import time
from collections.abc import Callable
from typing import IO

POLL_SECONDS = 0.1


def try_lock(file: IO[str] | int, kind: int = fcntl.LOCK_EX) -> bool:
    """Takes the lock if nobody else holds it; whether it is ours."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(file: IO[str] | int, patience: float = 0, *, on_wait: Callable[[], object] = lambda: None) -> bool:
    """Takes the lock, at once or when whoever holds it lets go within so many seconds; whether it is ours. `on_wait` is
    called once, if it has to be waited for."""
    started = time.monotonic()
    is_reported = False
    while not try_lock(file):
        if time.monotonic() - started >= patience:
            return False
        if not is_reported:
            on_wait()
            is_reported = True
        time.sleep(POLL_SECONDS)
    return True
