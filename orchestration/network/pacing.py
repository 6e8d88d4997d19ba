"""Requests of one account at the pace its vendor allows, whichever processes of ours make them: `pull` and `activate
--send` share it."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pace:
    """Places in a queue, `gap` seconds apart. The last place that was given out stands in `file`."""

    file: Path
    gap: float

    def take(self) -> None:
        """Waits for the next place."""
        wait = self._reserve(time.time())
        if wait > 0:
            time.sleep(wait)

    def _reserve(self, now: float) -> float:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            place = max(now, _place(os.pread(handle, 64, 0), now) + self.gap)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{place:.6f}".encode(), 0)
        finally:
            os.close(handle)
        return place - now


def _place(text: bytes, now: float) -> float:
    """The last place; one that is a minute ahead was written before the clock was set back, and is none."""
    try:
        place = float(text)
    except ValueError:
        return 0.0
    return place if place < now + 60 else 0.0
