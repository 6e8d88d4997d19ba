"""The only writer of staging: replaces the rows of landing files and logs them, both in one transaction.

A file's rows are known by its `load_seq`. The law it keeps: read = loaded + rejected + duplicate, for every file and
whatever happened before. What a record becomes is not decided here.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import polars as pl

from orchestration.canonical import reason_codes
from orchestration.canonical.reason_codes import FILE_REASONS, RECORD_REASONS
from orchestration.canonical.tables import TABLES
from orchestration.config.settings import DateRange, Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile, Scan
from orchestration.loading import (
    archived_copies,
    circuit_breaker,
    erasure_log,
    shared_reading,
    sightings,
    unreadable_files,
)
from orchestration.loading.deduplication import forget_repeats, settle_repeats
from orchestration.loading.entanglement import needing_order
from orchestration.loading.file_load import FileLoad, governed, insert_together, record_loads
from orchestration.loading.prefetch import Bundle, Counts, Reading, Spool, blocks_of, read_ahead, rejects_frame
from orchestration.loading.record_versions import contest, settle_contested, settle_versions
from orchestration.normalisation.normaliser import Normaliser
from orchestration.normalisation.outcomes import Reject
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.gc_pauses import collecting_seldom
from orchestration.vendors import discover
from orchestration.warehouse.change_keys import touch
from orchestration.warehouse.duckdb_session import handed_over, transaction

WITHDRAWN = "withdrawn"
KEPT = "kept"
AUDITED_BY_LOAD = ("meta.rejects", "meta.field_coverage", "internal.drift")
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
class Delivered:
    """A file that was delivered, whether or not it still lies there."""

    relative_path: str
    source: str
    source_account: str
    stream: str
    export_date: date


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

    def pending(
        self, con: duckdb.DuckDBPyConnection, scan: Scan, *, dates: DateRange | None, full_refresh: bool
    ) -> list[LandedFile]:
        """Files still to be loaded: new or changed ones; with dates, all files of those export dates and no others."""
        if dates is None and not full_refresh:
            return self._compare(con, scan)[0]
        withdrawn = _withdrawn(con)
        return [
            file
            for file in scan.files
            if (dates is None or file.export_date in dates) and withdrawn.get(file.relative_path) != file.identity
        ]

    def note_scan(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> None:
        """Notes what was seen; files that were touched and hold what they held are known as they are now, so that
        nobody reads them again."""
        new, touched = self._compare(con, scan)
        sightings.note(con, scan, new)
        unreadable_files.forget_all_but(con, new)
        for file in touched:
            con.execute(
                "update meta.loads set file_bytes = $1, file_mtime_ns = $2, file_ctime_ns = $3, file_inode = $4 "
                "where file_path = $5 and status <> 'superseded'",
                [*file.identity, file.relative_path],
            )

    def _compare(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> tuple[list[LandedFile], list[LandedFile]]:
        """Files that are new or hold something else than is loaded, and such as were touched only."""
        logged = {path: known for path, *known in con.execute(_LOGGED).fetchall()}
        withdrawn = _withdrawn(con)
        new, touched = [], []
        for file in scan.files:
            known = logged.get(file.relative_path)
            if withdrawn.get(file.relative_path) == file.identity:
                continue
            if _is_new(file, known):
                new.append(file)
            elif known is not None and tuple(known[:4]) != file.identity:
                touched.append(file)
        return new, touched

    def to_reload(self, con: duckdb.DuckDBPyConnection) -> set[str]:
        """Paths of files that stood in the warehouse before this build file was begun and are not loaded into it
        yet."""
        return {
            path
            for (path,) in con.execute(
                "select file_path from internal.owed where file_path not in (select file_path from meta.loads)"
            ).fetchall()
        }

    def drop_from_reload(self, con: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
        """Those files are neither loaded again nor taken over."""
        con.execute("delete from internal.owed where file_path in (select unnest($1::varchar[]))", [sorted(paths)])

    def vanished(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> list[str]:
        """Paths of files that are loaded, or logged otherwise, and stand in the landing zone no more: archived, as a
        rule. Their rows stay."""
        present = {file.relative_path for file in scan.files}
        logged = con.execute(
            "select file_path from meta.loads where status <> 'superseded' order by export_date, file_path"
        ).fetchall()
        return [path for (path,) in logged if path not in present and not scan.is_hidden(path)]

    def retire_moved(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> int:
        """Takes out the rows of files that were moved, and stand under their new path; returns how many files."""
        return self._retire(con, sightings.moved(con, scan, self.vanished(con, scan)))

    def retire_replaced(self, con: duckdb.DuckDBPyConnection, scan: Scan, files: list[LandedFile]) -> int:
        """Takes out what a delivery that is loaded again consists of no more; one of which nothing is left was archived
        and stays."""
        folders = {_delivery_folder(file.relative_path) for file in files}
        return self._retire(con, [path for path in self.vanished(con, scan) if _delivery_folder(path) in folders])

    def _retire(self, con: duckdb.DuckDBPyConnection, paths: list[str]) -> int:
        with transaction(con):
            for path in paths:
                self._supersede(con, path)
        return len(paths)

    def withdraw(
        self, con: duckdb.DuckDBPyConnection, scan: Scan, is_meant: Callable[[Delivered], bool], run_id: str
    ) -> list[str]:
        """Takes out files for good, until they are landed again; returns their paths. What still lies there is known as
        it is, and passed over."""
        landed = {file.relative_path: file for file in scan.files}
        paths = [found.relative_path for found in self.delivered(con, scan) if is_meant(found)]
        with transaction(con):
            for path in paths:
                self._supersede(con, path, reason=WITHDRAWN)
                con.execute("delete from internal.withdrawn where file_path = $1", [path])
                identity = landed[path].identity if path in landed else (None, None, None, None)
                con.execute(
                    "insert into internal.withdrawn values ($1, $2, $3, $4, $5, now(), $6)", [path, *identity, run_id]
                )
        return paths

    def delivered(self, con: duckdb.DuckDBPyConnection, scan: Scan) -> list[Delivered]:
        """Every file that is logged or lies in the landing zone and is not withdrawn."""
        withdrawn = _withdrawn(con)
        logged = {path: Delivered(path, *of) for path, *of in con.execute(_DELIVERED).fetchall()}
        vendors = discover()
        for file in scan.files:
            if file.relative_path not in logged and withdrawn.get(file.relative_path) != file.identity:
                account = self._settings.account(vendors[file.source], file.source_account).source_account
                logged[file.relative_path] = Delivered(
                    file.relative_path, file.source, account, file.stream, file.export_date
                )
        return [logged[path] for path in sorted(logged)]

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
            load(self._at(path for (path,) in con.execute(_ORPHANED).fetchall()))
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
                _take_out_rows(con, load_seq)
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
        self._supersede(con, file_load.file.relative_path)
        con.execute("delete from internal.withdrawn where file_path = $1", [file_load.file.relative_path])
        if spool is not None and normaliser is not None:
            if file_load.file.size:
                self._yield_to(con, file_load)
            counts.duplicate += settle_repeats(con, file_load.origin, governed(file_load.file.source), spool)
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

    def _supersede(self, con: duckdb.DuckDBPyConnection, path: str, *, reason: str | None = None) -> None:
        """Takes out what an earlier load of the path left."""
        unreadable_files.forget(con, path)
        archived_copies.hand_over(con, path)
        for (load_seq,) in con.execute(
            "select load_seq from meta.loads where file_path = $1 and status <> 'superseded'", [path]
        ).fetchall():
            _take_out(con, load_seq)
            con.execute(
                "update meta.loads set status = 'superseded', reason_code = coalesce($2, reason_code) where load_seq"
                " = $1",
                [load_seq, reason],
            )

    def _yield_to(self, con: duckdb.DuckDBPyConnection, file_load: FileLoad) -> None:
        """Copies with a later path that were loaded before this original came are duplicates from now on."""
        file = file_load.file
        copies = con.execute(
            _LATER_COPIES,
            [file.source, file_load.account, file.stream, file.export_date, file_load.sha256, file.relative_path],
        )
        for (load_seq,) in copies.fetchall():
            _take_out(con, load_seq)
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


def _take_out(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Removes what a load has left in staging and in the audit tables."""
    _take_out_rows(con, load_seq)
    for table in AUDITED_BY_LOAD:
        con.execute(f"delete from {table} where load_seq = $1", [load_seq])


