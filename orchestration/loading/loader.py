"""The only writer of staging: replaces the rows of landing files and logs them, both in one transaction.

A file's rows are known by its `load_seq`. The law it keeps: read = loaded + rejected + duplicate, for every file and
whatever happened before. What a record becomes is not decided here.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from orchestration.canonical import reason_codes
from orchestration.canonical.reason_codes import FILE_REASONS, RECORD_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile, Scan
from orchestration.loading import (
    circuit_breaker,
    erasure_log,
    load_log,
    shared_reading,
    sightings,
    unreadable_files,
)
from orchestration.loading.deduplication import deduplicate
from orchestration.loading.entanglement import needing_order
from orchestration.loading.file_load import FileLoad, governed, insert_together, record_loads
from orchestration.loading.load_log import Delivered
from orchestration.loading.prefetch import Bundle, read_ahead
from orchestration.loading.reading import Counts, Reading, blocks_of, rejects_frame
from orchestration.loading.record_versions import settle_versions
from orchestration.loading.spool import Spool
from orchestration.loading.taking_out import supersede, take_out, take_out_rows
from orchestration.normalisation.normaliser import Normaliser
from orchestration.normalisation.outcomes import Reject
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.gc_pauses import collecting_seldom
from orchestration.warehouse import deleted_rows
from orchestration.warehouse.duckdb_session import handed_over, transaction

WITHDRAWN = "withdrawn"
KEPT = "kept"
# Every commit writes the last rows of each table anew (up to 122,880, DuckDB's row group): one for every file of eleven
# doubled what DuckDB costs. What a kill takes is loaded again: half a minute's work at most.
MOST_RECORDS_A_COMMIT = 500_000
# Two blocks of records hold half a million lists and dictionaries, all of which go with the block: to search them costs
# 2 % of a load. What a load leaves in cycles until it has made as many is some 100 MB.
OBJECTS_BETWEEN_SEARCHES = 1_000_000


# What DuckDB and Polars say of values, and not of disks, memory or the file they write.
OF_DATA = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.ProgrammingError,
    duckdb.NotSupportedError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    RecursionError,
    MemoryError,
)


class _UnwritableError(Exception):
    """What one of the files holds cannot be written; nothing of the transaction stands."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(*paths)
        self.paths = paths


@dataclass(frozen=True)
class FileOutcome:
    """How a file was logged; `kept` if it was not, because it cannot be read any more and what was loaded of it
    stays."""

    file: LandedFile
    status: str
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_duplicate: int
    reason_code: str | None = None
    message: str | None = None
    rows_erased: int = 0


