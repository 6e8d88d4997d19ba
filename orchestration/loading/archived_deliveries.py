"""Rows and log entries of deliveries that are no longer in the landing zone, or cannot be read any more, taken over
into a build file that was begun anew.

Old deliveries get archived, so not all that a warehouse holds can be loaded again. What they left stands in the build
file that was there before, kept aside until a run has looked into it, and in the published file. Rows taken over stay
as the version that loaded them wrote them: `meta.loads.is_taken_over` says of which files.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.canonical.tables import TABLES, known_by_content
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading import circuit_breaker
from orchestration.loading.archived_copies import IDENTITY, put_under
from orchestration.loading.deduplication import MOVED, release_duplicates, remember_latest
from orchestration.loading.record_versions import settle_versions
from orchestration.warehouse import build_file, deleted_rows, publications
from orchestration.warehouse.duckdb_session import attach, transaction

LOADS = "meta.loads"
AUDIT_TABLES = (
    "meta.rejects",
    "meta.field_coverage",
    "internal.load_issues",
    "internal.drift",
    "internal.duplicates",
    "internal.outdone",
)
# What versions before this one called a table: their warehouses are looked into, too.
FORMER_NAMES = {"internal.duplicates": "internal.repeats"}
_CONTENT = "source, source_account, stream, export_date, file_sha256"
# Copies that nothing stands for yet, by path: with their original, and all files that were known to hold the same.
_COPIES = f"""
with
    known as (select * from {{past}}.meta.loads where status <> 'superseded'),
    alike as (select {_CONTENT}, list(file_path) as file_paths from known group by {_CONTENT}),
    originals as (
        select {_CONTENT}, min(file_path) as file_path, min_by(load_seq, file_path) as load_seq
        from known where {circuit_breaker.STANDS} group by {_CONTENT}
    )
select copy.file_path, file_sha256, alike.file_paths, originals.file_path, originals.load_seq
from known as copy
inner join alike using ({_CONTENT})
left join originals using ({_CONTENT})
anti join (select {_CONTENT} from meta.loads where {circuit_breaker.STANDS}) using ({_CONTENT})
where copy.status = 'duplicate' and copy.file_path in (select unnest($1::varchar[]))
order by copy.file_path
"""
REMEMBERED = ("internal.withdrawn", "internal.accepted_deletions", "internal.sightings")


def previous_file(settings: Settings) -> Path:
    """Where the build file stands that another replaces, until all that is to be reloaded of it is known."""
    return settings.build_file.parent / "previous" / "warehouse.duckdb"


def set_aside(settings: Settings) -> None:
    """Makes room for a build file begun anew; one that can be read is kept, whatever a run that was killed set aside
    before it."""
    log = settings.build_file.with_name("warehouse.duckdb.wal")
    kept = previous_file(settings)
    if not kept.exists() and settings.build_file.exists():
        with suppress(duckdb.Error):
            build_file.checkpoint(settings)
            kept.parent.mkdir(exist_ok=True)
            settings.build_file.replace(kept)
    settings.build_file.unlink(missing_ok=True)
    log.unlink(missing_ok=True)


def let_go(settings: Settings) -> None:
    """The build file that was set aside is not needed any more."""
    shutil.rmtree(previous_file(settings).parent, ignore_errors=True)


def note_to_reload(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Notes in a new build file which files the last one, else the newest publication, knew; and takes over what was decided
    about them and when they were seen."""
    with _pasts(con, settings) as pasts:
        columns = _Columns.of(con)
        past = next((past for past in pasts if columns.there(past, LOADS) >= {"file_path", "status"}), None)
        if past is None:
            return
        with transaction(con):
            _note_from(con, columns, past, LOADS, "status <> 'superseded'")
            _note_from(
                con, columns, past, "internal.owed", f"file_path not in (select file_path from {past}.meta.loads)"
            )
            # Whoever could not read a file before has nothing to lose by it.
            con.execute(
                "update internal.owed set file_sha256 = null where file_path in (select file_path from"
                f" {past}.meta.loads where status = 'rejected')"
            )
            for table in REMEMBERED:
                if shared := columns.there(past, table) & columns.here(table):
                    con.execute(f"insert into {table} by name select {', '.join(sorted(shared))} from {past}.{table}")


