"""When a file was first seen in the landing zone, and when it was first missed, by the number of the scan.

Of two files with the same content one may vanish because it was archived, or because it was moved to where the other
is. It was moved if the other was first seen in the very scan that missed it; what lay beside it before, or came later,
is a delivery of its own.
"""

from collections.abc import Iterable

import duckdb
import polars as pl

from orchestration.landing.landing_zone import LandedFile, Scan
from orchestration.loading import circuit_breaker
from orchestration.warehouse.duckdb_session import handed_over, transaction

_IDENTITY = {"file_bytes": pl.Int64, "file_mtime_ns": pl.Int64, "file_ctime_ns": pl.Int64, "file_inode": pl.UInt64}
_CHANGED = f"""
create or replace temp table sighted as
with compared as (
    select
        seen.* exclude (may_be_other), known.file_path is null or known.missed_in is not null as is_back,
        ({", ".join(f"seen.{name}" for name in _IDENTITY)}) is distinct from ({", ".join(f"known.{name}" for name in _IDENTITY)}) as is_touched,
        may_be_other, known.first_seen
    from {{}} as seen left join internal.sightings as known using (file_path)
)
select * exclude (is_back, is_touched, may_be_other) replace (case when is_back or may_be_other then $1 else first_seen end as first_seen)
from compared
where is_back or is_touched
"""
# A name under which nothing can be read is rejected whole, and no place for the rows of what was read under another one.
_MOVED = f"""
select gone.file_path, here.file_path, here.status = 'duplicate'
from meta.loads as gone
inner join internal.sightings as sight_of_gone using (file_path)
inner join (select *, {circuit_breaker.STANDS} as stands from meta.loads) as here
    on here.file_sha256 = gone.file_sha256 and here.source = gone.source and here.source_account = gone.source_account and here.stream = gone.stream
inner join internal.sightings as sight_of_here on here.file_path = sight_of_here.file_path
where gone.status <> 'superseded' and gone.file_sha256 <> '' and gone.file_path in (select unnest($1::varchar[]))
    and here.file_path in (select unnest($2::varchar[])) and sight_of_here.first_seen = sight_of_gone.missed_in
    and (here.stands or here.status = 'duplicate' or (here.status = 'rejected' and gone.status = 'rejected'))
order by all
"""


def note(con: duckdb.DuckDBPyConnection, scan: Scan, changed: Iterable[LandedFile]) -> None:
    """Notes what a scan saw and missed; those of the files that may hold something else than before are seen for the
    first time."""
    other = {file.relative_path for file in changed}
    rows = [(file.relative_path, *file.identity, file.relative_path in other) for file in scan.files]
    schema = {"file_path": pl.String, **_IDENTITY, "may_be_other": pl.Boolean}
    with transaction(con):
        [(number,)] = con.execute(
            "select coalesce(max(greatest(first_seen, missed_in)), 0) + 1 from internal.sightings"
        ).fetchall()
        with handed_over(con, pl.DataFrame(rows, schema=schema, orient="row")) as seen:
            con.execute(_CHANGED.format(seen), [number])
        con.execute("delete from internal.sightings where file_path in (select file_path from sighted)")
        con.execute("insert into internal.sightings by name from sighted")
        _note_missed(con, scan, number)


def _note_missed(con: duckdb.DuckDBPyConnection, scan: Scan, number: int) -> None:
    known = {
        path for (path,) in con.execute("select file_path from internal.sightings where missed_in is null").fetchall()
    }
    # What stands in a folder that cannot be looked into may still lie there.
    missed = [path for path in known - {file.relative_path for file in scan.files} if not scan.is_hidden(path)]
    con.execute(
        "update internal.sightings set missed_in = $1 where file_path in (select unnest($2::varchar[]))",
        [number, missed],
    )


def moved(con: duckdb.DuckDBPyConnection, scan: Scan, vanished: list[str]) -> list[tuple[str, str, bool]]:
    """Those of the vanished files with content that came to stand under another path, of the same account and stream,
    when they went; that path, and whether it is logged as a copy, which nobody has read under its name."""
    return con.execute(_MOVED, [vanished, [file.relative_path for file in scan.files]]).fetchall()
