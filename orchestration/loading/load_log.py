"""What the load log says of the landing zone: what is still to be loaded, what was delivered, and what has vanished."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.config.settings import DateRange, Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile, Scan
from orchestration.loading import circuit_breaker, sightings, unreadable_files
from orchestration.vendors import discover


@dataclass(frozen=True)
class Delivered:
    """A file that was delivered, whether or not it still lies there."""

    relative_path: str
    source: str
    source_account: str
    stream: str
    export_date: date


def pending(
    con: duckdb.DuckDBPyConnection, scan: Scan, *, dates: DateRange | None, full_refresh: bool
) -> list[LandedFile]:
    """Files still to be loaded: new or changed ones; with dates, all files of those export dates and no others."""
    if dates is None and not full_refresh:
        return _compare(con, scan)[0]
    withdrawn = _withdrawn(con)
    return [
        file
        for file in scan.files
        if (dates is None or file.export_date in dates) and withdrawn.get(file.relative_path) != file.identity
    ]


def note_scan(con: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    """Notes what was seen; files that were touched and hold what they held are known as they are now, so that
    nobody reads them again."""
    new, touched = _compare(con, scan)
    sightings.note(con, scan, new)
    unreadable_files.forget_all_but(con, new)
    for file in touched:
        con.execute(
            "update meta.loads set file_bytes = $1, file_mtime_ns = $2, file_ctime_ns = $3, file_inode = $4 "
            "where file_path = $5 and status <> 'superseded'",
            [*file.identity, file.relative_path],
        )


def _compare(con: duckdb.DuckDBPyConnection, scan: Scan) -> tuple[list[LandedFile], list[LandedFile]]:
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


def to_reload(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Paths of files that stood in the warehouse before this build file was begun and are not loaded into it
    yet."""
    return {
        path
        for (path,) in con.execute(
            "select file_path from internal.owed where file_path not in (select file_path from meta.loads)"
        ).fetchall()
    }


def drop_from_reload(con: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> None:
    """Those files are neither loaded again nor taken over."""
    con.execute("delete from internal.owed where file_path in (select unnest($1::varchar[]))", [sorted(paths)])


def vanished(con: duckdb.DuckDBPyConnection, scan: Scan) -> list[str]:
    """Paths of files that are loaded, or logged otherwise, and stand in the landing zone no more: archived, as a
    rule. Their rows stay."""
    present = {file.relative_path for file in scan.files}
    logged = con.execute(
        "select file_path from meta.loads where status <> 'superseded' order by export_date, file_path"
    ).fetchall()
    return [path for (path,) in logged if path not in present and not scan.is_hidden(path)]


def delivered(settings: Settings, con: duckdb.DuckDBPyConnection, scan: Scan) -> list[Delivered]:
    """Every file that is logged or lies in the landing zone and is not withdrawn."""
    withdrawn = _withdrawn(con)
    logged = {path: Delivered(path, *of) for path, *of in con.execute(_DELIVERED).fetchall()}
    vendors = discover()
    for file in scan.files:
        if file.relative_path not in logged and withdrawn.get(file.relative_path) != file.identity:
            account = settings.account(vendors[file.source], file.source_account).source_account
            logged[file.relative_path] = Delivered(
                file.relative_path, file.source, account, file.stream, file.export_date
            )
    return [logged[path] for path in sorted(logged)]


def orphaned(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Paths of files that were logged as copies of what is loaded no more."""
    return [path for (path,) in con.execute(_ORPHANED).fetchall()]


def _withdrawn(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[Any, ...]]:
    """Files that were withdrawn, each as it lay there then."""
    query = "select file_path, file_bytes, file_mtime_ns, file_ctime_ns, file_inode from internal.withdrawn"
    return {path: tuple(identity) for path, *identity in con.execute(query).fetchall()}


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
_DELIVERED = (
    "select distinct file_path, source, source_account, stream, export_date from meta.loads where status <>"
    " 'superseded'"
)