class Warehouse:
    """The build file of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def retire_moved(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> int:
        """Takes out the rows of files that were moved, and stand under their new path; returns how many files.

        Rows of one that cannot be read under its new name stay, and somebody is told of it."""
        landed = {file.relative_path: file for file in scan.files}
        gone = set()
        for path, here, is_copy in sightings.moved(con, scan, load_log.vanished(con, scan)):
            reason = unreadable_files.reason_of(self._settings, landed[here]) if is_copy else None
            if reason is None or not unreadable_files.keeps_rows(con, landed[here], reason):
                gone.add(path)
        return self._retire(con, sorted(gone))

    def retire_replaced(self, con: duckdb.DuckDBPyConnection, scan: Scan, files: list[LandedFile]) -> int:
        """Takes out what a delivery that is loaded again consists of no more; one of which nothing is left was archived
        and stays, and so does what lies there under a name that cannot be read."""
        folders = {_delivery_folder(file.relative_path) for file in files}
        gone = [path for path in load_log.vanished(con, scan) if _delivery_folder(path) in folders]
        return self._retire(
            con, [path for path in gone if not unreadable_files.is_under_another_name(con, self._settings, path, files)]
        )

    def _retire(self, con: duckdb.DuckDBPyConnection, paths: list[str]) -> int:
        with transaction(con):
            for path in paths:
                supersede(con, path)
        return len(paths)

    def withdraw(
        self, con: duckdb.DuckDBPyConnection, scan: Scan, is_meant: Callable[[Delivered], bool], run_id: str
    ) -> list[str]:
        """Takes out files for good, until they are landed again; returns their paths. What still lies there is known as
        it is, and passed over."""
        landed = {file.relative_path: file for file in scan.files}
        paths = [found.relative_path for found in load_log.delivered(self._settings, con, scan) if is_meant(found)]
        with transaction(con):
            for path in paths:
                supersede(con, path, reason=WITHDRAWN)
                con.execute("delete from internal.withdrawn where file_path = $1", [path])
                identity = landed[path].identity if path in landed else (None, None, None, None)
                con.execute(
                    "insert into internal.withdrawn values ($1, $2, $3, $4, $5, now(), $6)", [path, *identity, run_id]
                )
        return paths

    def ingest(
        self,
        con: duckdb.DuckDBPyConnection,
        files: list[LandedFile],
        *,
        run_id: str,
        on_file: Callable[[FileOutcome], None] = lambda outcome: None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> list[FileOutcome]:
        """Loads the files; a broken one is logged as rejected and harms no other. Files are read ahead, and loaded one
        after the other in their order.

        `on_file` is called for every file that stands in the load log, `progress` for one that takes long to be read.
        """
        outcomes: list[FileOutcome] = []

        def load(some: list[LandedFile]) -> None:
            for outcome in self._load_all(con, some, run_id, progress):
                outcomes.append(outcome)
                on_file(outcome)

        with collecting_seldom(OBJECTS_BETWEEN_SEARCHES):
            load(files)
            load(self._at(load_log.orphaned(con)))
            load(self._at(circuit_breaker.to_release(con, self._settings.options)))
        held = self._hold_back(con, run_id)
        return [_as_logged(con, outcome) for outcome in outcomes if outcome.file.relative_path not in held] + list(
            held.values()
        )

    def _load_all(
        self, con: duckdb.DuckDBPyConnection, files: list[LandedFile], run_id: str, progress: Callable[[str], None]
    ) -> Iterator[FileOutcome]:
        todo, alone, unwritable = list(files), set[str](), set[str]()
        while todo:
            first = _one(con, "select coalesce(max(load_seq), 0) + 1 from meta.loads")
            by_workers = shared_reading.is_wanted(self._settings, todo)
            read = shared_reading.read_by_workers if by_workers else read_ahead
            ahead = read(self._settings, todo, first_load_seq=first, alone=alone, progress=progress)
            with closing(ahead) as bundles:
                try:
                    while loaded := self._load_together(con, bundles, run_id, unwritable):
                        todo = todo[len(loaded) :]
                        yield from loaded
                except _UnwritableError as error:
                    deleted_rows.note(con)
                    # It costs one file; those that were to be loaded with it are read again.
                    alone.update(error.paths)
                    if len(error.paths) == 1:
                        unwritable.update(error.paths)

    def _load_together(
        self, con: duckdb.DuckDBPyConnection, bundles: Iterator[Bundle], run_id: str, unwritable: set[str]
    ) -> list[FileOutcome]:
        """Rows and log entries of the next files in one transaction: all of it stands, or nothing."""
        loaded: list[FileOutcome] = []
        with transaction(con):
            while (
                sum(outcome.rows_read for outcome in loaded) < MOST_RECORDS_A_COMMIT
                and (bundle := next(bundles, None)) is not None
            ):
                paths = [read.file.relative_path for read in bundle.readings]
                is_unwritable = not unwritable.isdisjoint(paths)
                if is_unwritable:
                    bundle.readings[0].reason = "internal_error"
                try:
                    loaded.extend(self._load_bundle(con, bundle, run_id))
                except OF_DATA as error:
                    if is_unwritable:
                        raise
                    raise _UnwritableError(paths) from error
        return loaded

    def _load_bundle(self, con: duckdb.DuckDBPyConnection, bundle: Bundle, run_id: str) -> list[FileOutcome]:
        """Rows and log entries of the files of a bundle: of all together that have nothing to do with each other or
        with what is loaded, of the others one after the other."""
        if bundle.joint:
            bundle.part(needing_order(con, bundle))
        joint = [read for read in bundle.readings if read.origin.load_seq in bundle.joint]
        outcomes = {outcome.file: outcome for outcome in self._load_joint(con, bundle.spool, joint, run_id)}
        return [
            outcomes[read.file] if read.file in outcomes else self._load(con, read, run_id) for read in bundle.readings
        ]

    def _load_joint(
        self, con: duckdb.DuckDBPyConnection, spool: Spool, readings: list[Reading], run_id: str
    ) -> list[FileOutcome]:
        if not readings:
            return []
        pass_point("after_reading")
        con.execute(
            "delete from internal.withdrawn where file_path in (select unnest($1::varchar[]))",
            [[read.file.relative_path for read in readings]],
        )
        insert_together(con, spool, readings)
        if "customers" in spool.tables:
            aside = settle_versions(con, [read.origin.load_seq for read in readings])
            for read in readings:
                read.counts.duplicate += aside[read.origin.load_seq]
        pass_point("inside_transaction")
        file_loads = [FileLoad(con, read.file, read.origin, read.sha256, run_id) for read in readings]
        record_loads(con, [one.entry(read.counts, "loaded") for one, read in zip(file_loads, readings, strict=True)])
        return [_outcome(read.file, read.counts, "loaded") for read in readings]

    def _at(self, paths: Iterable[str]) -> list[LandedFile]:
        """The landed files of those paths."""
        wanted = set(paths)
        return (
            [file for file in landing_zone.scan(self._settings).files if file.relative_path in wanted] if wanted else []
        )

    def _hold_back(self, con: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, FileOutcome]:
        """Takes out the rows of deliveries of which too much is bad; how each of their files is logged now, by its
        path.

        What was archived meanwhile stays: nothing could bring its rows back once the delivery need not wait any more.
        """
        waiting = circuit_breaker.to_hold(con, self._settings.options)
        erasures = erasure_log.erasures(self._settings) if waiting else None
        files = {file.relative_path: file for file in self._at(path for _, path in waiting)}
        outcomes = {}
        for load_seq, path in waiting:
            if path not in files:
                continue
            with transaction(con):
                take_out_rows(con, load_seq)
                bad = circuit_breaker.rejected_rows(con, load_seq)
                for block in blocks_of(self._settings, files[path]):
                    waiting_records = circuit_breaker.rejects_of(block, bad)
                    if erasures:
                        about = Reading(self._settings, files[path], load_seq=load_seq).normaliser.about_erased(
                            block, erasures
                        )
                        waiting_records = [
                            replace(one, raw=b"") if one.number in about else one for one in waiting_records
                        ]
                    _insert_rejects(con, load_seq, waiting_records)
                rows = circuit_breaker.record_as_held(con, load_seq, run_id)
            outcomes[path] = FileOutcome(
                files[path],
                "rejected",
                rows,
                0,
                rows,
                0,
                reason_codes.HELD_BACK,
                RECORD_REASONS[reason_codes.HELD_BACK],
            )
        return outcomes

    # -- one file ------------------------------------------------------------------------------------------------------

    def _load(self, con: duckdb.DuckDBPyConnection, read: Reading, run_id: str) -> FileOutcome:
        file = read.file
        file_load = FileLoad(con, file, read.origin, read.sha256, run_id)
        # Files without a byte have one content, but are no copies of each other.
        copied = [file.source, file_load.account, file.stream, file.export_date, read.sha256, file.relative_path]
        same = con.execute(_SAME, copied).fetchone() if file.size else None
        if same is not None:
            return self._record(con, file_load, Counts(read=same[0], duplicate=same[0]), "duplicate", None)
        if read.reason is not None and unreadable_files.keeps_rows(con, file, read.reason):
            return FileOutcome(file, KEPT, 0, 0, 0, 0, read.reason, FILE_REASONS[read.reason])
        if read.reason is not None:
            return self._record(con, file_load, Counts(read=1, rejected=1), "rejected", read.reason)
        pass_point("after_reading")
        return self._record(con, file_load, read.counts, "loaded", None, read.spool, read.normaliser)

    def _record(
        self,
        con: duckdb.DuckDBPyConnection,
        file_load: FileLoad,
        counts: Counts,
        status: str,
        reason: str | None,
        spool: Spool | None = None,
        normaliser: Normaliser | None = None,
    ) -> FileOutcome:
        supersede(con, file_load.file.relative_path)
        con.execute("delete from internal.withdrawn where file_path = $1", [file_load.file.relative_path])
        if spool is not None and normaliser is not None:
            if file_load.file.size:
                self._yield_to(con, file_load)
            counts.duplicate += deduplicate(con, file_load.origin, governed(file_load.file.source), spool)
            file_load.insert(spool, normaliser)
            if "customers" in spool.tables:
                load_seq = file_load.origin.load_seq
                counts.duplicate += settle_versions(con, [load_seq])[load_seq]
        elif reason is not None:
            file_load.reject_whole(reason)
        pass_point("inside_transaction")
        message = FILE_REASONS[reason] if reason else None
        file_load.record(counts, status, reason, message)
        return _outcome(file_load.file, counts, status, reason, message)

    def _yield_to(self, con: duckdb.DuckDBPyConnection, file_load: FileLoad) -> None:
        """Copies with a later path that were loaded before this original came are duplicates from now on."""
        file = file_load.file
        copies = con.execute(
            _LATER_COPIES,
            [file.source, file_load.account, file.stream, file.export_date, file_load.sha256, file.relative_path],
        )
        for (load_seq,) in copies.fetchall():
            take_out(con, load_seq)
            con.execute(
                "update meta.loads set status = 'duplicate', rows_loaded = 0, rows_rejected = 0, rows_duplicate ="
                " rows_read, reason_code = null, message = null where load_seq = $1",
                [load_seq],
            )


def _outcome(
    file: LandedFile, counts: Counts, status: str, reason: str | None = None, message: str | None = None
) -> FileOutcome:
    return FileOutcome(
        file, status, counts.read, counts.loaded, counts.rejected, counts.duplicate, reason, message, counts.erased
    )


def _as_logged(con: duckdb.DuckDBPyConnection, outcome: FileOutcome) -> FileOutcome:
    """The outcome as the load log has it in the end: a later file may report what an earlier one reported, or something
    newer."""
    if outcome.status != "loaded":
        return outcome
    found = con.execute(
        "select rows_loaded, rows_duplicate from meta.loads where file_path = $1 and status = 'loaded'",
        [outcome.file.relative_path],
    ).fetchone()
    return outcome if found is None else replace(outcome, rows_loaded=found[0], rows_duplicate=found[1])


def _insert_rejects(con: duckdb.DuckDBPyConnection, load_seq: int, rejects: list[Reject]) -> None:
    """Logs records of a load as rejected."""
    with handed_over(con, rejects_frame(rejects)) as rows:
        con.execute(
            "insert into meta.rejects by name select loads.source, loads.source_account, loads.stream,"
            f" loads.export_date, loads.file_path, loads.load_seq, rejected.* from {rows} as rejected, meta.loads as"
            " loads where loads.load_seq = $1",
            [load_seq],
        )


_SAME = f"""
select rows_read from meta.loads
where source = $1 and source_account = $2 and stream = $3 and export_date = $4 and file_sha256 = $5 and file_path < $6 and {circuit_breaker.STANDS}
"""
# The first path decides which of several copies is the original, never the order they came in.
_LATER_COPIES = _SAME.replace("select rows_read", "select load_seq").replace("file_path < $6", "file_path > $6")


def _delivery_folder(path: str) -> str:
    """The folder named after the export date, above any folders of the vendor's own."""
    return "/".join(path.split("/")[:4])


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return row[0]
