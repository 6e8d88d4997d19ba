"""What is remembered of the walks over a stream: where the current one stands, up to when the last ones saw, and why
the last one failed.

One small file per stream below `internal/pull`, replaced as a whole. One that is lost or cut means a walk over
everything, never a loss.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from orchestration.config.settings import Settings
from orchestration.pulling.configuration import Unit, file_name, is_configured
from orchestration.runtime import durable_files

Moment = datetime


class Walk(msgspec.Struct, kw_only=True):
    """A walk that is not finished. `position` is that of the next request; None: all pages have landed."""

    began_at: Moment
    since: Moment | None
    covers: bool  # it reads from the mark on, so that the mark may move
    asked_since: date | None
    asked_full: bool
    position: dict[str, str | int] | None
    pages: int = 0
    rows: int = 0
    total: int | None = None
    newest: Moment | None = None
    served_at: Moment | None = None
    gaps: list[str] = []
    passes: int = 1
    requests_of_pass: int = 0
    pages_before_pass: int = 0
    restarts: int = 0
    job: str | None = None

    @property
    def folder_name(self) -> str:
        """The folder its pages lie in, below the export date."""
        return f"pull-{self.began_at:%Hh%Mm%Ss}"

    @property
    def export_date(self) -> date:
        """The day on which it began, whenever its pages come."""
        return self.began_at.date()


class WalkLog(msgspec.Struct, kw_only=True):
    """What one stream's file holds."""

    walk: Walk | None = None
    mark: Moment | None = None
    finished_at: Moment | None = None
    whole_at: Moment | None = None  # when the last walk without a filter began that left nothing out
    whole_rows: int = 0
    whole_ids: str = ""
    marked_rows: int = 0  # of the last one that was marked as a full delivery
    failed_at: Moment | None = None
    failure: str = ""


def path_of(settings: Settings, unit: Unit) -> Path:
    """Where the log of a unit stands."""
    name = f"{unit.stream}-{file_name(unit.part)}" if unit.part else unit.stream
    return _folder(settings) / unit.feed / f"{name}.json"


def load(settings: Settings, unit: Unit) -> WalkLog:
    """The log of a unit; an empty one where there is none that can be read."""
    return _read(path_of(settings, unit)) or WalkLog()


def save(settings: Settings, unit: Unit, log: WalkLog) -> None:
    """Replaces the log of a unit at once."""
    _write(path_of(settings, unit), log)


def note_failure(settings: Settings, unit: Unit, sentence: str) -> WalkLog:
    """Notes why a unit was not pulled, so that runs report it until it was."""
    log = load(settings, unit)
    log.failure, log.failed_at = sentence, now()
    save(settings, unit, log)
    return log


def forget_others(settings: Settings, units: list[Unit]) -> None:
    """Drops the failures of streams that are not pulled any more."""
    known = {path_of(settings, unit) for unit in units}
    for path, log in _all(settings):
        if path not in known and log.failure:
            log.failure, log.failed_at = "", None
            _write(path, log)


def failures(settings: Settings) -> list[str]:
    """A sentence for every stream of which the last walk failed; none where nothing is pulled."""
    if not is_configured(settings):
        return []
    return [
        f"{log.failure} {_last_pulled(log.finished_at)}; `c360 pull` tries again."
        for _, log in _all(settings)
        if log.failure
    ]


def now() -> Moment:
    """The present second."""
    return datetime.now(UTC).replace(microsecond=0)


def _last_pulled(moment: Moment | None) -> str:
    return f"It was last pulled on {moment:%Y-%m-%d}" if moment else "It has never been pulled"


def _folder(settings: Settings) -> Path:
    return settings.internal / "pull"


def _all(settings: Settings) -> Iterator[tuple[Path, WalkLog]]:
    for path in sorted(_folder(settings).glob("*/*.json")):
        if log := _read(path):
            yield path, log


def _read(path: Path) -> WalkLog | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=WalkLog)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write(path: Path, log: WalkLog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable_files.replace(path, msgspec.json.encode(log))
