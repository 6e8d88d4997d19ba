"""What takes long to make and is only looked at, made once for all processes of a test run, by the first that wants it."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.support.installation import Installation, Outcome


def folder(shared: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name in one that the processes share, as it was made."""
    path, is_made = shared / name, shared / f"{name}.made"
    shared.mkdir(exist_ok=True)
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made.exists():
            shutil.rmtree(path, ignore_errors=True)
            make(path)
            is_made.touch()
    return path


def installation(shared: Path, name: str, land: Callable[[Installation], None]) -> tuple[Installation, Outcome]:
    """An installation after a nightly run on what was landed, and what the run said."""

    def run(path: Path) -> None:
        made = Installation(path / "data")
        made.data.mkdir(parents=True)
        land(made)
        outcome = made.c360("run")
        (path / "outcome.json").write_text(json.dumps(vars(outcome)), encoding="utf-8")

    path = folder(shared, name, run)
    return Installation(path / "data"), Outcome(**json.loads((path / "outcome.json").read_bytes()))
