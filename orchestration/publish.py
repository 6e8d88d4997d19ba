"""From the build file to the one that analysts open: checks, a copy beside it, and one atomic rename.

A reader keeps the file it opened, the next open sees the new one, and nobody ever waits. The last publications are kept
as links under `published/`, so that going back is a rename too. Which publication is current follows from the file
itself, never from a note beside it.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.errors import OperatorError
from orchestration.faults import pass_point
from orchestration.settings import Settings

NOTE = "publication.json"


@dataclass(frozen=True)
class Publication:
    """One published warehouse: its folder holds the file and this note."""

    folder: Path
    fingerprint: str
    run_id: str
    published_at: str
    customers: int
    orders: int
    is_withdrawn: bool = False

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"


def publications(settings: Settings) -> list[Publication]:
    """Every publication that is kept, oldest first."""
    notes = sorted(settings.publications.glob(f"*/{NOTE}"))
    return [Publication(folder=note.parent, **json.loads(note.read_text(encoding="utf-8"))) for note in notes if (note.parent / "warehouse.duckdb").exists()]


def current(settings: Settings) -> Publication | None:
    """The publication that analysts see now; None if there is none or the file is not of our making."""
    if not settings.published_file.exists():
        return None
    return next((found for found in reversed(publications(settings)) if _is_same(found.file, settings.published_file)), None)


def is_withdrawn(settings: Settings, fingerprint: str) -> bool:
    """A warehouse made of just this was published and taken back by hand."""
    return any(found.is_withdrawn and found.fingerprint == fingerprint for found in publications(settings))


def check(con: duckdb.DuckDBPyConnection) -> None:
    """The last look before publishing, beyond what dbt has tested: the books must balance."""
    wrong = con.execute("select file_path from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate order by load_seq").fetchall()
    if wrong:
        raise OperatorError(
            f"Nothing was published: {len(wrong)} files are booked with sums that do not add up, the first is {wrong[0][0]}.",
            remedy="Load everything anew with `c360 run --full-refresh`.",
        )


def totals(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Persons and orders in a warehouse."""
    row = con.execute("select (select count(*) from marts.dim_customers), (select count(*) from marts.fct_orders)").fetchone() or (0, 0)
    return {"customers": row[0], "orders": row[1]}


def publish(settings: Settings, *, run_id: str, fingerprint: str, customers: int, orders: int) -> Publication:
    """Copies the build file, which nobody holds open, and swaps the copy in."""
    published_at = datetime.now(UTC)
    folder = settings.publications / f"{published_at:%Y%m%dT%H%M%S.%fZ}-{run_id[:8]}"
    made = Publication(folder, fingerprint, run_id, published_at.isoformat(timespec="seconds"), customers, orders)
    folder.mkdir(parents=True)
    try:
        _checkpoint(settings)
        _copy(settings.build_file, made.file)
        _verify(settings, made.file)
        _write_note(made)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    pass_point("before_swap")
    _swap(settings, made)
    pass_point("after_swap")
    prune(settings)
    return made


def rollback(settings: Settings) -> Publication:
    """Brings back the publication before the current one, and withdraws the current one."""
    now = current(settings)
    kept = [found for found in publications(settings) if not found.is_withdrawn]
    older = [found for found in kept if now is None or found.folder.name < now.folder.name]
    if not older:
        raise OperatorError("There is no earlier publication to go back to.", remedy="`c360 run --full-refresh` builds the warehouse anew.")
    _swap(settings, older[-1])
    if now is not None:
        _write_note(replace(now, is_withdrawn=True))
    return older[-1]


def taken_back(settings: Settings) -> Publication | None:
    """The newest publication, if a rollback brought back an earlier one and nothing was published since."""
    now = current(settings)
    newer = [found for found in publications(settings) if found.is_withdrawn and (now is None or found.folder.name > now.folder.name)]
    return newer[-1] if newer else None


def prune(settings: Settings) -> None:
    """Keeps the current publication and the newest to go back to, as many as the setting says."""
    now = current(settings)
    known = publications(settings)
    kept = [found for found in known if not found.is_withdrawn][-settings.options.keep_publications :]
    kept += [found for found in known if now and (found == now or (found.is_withdrawn and found.folder.name > now.folder.name))]
    wanted = {found.folder for found in kept}
    for folder in settings.publications.iterdir():
        if folder.is_dir() and folder not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[bool]:
    """Attaches the published file as `published`, or a copy of it while somebody has opened it for writing."""
    if not settings.published_file.exists():
        yield False
        return
    copy = settings.spill / "published.duckdb"
    try:
        _attach(con, settings.published_file)
    except duckdb.IOException:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.published_file, copy)
        _attach(con, copy)
    try:
        yield True
    finally:
        con.execute("detach published")
        copy.unlink(missing_ok=True)


def _attach(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    quoted = str(path).replace("'", "''")
    con.execute(f"attach '{quoted}' as published (read_only)")


def has(con: duckdb.DuckDBPyConnection, schema: str, table: str, *columns: str) -> bool:
    """The attached published warehouse has this table, with these columns: another version may have built it."""
    known = _columns(con, "published", schema, table)
    return bool(known) and known.issuperset(columns)


def inherit(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Takes the rows of a table of the attached published warehouse over: the columns that this version knows too."""
    [(catalog,)] = con.execute("select current_database()").fetchall()
    shared = sorted(_columns(con, "published", schema, table) & _columns(con, catalog, schema, table))
    if shared:
        con.execute(f"insert into {schema}.{table} by name select {', '.join(shared)} from published.{schema}.{table}")


def _columns(con: duckdb.DuckDBPyConnection, catalog: str, schema: str, table: str) -> set[str]:
    query = "select column_name from duckdb_columns() where database_name = $1 and schema_name = $2 and table_name = $3"
    return {name for (name,) in con.execute(query, [catalog, schema, table]).fetchall()}


def _checkpoint(settings: Settings) -> None:
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("force checkpoint")


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, 0o444)
    _sync(target)


def _verify(settings: Settings, path: Path) -> None:
    with duckdb.connect(str(path), read_only=True, config=settings.duckdb_config) as con:
        con.execute("select count(*) from marts.dim_customers")


def _swap(settings: Settings, publication: Publication) -> None:
    """A write-ahead log that a stranger left beside the published file would make every open of the new one fail."""
    beside = settings.data / f".warehouse.duckdb.{os.getpid()}"
    beside.unlink(missing_ok=True)
    _link(publication.file, beside)
    settings.published_file.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
    os.replace(beside, settings.published_file)
    _sync(settings.data)


def _link(source: Path, target: Path) -> None:
    """Links where the file system can, so that a kept publication costs no disk and going back no time."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        _sync(target)


def _is_same(one: Path, other: Path) -> bool:
    left, right = one.stat(), other.stat()
    return os.path.samestat(left, right) or (left.st_size, left.st_mtime_ns) == (right.st_size, right.st_mtime_ns)


def _write_note(publication: Publication) -> None:
    values = {name: value for name, value in asdict(publication).items() if name != "folder"}
    draft = publication.folder / f"{NOTE}.tmp"
    draft.write_text(json.dumps(values), encoding="utf-8")
    os.replace(draft, publication.folder / NOTE)
    _sync(publication.folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
