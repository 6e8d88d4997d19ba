"""The build file that a run begins with: sound, of this version, and with everything that was ever delivered.

A damaged file is moved aside, one of other code or settings is begun anew, and what was archived since is taken over.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.loading import archived_deliveries, load_log, unreadable_files
from orchestration.loading.loader import Warehouse
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError, cause_of, unusable
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.wording import counted
from orchestration.transformation.dbt_runner import TransformError
from orchestration.warehouse import build_file, file_soundness, run_log

MOST_SHOWN = 10


def sound_warehouse(
    settings: Settings, *, from_scratch: bool, progress: Callable[[str], None]
) -> tuple[Warehouse, list[str]]:
    """The build file, and what to report of its damage; begun anew if asked to, if it is damaged, or if other code
    or settings made it."""
    warehouse = Warehouse(settings)
    path = settings.build_file
    if from_scratch or not path.exists() or archived_deliveries.previous_file(settings).exists():
        return _begin_anew(settings), []
    found = file_soundness.verdict(path, settings)
    if found not in ("sound", "empty", "in_use"):
        reported = [_moved_aside(path)]
        progress(reported[0])
        return _begin_anew(settings), reported
    try:
        with build_file.connect(settings) as con:
            is_ours = build_file.is_of_this_version(con, settings)
    except duckdb.Error as error:
        raise unusable(error, path, rebuilt="`c360 run --full-refresh` builds it anew from what has landed.") from None
    if is_ours:
        return warehouse, []
    progress("the build file was made by another version or with other settings: building anew from the landing zone")
    return _begin_anew(settings), []


def _moved_aside(path: Path) -> str:
    aside = file_soundness.move_aside(path)
    return (
        f"{path} was damaged and was moved aside to {aside.name}; it is built anew, and what was moved may be deleted."
    )


def set_damaged_aside(error: BaseException, settings: Settings) -> list[str]:
    """What was moved aside, if the error came from a damaged block of the build file or of the published one."""
    is_likely = isinstance(error, duckdb.InternalException | duckdb.FatalException) or cause_of(error) == "damaged"
    if not is_likely and not (isinstance(error, TransformError) and any(node.is_damage for node in error.nodes)):
        return []
    reported = []
    if settings.build_file.exists() and not file_soundness.can_be_read(settings.build_file, settings):
        reported.append(_moved_aside(settings.build_file))
    if settings.published_file.exists() and not file_soundness.can_be_read(settings.published_file, settings):
        reported += publish.set_aside(settings)
    return reported


def _begin_anew(settings: Settings) -> Warehouse:
    """An empty build file that keeps the run log of the published one, and a note to reload the files with rows in the
    last build file, or else in the published one."""
    archived_deliveries.set_aside(settings)
    pass_point("after_setting_aside")
    warehouse = Warehouse(settings)
    with build_file.connect(settings) as con:
        run_log.inherit(con, settings)
        archived_deliveries.note_to_reload(con, settings)
    return warehouse


def take_over_archived(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    scan: landing_zone.Scan,
    to_reload: set[str],
    *,
    without_archived: bool,
) -> set[str]:
    """Takes over the rows of files to reload that are gone from the landing zone or cannot be read, and refuses to go
    on without them; returns what is still to be loaded."""
    landed = [file for file in scan.files if file.relative_path in to_reload]
    to_load = {file.relative_path for file in landed} - unreadable_files.spoilt_among(con, settings, landed)
    too_early = {path for path in to_reload - to_load if scan.is_too_early(path)}
    lost = archived_deliveries.take_over(
        con,
        settings,
        to_reload - to_load - too_early,
        [file for file in landed if file.relative_path in to_load],
    )
    if lost and not without_archived:
        shown = ", ".join(landing_zone.shown(path) for path in sorted(lost)[:MOST_SHOWN])
        more = f" and {len(lost) - MOST_SHOWN:,} more" if len(lost) > MOST_SHOWN else ""
        raise OperatorError(
            f"Nothing was published: {counted(len(lost), 'file')} no longer in the landing zone, or not to be read, whose"
            f" rows cannot be taken over: {shown}{more}.",
            remedy="Put back what is gone and run again, or type `c360 run --without-archived` to go on without it.",
        )
    load_log.drop_from_reload(con, lost | too_early)
    pass_point("after_taking_over")
    archived_deliveries.let_go(settings)
    return to_load
