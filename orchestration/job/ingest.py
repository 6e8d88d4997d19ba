"""Files into staging: which have landed and are not loaded yet, loaded and logged."""

import itertools
from collections.abc import Callable, Sequence
from datetime import date

import duckdb

from orchestration.config import accounts
from orchestration.config.settings import DateRange, Settings
from orchestration.job.disk_space import bytes_to_write, require_disk
from orchestration.job.run_report import Ingestion
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import held_deletions, load_log
from orchestration.loading.load_log import Delivered
from orchestration.loading.loader import FileOutcome, Warehouse
from orchestration.privacy import landing_erasure
from orchestration.publishing import sound_build_file
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress, silent
from orchestration.warehouse import build_file

Choice = Callable[[LandedFile], bool]
# Source, account, stream and export date.
Delivery = tuple[str, str, str, date]


def everything(_: LandedFile) -> bool:
    """The choice of a run that leaves nothing out."""
    return True


def require_landing(settings: Settings) -> None:
    """A run without a landing folder is a mistake in the configuration, not a day without deliveries."""
    if not settings.landing.is_dir():
        raise OperatorError(
            f"There is no landing folder at {settings.landing}.",
            remedy="Create it, set C360_DATA to the folder that holds it, or try `c360 demo`.",
            exit_code=2,
        )


def ingest(
    settings: Settings,
    warehouse: Warehouse,
    run_id: str,
    *,
    dates: DateRange | None = None,
    full_refresh: bool = False,
    choose: Choice = everything,
    accept_deletions: Sequence[Delivery] = (),
    without_archived: bool = False,
    is_replay: bool = False,
    withdraw: Callable[[Delivered], bool] | None = None,
    progress: Progress = silent,
) -> Ingestion:
    """Loads and logs what has landed and is not loaded yet, or those dates again; into a build file begun anew also
    all that was published.

    What else a person asked for: to take deletions as meant, to do without archived files that cannot be taken over, to
    take files out. A replay loads single files again and leaves the rest of their delivery as it is.
    """
    with build_file.connect(settings) as con:
        landing_erasure.rename_named_after_erased(settings, con)
        scan = landing_zone.scan(settings)
        _require_delivered(settings, con, scan, accept_deletions)
        to_reload = load_log.to_reload(con)
        _require_in_sight(scan, to_reload)
        to_reload = sound_build_file.take_over_archived(
            settings, con, scan, to_reload, without_archived=without_archived
        )
        load_log.note_scan(con, scan)
        wanted = {
            file.relative_path
            for file in load_log.pending(con, scan, dates=dates, full_refresh=full_refresh)
            if choose(file)
        } | to_reload
        files = [file for file in scan.files if file.relative_path in wanted]
        if files:
            require_disk(settings, settings.options.free_disk_bytes + bytes_to_write(settings, files))
        if dates is not None and not is_replay:
            warehouse.retire_replaced(con, scan, files)
        on_file = _reporter(len(files), progress)
        outcomes = warehouse.ingest(con, files, run_id=run_id, on_file=on_file, progress=progress)
        withdrawn = warehouse.withdraw(con, scan, withdraw, run_id) if withdraw else []
        pass_point("after_withdrawing")
        if warehouse.retire_moved(con, scan) or withdrawn:
            # Copies of what is gone take its place, and whether a delivery must wait is another question without it.
            outcomes += warehouse.ingest(con, [], run_id=run_id, on_file=on_file, progress=progress)
        for delivery in accept_deletions:
            held_deletions.accept(con, *delivery)
        held_deletions.settle(con, settings.options.deletion_share)
    pass_point("after_staging")
    return Ingestion(tuple(outcomes), tuple(scan.problems))


def _require_delivered(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    scan: landing_zone.Scan,
    deliveries: Sequence[Delivery],
) -> None:
    """Deletions are accepted of a delivery that there is."""
    known = (
        {
            (found.source, found.source_account, found.stream, found.export_date)
            for found in load_log.delivered(settings, con, scan)
        }
        if deliveries
        else set()
    )
    for source, account, stream, export_date in deliveries:
        if (source, account, stream, export_date) not in known:
            name = f"{accounts.feed(source, account)}/{stream}/{export_date}"
            raise OperatorError(
                f"Nothing was delivered as {landing_zone.shown(name)}.",
                remedy="`c360 status` names what is held.",
                exit_code=2,
            )


def _require_in_sight(scan: landing_zone.Scan, to_reload: set[str]) -> None:
    """A build file begun anew must not be published without what stands in a folder that cannot be read just now."""
    for path in sorted(to_reload):
        if problem := scan.hiding(path):
            raise OperatorError(
                problem.message,
                remedy=(
                    "Then run again: analysts see what was loaded from it, and a warehouse built anew would lack it."
                ),
            )


def _reporter(count: int, progress: Progress) -> Callable[[FileOutcome], None]:
    # Copies of a file that is gone, and deliveries that need not wait any more, come on top of those that were counted.
    done = itertools.count(1)

    def on_file(outcome: FileOutcome) -> None:
        number = next(done)
        progress(f"{number}/{max(number, count)} {outcome.file.shown_path}: {outcome.status}")

    return on_file
