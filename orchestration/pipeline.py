"""The nightly job: what has landed is loaded, transformed, checked and published. The command line and Dagster call the
same steps.

What is left to do is derived from the files and from fingerprints alone, so that a run continues whatever an earlier
one left undone. Every step expects to stand inside `writing`, which holds the lock and keeps the run log. Imports
neither Dagster nor, before there is something to transform, dbt.
"""

import itertools
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration import vendors
from orchestration.activation import activation_log
from orchestration.config import accounts, file_rights
from orchestration.config.chosen_engine import engine_of
from orchestration.config.settings import DateRange, Settings
from orchestration.insight import report
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile, LandingProblem
from orchestration.loading import anonymous_orders, held_deletions
from orchestration.loading.loader import Delivered, FileOutcome, Warehouse
from orchestration.monitoring import attention, schema_drift
from orchestration.privacy import erasing, landing_erasure
from orchestration.privacy import retention as privacy_retention
from orchestration.publishing import change_report, issued_ids, publish, retention, sound_build_file
from orchestration.pulling import walk_log
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.transformation import identity_rules, incremental, seeds, segment_rules, sharded
from orchestration.transformation.node_result import NodeResult
from orchestration.warehouse import build_file, fingerprints, meanings, run_log
from orchestration.warehouse.writer_lock import writer_lock

Progress = Callable[[str], None]
Choice = Callable[[LandedFile], bool]
PACKED = (".gz", ".zst")
UNPACKS_TO = 10
STAGED_PER_BYTE = 2
LEAST_FREE = 4_000_000
# Source, account, stream and export date.
Delivery = tuple[str, str, str, date]


def silent(_: str) -> None:
    """Progress that nobody watches."""


def everything(_: LandedFile) -> bool:
    """The choice of a run that leaves nothing out."""
    return True