def _note_from(con: duckdb.DuckDBPyConnection, columns: "_Columns", past: str, table: str, condition: str) -> None:
    if shared := columns.there(past, table) & columns.here("internal.owed"):
        con.execute(
            f"insert into internal.owed by name select {', '.join(sorted(shared))} from {past}.{table} where"
            f" {condition}"
        )


def take_over(
    con: duckdb.DuckDBPyConnection, settings: Settings, paths: Collection[str], to_load: Collection[LandedFile]
) -> set[str]:
    """Takes over what those files left, while others are still to be loaded; gives the files that nothing can be taken
    over of."""
    left = set(paths)
    if left:
        landed = {file.relative_path: file for file in to_load}
        with _pasts(con, settings) as pasts:
            for past in pasts:
                left -= _take_over(con, past, left, landed)
    return left


@contextmanager
def _pasts(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[list[str]]:
    """What can be read of the warehouses before this one, attached: the build file set aside first, then what a rollback
    took back, then the published one."""
    pasts = []
    for name, file in (("previous", previous_file(settings)), ("taken_back", publications.taken_back(settings))):
        if file is not None and file.exists():
            with suppress(duckdb.Error):
                attach(con, file, name)
                pasts.append(name)
    try:
        with publications.attached(con, settings) as is_there:
            yield [*pasts, *(["published"] if is_there else [])]
    finally:
        for past in pasts:
            con.execute(f"detach {past}")


def _take_over(
    con: duckdb.DuckDBPyConnection, past: str, paths: Collection[str], landed: Mapping[str, LandedFile]
) -> set[str]:
    """The files of which rows and log entries could be taken over from one warehouse: all that it knows, or none; but
    for copies of what it does not know."""
    columns = _Columns.of(con)
    if not columns.there(past, LOADS) >= {
        "file_path",
        "status",
        "load_seq",
        "source",
        "source_account",
        "stream",
        "export_date",
    }:
        return set()
    try:
        with transaction(con):
            # An early version did not say what copies can be known by.
            knows_copies = columns.there(past, LOADS) >= {"file_sha256", "reason_code"}
            heirs, of_nothing = _copies_alone(con, past, paths, landed) if knows_copies else ({}, set[str]())
            con.execute(
                f"""
                create or replace temp table taken as
                with heirs as (select unnest($2::bigint[]) as original_seq, unnest($3::varchar[]) as file_path)
                select
                    file_path, load_seq as own_seq, coalesce(original_seq, load_seq) as old_seq, source_account,
                    (select coalesce(max(load_seq), 0) from meta.loads) + row_number() over (order by load_seq) as new_seq
                from {past}.meta.loads
                left join heirs using (file_path)
                where status <> 'superseded' and file_path in (select unnest($1::varchar[]))
                """,
                [sorted(set(paths) - of_nothing), list(heirs), list(heirs.values())],
            )
            _copy(con, columns, past, LOADS, "taken", ("true", "is_taken_over"))
            for table in (*(f"staging.{table}" for table in TABLES), *AUDIT_TABLES):
                _copy(con, columns, past, table, "taken")
            _name_heirs(con, columns, past)
            _settle_duplicates(con, columns, past)
            # A version with no newer one taken over stands in staging until that is loaded.
            settle_versions(con, [seq for (seq,) in con.execute("select new_seq from taken").fetchall()])
            return {path for (path,) in con.execute("select file_path from taken").fetchall()}
    except (duckdb.Error, _LossError):
        deleted_rows.note(con)
        return set()


def _copies_alone(
    con: duckdb.DuckDBPyConnection, past: str, paths: Collection[str], landed: Mapping[str, LandedFile]
) -> tuple[dict[int, str], set[str]]:
    """Copies that no other file will stand for: the first of each content by the load of its original, whose rows it
    takes, and all those of which that warehouse has no original."""
    heirs: dict[int, str] = {}
    of_nothing = set()
    for path, sha256, alike, original, load_seq in con.execute(_COPIES.format(past=past), [sorted(paths)]).fetchall():
        if any(landing_zone.sha256_of(landed[name]) == sha256 for name in alike if name in landed):
            continue
        if original is None:
            of_nothing.add(path)
        elif original not in paths:
            heirs.setdefault(load_seq, path)
    return heirs, of_nothing


def _name_heirs(con: duckdb.DuckDBPyConnection, columns: "_Columns", past: str) -> None:
    """Rows and log entries that a copy has of its original are of the copy."""
    known = sorted(columns.there(past, LOADS) & set(IDENTITY))
    for path, new_seq, own_seq in con.execute(
        "select file_path, new_seq, own_seq from taken where own_seq <> old_seq"
    ).fetchall():
        put_under(con, new_seq, path)
        con.execute(
            f"update meta.loads set {', '.join(f'{name} = own.{name}' for name in known)} from {past}.meta.loads as own"
            " where meta.loads.load_seq = $1 and own.load_seq = $2",
            [new_seq, own_seq],
        )


class _LossError(Exception):
    """Values would be left behind."""


def _copy(
    con: duckdb.DuckDBPyConnection,
    columns: "_Columns",
    past: str,
    table: str,
    taken: str,
    *more: tuple[str, str],
    where: str = "true",
) -> None:
    """Rows of those loads; columns that are new since are null, and one that is no more must have been."""
    found = columns.name_in(past, table)
    there, here = columns.there(past, found), columns.here(table)
    if not there:
        return
    if "load_seq" not in there:
        raise _LossError
    rows = f"{past}.{found} as kept inner join {taken} on kept.load_seq = {taken}.old_seq where {where}"
    gone = " or ".join(f"kept.{column} is not null" for column in sorted(there - here))
    if gone and con.execute(f"select 1 from {rows} and ({gone}) limit 1").fetchone():
        raise _LossError
    given = {"load_seq": f"{taken}.new_seq", **{name: value for value, name in more}}
    if "source_account" in here - there:
        given["source_account"] = f"{taken}.source_account"
    selected = [
        *(f"kept.{name}" for name in sorted((there & here) - given.keys())),
        *(f"{value} as {name}" for name, value in given.items()),
    ]
    con.execute(f"insert into {table} by name select {', '.join(selected)} from {rows}")


def _settle_duplicates(con: duckdb.DuckDBPyConnection, columns: "_Columns", past: str) -> None:
    """A record that an archived file reported again stands under the earliest file that reported it; if that is not
    taken over, it stands under this one now."""
    if not columns.there(past, columns.name_in(past, "internal.duplicates")):
        return
    taken = "load_seq in (select new_seq from taken)"
    for table in MOVED:
        con.execute(
            f"update staging.{table} set last_export_date = export_date where {taken} and last_export_date <>"
            " export_date"
        )
    for entity, key in known_by_content():
        keepers = f"""
            select distinct kept.load_seq as old_seq, kept.source_row, -kept.load_seq as new_seq, kept.source_account
            from {past}.staging.{entity} as kept
            inner join internal.duplicates
                on duplicates.entity = '{entity}' and duplicates.{taken}
                and kept.source = duplicates.source and kept.source_account = duplicates.source_account
                and kept.{key} = duplicates.record_id and kept.record_hash = duplicates.record_hash
            where kept.load_seq not in (select old_seq from taken)
        """
        con.execute(f"create or replace temp table keepers as {keepers}")
        for table in MOVED:
            _copy(con, columns, past, f"staging.{table}", "keepers", where="kept.source_row = keepers.source_row")
        for (seq,) in con.execute("select distinct new_seq from keepers").fetchall():
            release_duplicates(con, seq)
            for table in MOVED:
                con.execute(f"delete from staging.{table} where load_seq = $1", [seq])
        for source, account in con.execute(
            f"select distinct source, source_account from internal.duplicates where entity = '{entity}' and {taken}"
        ).fetchall():
            keys = f"select record_id, record_hash from internal.duplicates where entity = '{entity}' and {taken}"
            remember_latest(con, entity, keys, {"source": source, "account": account})


@dataclass(frozen=True)
class _Columns:
    """Columns of all tables, of this warehouse and of those that are attached."""

    own: str
    known: Mapping[tuple[str, str], set[str]]

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> "_Columns":
        found = con.execute(
            "select database_name, schema_name || '.' || table_name, list(column_name) from duckdb_columns() group by all"
        ).fetchall()
        (own,) = con.execute("select current_database()").fetchone() or ("",)
        return cls(own, {(catalog, table): set(names) for catalog, table, names in found})

    def here(self, table: str) -> set[str]:
        """Those of a table of this warehouse."""
        return self.there(self.own, table)

    def there(self, past: str, table: str) -> set[str]:
        """Those of a table of an attached warehouse; none where it has no such table."""
        return self.known.get((past, table), set())

    def name_in(self, past: str, table: str) -> str:
        """What a warehouse that another version may have made calls a table."""
        former = FORMER_NAMES.get(table, table)
        return former if self.there(past, former) else table
