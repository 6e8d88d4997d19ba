"""Which deliveries have landed completely: nothing that still grows, nothing with a marker still awaited.

A delivery is one folder of the landing zone: vendor, stream and export date. Where a vendor writes a marker such as
`complete.json`, its absence means that the delivery is not finished; where it never does, a quiet time shows it.
"""

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

from orchestration.landing.landing_zone import LandedFile

MARKERS = ("complete.json", "_success", "_complete", "_done")
MARKER_ENDS = (".done", ".complete", ".ready")


def is_marked(folder: Path) -> bool:
    """The vendor says that the delivery in this folder is complete."""
    return (
        folder.is_dir()
        and os.access(folder, os.R_OK)
        and any(path.name.lower() in MARKERS or path.name.lower().endswith(MARKER_ENDS) for path in folder.iterdir())
    )


def is_complete(folder: Path, files: Iterable[LandedFile], *, quiet_seconds: float, now: float) -> bool:
    """The delivery can be loaded."""
    if is_marked(folder):
        return True
    if any(is_marked(sibling) for sibling in folder.parent.iterdir() if sibling != folder):
        return False
    return all(now - file.mtime_ns / 1e9 >= quiet_seconds for file in files)


def complete(files: Iterable[LandedFile], *, quiet_seconds: float, now: float | None = None) -> list[LandedFile]:
    """Those files that belong to a complete delivery."""
    moment = time.time() if now is None else now
    folders: dict[Path, list[LandedFile]] = {}
    for file in files:
        folders.setdefault(_delivery(file), []).append(file)
    return [
        file
        for folder, landed in folders.items()
        if is_complete(folder, landed, quiet_seconds=quiet_seconds, now=moment)
        for file in landed
    ]


def key(files: Iterable[LandedFile]) -> str:
    """The same for the same files as they are now, so that one arrival wakes one run."""
    parts = sorted((file.relative_path, *file.identity) for file in files)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _delivery(file: LandedFile) -> Path:
    """The folder named after the export date, above any folders of the vendor's own."""
    return next(
        (folder for folder in file.path.parents if folder.name == file.export_date.isoformat()), file.path.parent
    )
