"""What the law and the settings ask to be thrown away: erasures that were begun, and what is older than may be kept."""

from pathlib import Path

from orchestration.config.settings import Settings
from orchestration.job.ingest import ingest
from orchestration.job.publish import publish_if_new
from orchestration.job.transform import transform
from orchestration.job.writing import new_run_id, writing
from orchestration.loading.loader import Warehouse
from orchestration.privacy import erasing
from orchestration.privacy import retention as privacy_retention
from orchestration.publishing import publish
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent
from orchestration.runtime.wording import counted
from orchestration.warehouse import build_file


def finish_erasures(settings: Settings, *, progress: Progress = silent) -> list[Path]:
    """Ends every erasure that was begun; the receipts. Nobody who was to be erased is left in any file of the data
    folder."""
    if not erasing.pending(settings):
        return []
    run_id = new_run_id()
    with writing(settings, run_id, command="c360 forget", ends_erasures=True, progress=progress) as warehouse:
        begun = erasing.pending(settings)
        if not begun:
            # Somebody else has ended them meanwhile.
            return []
        erasing.erase_given_back(settings, begun)
        with build_file.connect(settings) as con:
            erasing.erase_landing(settings, con, begun)
            known = {
                path
                for (path,) in con.execute(
                    "select file_path from meta.loads union select file_path from internal.owed"
                ).fetchall()
            }
        # What has landed since the last run waits for the next one.
        ingest(settings, warehouse, run_id, choose=lambda file: file.relative_path in known, progress=progress)
        with build_file.connect(settings) as con:
            erasing.erase_loaded(settings, con, begun, run_id)
        pass_point("after_erasing_rows")
        transform(settings, warehouse, run_id, progress=progress)
        _publish_anew(settings, warehouse, run_id, progress)
        receipts = erasing.end(settings, begun)
    return receipts


def keep_limits(settings: Settings, *, progress: Progress = silent) -> list[Path]:
    """Throws away what is older than the settings allow, and erases who did nothing for too long; the receipts."""
    found = privacy_retention.due(settings)
    if not found:
        return []
    run_id, receipts = new_run_id(), []
    limits = privacy_retention.limits(settings)
    with writing(settings, run_id, command="retention", progress=progress) as warehouse:
        with build_file.connect(settings) as con:
            emptied = privacy_retention.empty_rejects(con, settings, found.rejects)
        pass_point("after_emptying_rejects")
        if emptied and not _publish_anew(settings, warehouse, run_id, progress):
            # A run beside this one was killed before its marts were made: the one that makes them goes on here.
            emptied = 0
        with build_file.connect(settings) as con:
            deleted = privacy_retention.delete_files(settings, con, found.files)
        gone = {
            "rejects_emptied": emptied,
            "deliveries_deleted": deleted,
            "publications_dropped": publish.drop(settings, found.publications),
        }
        if any(gone.values()):
            receipts.append(erasing.note_retention(settings, gone, limits=limits))
            progress("retention: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in gone.items()))
        if emptied:
            privacy_retention.end_emptying(settings)
        if found.people:
            with build_file.connect(settings) as con:
                people = list(privacy_retention.held(con, found.people))
            erasing.begin(
                settings,
                people,
                by=f"{erasing.RETENTION}: nothing done for {counted(limits['keep_inactive_days'], 'day')}",
                until=settings.today(),
            )
            progress(f"retention: {counted(len(people), 'person', 'people')} erased who did nothing for too long")
    return [*receipts, *finish_erasures(settings, progress=progress)]


def _publish_anew(
    settings: Settings, warehouse: Warehouse, run_id: str, progress: Progress
) -> publish.Publication | None:
    """Publishes what is left, in files without a trace of what was taken out; nothing where no marts are made."""
    return publish_if_new(
        settings,
        warehouse,
        run_id,
        accept_changes=True,
        even_if_seen=True,
        before=lambda: erasing.forget_ids(settings),
        progress=progress,
    )
