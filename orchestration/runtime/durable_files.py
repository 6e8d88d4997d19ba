"""Files of ours that a power loss leaves old or new and never cut: written beside, forced to the disk, then renamed."""

import os
import shutil
from pathlib import Path


def sync(path: Path) -> None:
    """What the file or folder holds is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Puts the content under that name in one step; its rights are the mode, less what the process masks."""
    draft = path.with_name(f".{path.name}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
    sync(draft)
    os.replace(draft, path)


def put_in_place(work: Path, place: Path) -> None:
    """Gives a finished folder its name in one step; where somebody made the same meanwhile, that stays."""
    try:
        work.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        shutil.rmtree(work, ignore_errors=True)