@dataclass(frozen=True)
class Ingestion:
    """What became of the files a run looked at, and what in the landing zone was no file to load."""

    outcomes: tuple[FileOutcome, ...]
    problems: tuple[LandingProblem, ...]

    @property
    def rejected_files(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    def deliveries_above(self, limit: float) -> list[str]:
        """Deliveries (vendor/stream/date) of which a larger share was rejected than the limit allows."""
        read: dict[str, int] = {}
        rejected: dict[str, int] = {}
        for outcome in self.outcomes:
            name = outcome.file.delivery
            read[name] = read.get(name, 0) + outcome.rows_read
            rejected[name] = rejected.get(name, 0) + outcome.rows_rejected - outcome.rows_erased
        return sorted(name for name, count in rejected.items() if count > limit * read[name])


@dataclass(frozen=True)
class RunReport:
    """A run's figures, as the last line of output gives them, and what a person should know beside."""

    files: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_duplicate: int
    customers: int
    orders: int
    published: bool
    duration_s: float
    run_id: str
    ingestion: Ingestion
    deliveries_above_limit: tuple[str, ...]
    warnings: tuple[str, ...]
    attention: tuple[str, ...] = ()
    changed: change_report.Changes | None = None

    def after(self, settings: Settings) -> "RunReport":
        """The same with the totals of what analysts see now."""
        seen = publish.current(settings)
        return replace(self, customers=seen.customers, orders=seen.orders) if seen else self

    @property
    def figures(self) -> dict[str, int | float | bool]:
        """The fixed keys of the JSON line."""
        keys = (
            "files",
            "rows_read",
            "rows_loaded",
            "rows_rejected",
            "rows_duplicate",
            "customers",
            "orders",
            "published",
            "duration_s",
        )
        return {key: getattr(self, key) for key in keys}

    @property
    def exit_code(self) -> int:
        return (
            3
            if self.ingestion.problems or self.ingestion.rejected_files or self.deliveries_above_limit or self.attention
            else 0
        )


class DamagedFileError(OperatorError):
    """A database file of ours turned out to be damaged in the midst of the work and was moved aside."""


def run(
    settings: Settings,
    *,
    dates: DateRange | None = None,
    full_refresh: bool = False,
    as_of: date | None = None,
    choose: Choice = everything,
    accept_changes: bool = False,
    accept_deletions: Sequence[Delivery] = (),
    without_archived: bool = False,
    is_replay: bool = False,
    withdraw: Callable[[Delivered], bool] | None = None,
    command: str = "c360 run",
    progress: Progress = silent,
) -> RunReport:
    """The whole job, once. Does nothing when nothing is new; begins again where a damaged file had to be moved
    aside."""
    asked = {
        "accept_deletions": accept_deletions,
        "without_archived": without_archived,
        "is_replay": is_replay,
        "withdraw": withdraw,
    }
    chosen: dict[str, Any] = {
        "dates": dates,
        "full_refresh": full_refresh,
        "as_of": as_of,
        "choose": choose,
        "accept_changes": accept_changes,
        "asked": asked,
    }
    reported: list[str] = []
    while True:
        finish_erasures(settings, progress=progress)
        try:
            report_of_run = _run(settings, **chosen, command=command, reported=reported, progress=progress)
            return report_of_run.after(settings) if keep_limits(settings, progress=progress) else report_of_run
        except ErasureBegunError:
            continue
        except DamagedFileError as error:
            if reported:
                raise
            progress(error.message)
            reported = [error.message]


class ErasureBegunError(OperatorError):
    """An erasure was begun while a run waited for the lock: nothing may be published before that has ended."""


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
        publish_if_new(
            settings,
            warehouse,
            run_id,
            accept_changes=True,
            even_if_seen=True,
            before=lambda: erasing.write_anew(settings),
            progress=progress,
        )
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
            emptied = privacy_retention.empty_rejects(con, settings)
        if emptied:
            publish_if_new(
                settings,
                warehouse,
                run_id,
                accept_changes=True,
                even_if_seen=True,
                before=lambda: erasing.write_anew(settings),
                progress=progress,
            )
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
        if found.people:
            with build_file.connect(settings) as con:
                people = list(privacy_retention.held(con, found.people))
            erasing.begin(
                settings,
                people,
                by=f"{erasing.RETENTION}: nothing done for {limits['keep_inactive_days']:,} days",
                until=settings.today(),
            )
            progress(f"retention: {len(people):,} people who did nothing for too long are erased")
    return [*receipts, *finish_erasures(settings, progress=progress)]


def _run(
    settings: Settings,
    *,
    dates: DateRange | None,
    full_refresh: bool,
    as_of: date | None,
    choose: Choice,
    accept_changes: bool,
    asked: dict[str, Any],
    command: str,
    progress: Progress,
    reported: Sequence[str] = (),
) -> RunReport:
    started = time.monotonic()
    run_id = new_run_id()
    require_landing(settings)
    with writing(
        settings,
        run_id,
        command=command,
        from_scratch=full_refresh and dates is None,
        reported=reported,
        progress=progress,
    ) as warehouse:
        ingestion = ingest(
            settings,
            warehouse,
            run_id,
            dates=dates,
            full_refresh=full_refresh,
            choose=choose,
            **asked,
            progress=progress,
        )
        nodes = transform(settings, warehouse, run_id, as_of=as_of, progress=progress)
        published = publish_if_new(settings, warehouse, run_id, accept_changes=accept_changes, progress=progress)
        with build_file.connect(settings) as con:
            figures = run_log.figures(con, run_id)
            to_look_at = attention.of_run(con, run_id)
            unread = schema_drift.warnings(con, run_id=run_id)
            changed = change_report.recorded(con, run_id) if published else None
        with suppress(OSError):
            retention.prune_logs(settings)
    seen = publish.current(settings)
    return RunReport(
        **asdict(figures),
        customers=seen.customers if seen else 0,
        orders=seen.orders if seen else 0,
        published=published is not None,
        duration_s=round(time.monotonic() - started, 2),
        run_id=run_id,
        ingestion=ingestion,
        deliveries_above_limit=tuple(ingestion.deliveries_above(settings.options.reject_share)),
        warnings=(*(str(node) for node in nodes if node.is_warning), *unread),
        attention=to_look_at,
        changed=changed,
    )


def new_run_id() -> str:
    """An id for a run that nobody else has named."""
    return uuid.uuid4().hex


def require_landing(settings: Settings) -> None:
    """A run without a landing folder is a mistake in the configuration, not a day without deliveries."""
    if not settings.landing.is_dir():
        raise OperatorError(
            f"There is no landing folder at {settings.landing}.",
            remedy="Create it, set C360_DATA to the folder that holds it, or try `c360 demo`.",
            exit_code=2,
        )


@contextmanager
def writing(
    settings: Settings,
    run_id: str,
    *,
    command: str,
    from_scratch: bool = False,
    reported: Sequence[str] = (),
    ends_erasures: bool = False,
    progress: Progress = silent,
) -> Iterator[Warehouse]:
    """Holds the writer lock and an open entry in the run log while the body works on a sound build file; `reported` is
    noted there, to be looked at. While an erasure is under way only what ends it may write."""
    accounts.check_accounts(settings.config, vendors.names())
    identity_rules.check_files(settings)
    segment_rules.check_files(settings)
    seeds.check_files(settings)
    engine_of(settings).check()
    if settings.options.keep_inactive_days:
        erasing.require_secret(settings)
    _require_disk(settings, LEAST_FREE)
    with writer_lock(settings, command=command, on_wait=progress):
        erasing.drop_never_begun(settings)
        if not ends_erasures and erasing.pending(settings):
            raise ErasureBegunError(
                "An erasure was begun and has not ended.", remedy="Type it again: `c360 run` ends the erasure first."
            )
        file_rights.tighten(settings)
        retention.sweep(settings)
        reported = [*reported, *publish.secure(settings)]
        warehouse, damage = sound_build_file.sound_warehouse(settings, from_scratch=from_scratch, progress=progress)
        with build_file.connect(settings) as con:
            run_log.begin(con, run_id, command, published=[found.run_id for found in publish.publications(settings)])
            attention.add(con, run_id, *reported, *damage)
        try:
            yield warehouse
        except BaseException as error:
            with suppress(duckdb.Error, OSError), build_file.connect(settings) as con:
                run_log.end(
                    con, run_id, failure=error.message if isinstance(error, OperatorError) else type(error).__name__
                )
            if moved := sound_build_file.set_damaged_aside(error, settings):
                raise DamagedFileError(
                    " ".join(moved), remedy="Run again: it is built anew from what has landed."
                ) from None
            raise
        with build_file.connect(settings) as con:
            run_log.end(con, run_id)


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
        _require_delivered(settings, warehouse, con, scan, accept_deletions)
        to_reload = warehouse.to_reload(con)
        _require_in_sight(scan, to_reload)
        to_reload = sound_build_file.take_over_archived(
            settings, warehouse, con, scan, to_reload, without_archived=without_archived
        )
        warehouse.note_scan(con, scan)
        wanted = {
            file.relative_path
            for file in warehouse.pending(con, scan, dates=dates, full_refresh=full_refresh)
            if choose(file)
        } | to_reload
        files = [file for file in scan.files if file.relative_path in wanted]
        if files:
            _require_disk(settings, settings.options.free_disk_bytes + _bytes_to_write(settings, files))
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


def transform(
    settings: Settings, warehouse: Warehouse, run_id: str, *, as_of: date | None = None, progress: Progress = silent
) -> tuple[NodeResult, ...]:
    """Brings the marts of the build file up to date with staging, rules and settings."""
    with build_file.connect(settings) as con:
        day = as_of or run_log.greatest_export_date(con)
        if day is None:
            return ()
        run_log.note(con, run_id, as_of_date=day)
        rules = fingerprints.rules_fingerprint(settings)
        wanted = fingerprints.wanted_fingerprint(con, rules, day)
        if fingerprints.transformed_fingerprint(con) == wanted:
            return ()
        _require_disk(settings, _bytes_to_write(settings, []) * (2 if sharded.is_wanted(settings) else 1))
        before = fingerprints.transformed_by(con, rules)
        fingerprints.forget_transformed(con)
        seeds.load(con, settings)
        issued_ids.hand_on(con, settings)
        anonymous_orders.bring_up_to_date(con, settings)
        identity_rules.check_records(con, settings)
        write_run_settings(con, settings, day)
    pass_point("before_dbt")
    nodes = incremental.build(settings, before.load_seq, progress=progress) if before else None
    in_full_at = before.in_full_at if before and nodes is not None else None
    if nodes is None:
        nodes = sharded.build_in_full(settings, progress=progress)
    elif in_full_at is not None and in_full_at + timedelta(days=settings.options.full_build_days) <= datetime.now(UTC):
        nodes, in_full_at = incremental.compare(settings, progress=progress), None
    with build_file.connect(settings) as con:
        fingerprints.remember_transformed(con, wanted, rules, in_full_at)
        run_log.note(con, run_id, warnings=[str(node) for node in nodes if node.is_warning])
    pass_point("after_dbt")
    return nodes


def write_run_settings(con: duckdb.DuckDBPyConnection, settings: Settings, as_of: date) -> None:
    """What models may know of the run, as one row."""
    con.execute(
        """
        create or replace table internal.run_settings as
        select $1::date as as_of_date, $2 as reporting_currency, $3 as reporting_time_zone, $4::integer as identity_sharing_limit
        """,
        [
            as_of,
            settings.options.reporting_currency,
            settings.options.reporting_time_zone,
            settings.options.identity_sharing_limit,
        ],
    )


def publish_if_new(
    settings: Settings,
    warehouse: Warehouse,
    run_id: str,
    *,
    accept_changes: bool = False,
    even_if_seen: bool = False,
    before: Callable[[], None] = lambda: None,
    progress: Progress = silent,
) -> publish.Publication | None:
    """Publishes the build file if its marts are sound and analysts do not see them yet, and writes the report on what
    they see.

    `before` is done to the build file last; with `even_if_seen` it is published although analysts see the same.
    """
    made = _publish_if_new(
        settings,
        warehouse,
        run_id,
        accept_changes=accept_changes,
        even_if_seen=even_if_seen,
        before=before,
        progress=progress,
    )
    with build_file.connect(settings) as con:
        attention.add(con, run_id, *report.refresh(settings, attention.of_run(con, run_id)))
    return made


def _publish_if_new(
    settings: Settings,
    warehouse: Warehouse,
    run_id: str,
    *,
    accept_changes: bool,
    even_if_seen: bool,
    before: Callable[[], None],
    progress: Progress,
) -> publish.Publication | None:
    with build_file.connect(settings) as con:
        if warehouse.to_reload(con):
            raise OperatorError(
                "Not all that analysts see is loaded into the new build file yet.", remedy="`c360 run` loads it."
            )
        is_behind = fingerprints.is_behind(con)
    if is_behind:
        # Another run loaded something since the marts were made; a published file is of one moment.
        transform(settings, warehouse, run_id, progress=progress)
    with build_file.connect(settings) as con:
        attention.gather(con, settings, run_id)
        attention.add(con, run_id, *walk_log.failures(settings))
        made_of = fingerprints.transformed_fingerprint(con)
        seen = publish.current(settings)
        is_known = (seen and seen.fingerprint == made_of) or (made_of and publish.is_withdrawn(settings, made_of))
        if made_of is None or (is_known and not even_if_seen):
            return None
        progress("publishing")
        publish.check(con)
        activation_log.refresh(con, settings)
        found = change_report.record(con, settings, run_id=run_id, started_at=_now(con))
        run_log.note(con, run_id, changes=asdict(found))
        if not accept_changes:
            change_report.refuse_upheaval(found, settings)
        totals = publish.totals(con)
        run_log.prune(con, settings.options.keep_run_days)
        run_log.note(con, run_id, **totals)
        meanings.comment(con)

    def record(con: duckdb.DuckDBPyConnection) -> None:
        """Who reads this in the copy reads it because it was published; the build file learns it after it happened."""
        run_log.note(con, run_id, published=True)
        run_log.end(con, run_id)

    before()
    made = publish.publish(settings, run_id=run_id, fingerprint=made_of, **totals, record=record)
    pass_point("before_run_book")
    with suppress(duckdb.Error), build_file.connect(settings) as con:
        run_log.note(con, run_id, published=True)
    return made


def _now(con: duckdb.DuckDBPyConnection) -> datetime:
    row = con.execute("select now()").fetchone()
    assert row is not None
    return row[0]


def _require_delivered(
    settings: Settings,
    warehouse: Warehouse,
    con: duckdb.DuckDBPyConnection,
    scan: landing_zone.Scan,
    deliveries: Sequence[Delivery],
) -> None:
    """Deletions are accepted of a delivery that there is."""
    known = (
        {
            (found.source, found.source_account, found.stream, found.export_date)
            for found in warehouse.delivered(con, scan)
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


def _bytes_to_write(settings: Settings, files: list[LandedFile]) -> int:
    """What staging, marts and the copy to publish may need."""
    landed = sum(file.size * (UNPACKS_TO if file.path.name.endswith(PACKED) else 1) for file in files)
    return STAGED_PER_BYTE * landed + (settings.build_file.stat().st_size if settings.build_file.exists() else 0)


def _require_disk(settings: Settings, needed: int) -> None:
    """Refuses the next step before it writes anything when the disk would not hold it."""
    free = shutil.disk_usage(settings.data).free
    if free < needed:
        raise OperatorError(
            f"The disk of {settings.data} has {free / 1e6:,.0f} MB free, and this run may need {needed / 1e6:,.0f} MB."
            " Nothing was written.",
            remedy="Make room, or lower `free_disk_bytes` in settings.toml, and run again.",
        )


def _reporter(count: int, progress: Progress) -> Callable[[FileOutcome], None]:
    # Copies of a file that is gone, and deliveries that need not wait any more, come on top of those that were counted.
    done = itertools.count(1)

    def on_file(outcome: FileOutcome) -> None:
        number = next(done)
        progress(f"{number}/{max(number, count)} {outcome.file.shown_path}: {outcome.status}")

    return on_file
