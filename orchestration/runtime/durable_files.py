"""Files of ours that a power loss leaves old or new and never cut: written beside, forced to the disk, then renamed."""

import os
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
