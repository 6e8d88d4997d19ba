"""Files that were loaded and cannot be read any more: damaged, or not allowed to be read. Their rows stay, and a person
is reminded until that is settled."""

from collections.abc import Collection, Iterator

import duckdb

from orchestration.canonical.reason_codes import FILE_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import circuit_breaker
from orchestration.loading.reading import blocks_of

# The rows of a copy are those of its original, as long as that stands.
_HAS_ROWS = f"""
select 1 from meta.loads as known
where file_path = $1 and rows_read > rows_rejected and (
    status = 'loaded' or (
        status = 'duplicate' and exists (
            select 1 from (select * from meta.loads where {circuit_breaker.STANDS}) as original
            where original.source = known.source and original.source_account = known.source_account
                and original.stream = known.stream and original.export_date = known.export_date and original.file_sha256 = known.file_sha256
        )
    )
)
"""
_CONTENT = (
    "select file_bytes, file_sha256 from meta.loads where file_path = $1 and status = 'loaded' and rows_read >"
    " rows_rejected"
)
_TO_RELOAD = (
    "select file_path, file_bytes, file_mtime_ns, file_ctime_ns, file_inode, file_sha256 from internal.owed where"
    " file_sha256 <> ''"
)


def keeps_rows(con: duckdb.DuckDBPyConnection, file: LandedFile, reason: str) -> bool:
    """Notes that a file cannot be read, if that would cost rows that are loaded from it; whether it would."""
    if con.execute(_HAS_ROWS, [file.relative_path]).fetchone() is None:
        return False
    forget(con, file.relative_path)
    con.execute("insert into internal.unreadable values ($1, $2)", [file.relative_path, reason])
    return True


def is_under_another_name(
    con: duckdb.DuckDBPyConnection, settings: Settings, path: str, files: Collection[LandedFile]
) -> bool:
    """What was loaded from a file that is gone stands among those files, under a name by which it cannot be read."""
    loaded = con.execute(_CONTENT, [path]).fetchone()
    return loaded is not None and any(
        file.size == loaded[0] and landing_zone.sha256_of(file) == loaded[1] and reason_of(settings, file) is not None
        for file in files
    )


def forget(con: duckdb.DuckDBPyConnection, path: str) -> None:
    """What was loaded of the file is another thing now, or nothing."""
    con.execute("delete from internal.unreadable where file_path = $1", [path])


def forget_all_but(con: duckdb.DuckDBPyConnection, files: Collection[LandedFile]) -> None:
    """Only those files are there and hold something else than what is loaded."""
    con.execute(
        "delete from internal.unreadable where file_path not in (select unnest($1::varchar[]))",
        [[file.relative_path for file in files]],
    )


def spoilt_among(con: duckdb.DuckDBPyConnection, settings: Settings, files: Collection[LandedFile]) -> set[str]:
    """Those of the files that have changed since the build file before this one loaded them, and cannot be read any
    more."""
    loaded = {path: known for path, *known in con.execute(_TO_RELOAD).fetchall()}
    return {
        file.relative_path
        for file in files
        if file.relative_path in loaded and _is_spoilt(settings, file, *loaded[file.relative_path])
    }


def reason_of(settings: Settings, file: LandedFile) -> str | None:
    """Why the file cannot be read; none if it can."""
    try:
        for _ in blocks_of(settings, file):
            pass
    except ContainerError as error:
        return error.reason
    return None


def _is_spoilt(settings: Settings, file: LandedFile, *known: object) -> bool:
    *identity, sha256 = known
    if tuple(identity) == file.identity or landing_zone.sha256_of(file) == sha256:
        return False
    return reason_of(settings, file) is not None


def look(con: duckdb.DuckDBPyConnection, _settings: Settings, _run_id: str) -> Iterator[str]:
    """What somebody must look at: files that are not what they were when they were loaded."""
    for path, reason in con.execute(
        "select file_path, reason_code from internal.unreadable order by file_path"
    ).fetchall():
        yield (
            f"{landing_zone.shown(path)} was loaded and cannot be read any more ({reason}); its rows stay as they were."
            f" {FILE_REASONS[reason]}"
        )
