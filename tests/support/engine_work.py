"""Tasks for workers in processes of their own."""

import os
import signal
import time
from pathlib import Path

PATIENCE = 60


def doubled(number: int) -> int:
    return 2 * number


def divided(number: int) -> float:
    return 1 / number


def die_always(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(task: tuple[str, int]) -> int:
    """The first worker that comes to the second task dies over it."""
    folder, number = task
    if number == 1:
        try:
            (Path(folder) / "died").touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def watched(folder: str) -> None:
    """Works for ever, and leaves its number to be watched by."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(10 * PATIENCE)


def wait_for_workers(folder: Path, count: int) -> None:
    limit = time.monotonic() + PATIENCE
    while len(list(folder.iterdir())) < count:
        assert time.monotonic() < limit
        time.sleep(0.1)


def all_end(folder: Path) -> bool:
    """No worker that left its number is running any more."""
    limit = time.monotonic() + PATIENCE
    while any(_is_running(int(path.name)) for path in folder.iterdir()):
        if time.monotonic() > limit:
            return False
        time.sleep(0.1)
    return True


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
