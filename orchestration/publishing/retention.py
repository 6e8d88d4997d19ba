"""What an installation throws away: what killed runs left behind, and logs older than the setting says.

Publications prune themselves in `publish.py`, the run log in `run_log.py`, Dagster's runs in `sensors.py`.
"""

import shutil
import time
from pathlib import Path

from orchestration.config.settings import Settings
from orchestration.publishing.publish import NOTE
from orchestration.runtime import file_lock

DAY = 86_400


def sweep(settings: Settings) -> None:
    """Removes what runs that were killed left behind; only for the holder of the writer lock, which knows that they are
    gone."""
    for folder in (
        settings.internal / "spool",
        settings.part_file.parent,
        settings.shards_folder,
        settings.anew_file.parent,
    ):
        shutil.rmtree(folder, ignore_errors=True)
    left = [*settings.data.glob(".warehouse.duckdb.*"), *settings.publications.glob(f"*/.{NOTE}.tmp")]
    left += [path for path in settings.spill.glob("*") if path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    if settings.trial_folder.exists():
        with settings.trial_lock.open("a") as file:
            # One that is at work clears up itself.
            if file_lock.try_lock(file):
                shutil.rmtree(settings.trial_folder, ignore_errors=True)


def prune_logs(settings: Settings) -> int:
    """Removes logs and notes of sent alerts that are older than the setting says; returns how many."""
    limit = time.time() - settings.options.keep_log_days * DAY
    folders = (
        settings.sent_alerts,
        settings.internal / "dbt" / "logs",
        settings.dagster_home / "storage",
        settings.logs,
    )
    old = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
        remove_if_empty(path.parent, below=settings.internal)
    return len(old)


def remove_if_empty(folder: Path, *, below: Path) -> None:
    """Removes the folder if it holds nothing, and then those above it, up to `below`, which stays."""
    while folder != below and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