def _take_out_rows(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Removes the rows of a load and what was noted of their values; what other files delivered again stands on through
    them."""
    forget_repeats(con, load_seq)
    contest(con, load_seq)
    # Statements for each of two dozen tables cost more than the rows of a small file, which are in a few of them.
    holding_rows = " union all ".join(
        f"(select '{table}' from staging.{table} where load_seq = $1 limit 1)" for table in TABLES
    )
    tables = {table for (table,) in con.execute(holding_rows, [load_seq]).fetchall()}
    touch(con, "load_seq = $1", [load_seq], tables=tables)
    for table in sorted(tables):
        con.execute(f"delete from staging.{table} where load_seq = $1", [load_seq])
    con.execute("delete from internal.load_issues where load_seq = $1", [load_seq])
    settle_contested(con)


def _insert_rejects(con: duckdb.DuckDBPyConnection, load_seq: int, rejects: list[Reject]) -> None:
    """Logs records of a load as rejected."""
    with handed_over(con, rejects_frame(rejects)) as rows:
        con.execute(
            "insert into meta.rejects by name select loads.source, loads.source_account, loads.stream,"
            f" loads.export_date, loads.file_path, loads.load_seq, rejected.* from {rows} as rejected, meta.loads as"
            " loads where loads.load_seq = $1",
            [load_seq],
        )


def _is_new(file: LandedFile, logged: list[Any] | None) -> bool:
    """The file was never loaded, holds something else than when it was, or its delivery was marked full since; a new
    time alone is nothing new.

    Tools keep size and modification time where they put a corrected file in place, but neither the time of the change
    nor the inode. Permissions change without a new time: a file that could not be read is looked at again.
    """
    if logged is None:
        return True
    *identity, is_full, sha256 = logged
    is_untouched = tuple(identity) == file.identity and sha256
    return (
        identity[0] != file.size
        or is_full != file.is_full
        or (not is_untouched and landing_zone.sha256_of(file) != sha256)
    )


_LOGGED = f"""
select loads.file_path, loads.file_bytes, loads.file_mtime_ns, loads.file_ctime_ns, loads.file_inode, loads.is_full, loads.file_sha256
from meta.loads as loads
where loads.status in ('loaded', 'rejected')
    or (
        loads.status = 'duplicate'
        and exists (
            select 1 from (select * from meta.loads where {circuit_breaker.STANDS}) as original
            where original.source = loads.source and original.source_account = loads.source_account and original.stream = loads.stream
                and original.export_date = loads.export_date and original.file_sha256 = loads.file_sha256
        )
    )
"""
_ORPHANED = (
    "select file_path from meta.loads where status = 'duplicate' and file_path not in (select file_path from"
    f" ({_LOGGED}))"
)
_SAME = f"""
select rows_read from meta.loads
where source = $1 and source_account = $2 and stream = $3 and export_date = $4 and file_sha256 = $5 and file_path < $6 and {circuit_breaker.STANDS}
"""
# The first path decides which of several copies is the original, never the order they came in.
_LATER_COPIES = _SAME.replace("select rows_read", "select load_seq").replace("file_path < $6", "file_path > $6")
_DELIVERED = (
    "select distinct file_path, source, source_account, stream, export_date from meta.loads where status <>"
    " 'superseded'"
)


def _withdrawn(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    """Files that were withdrawn, each as it lay there then."""
    query = "select file_path, file_bytes, file_mtime_ns, file_ctime_ns, file_inode from internal.withdrawn"
    return {path: tuple(identity) for path, *identity in con.execute(query).fetchall()}


def _delivery_folder(path: str) -> str:
    """The folder named after the export date, above any folders of the vendor's own."""
    return "/".join(path.split("/")[:4])


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return row[0]
