"""From the build file to the one that analysts open: checks, a file beside it with what is published of it, and one
atomic rename.

A reader keeps the file it opened, the next open sees the new one, and nobody ever waits. The last publications are kept
as links under `published/`, so that going back is a rename too. Which one is current follows from the file itself, and
their order from the number in the folder's name, never from a clock or from a note beside them. What is begun stands in
a folder named so, and a withdrawal is marked before the file is swapped: `repair` finishes or undoes what a killed
process left, and rewrites lost notes.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.config import file_rights
from orchestration.config.settings import Settings
from orchestration.publishing import parquet_marts
from orchestration.runtime import durable_files
from orchestration.runtime.durable_files import sync
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.redaction import shown_name
from orchestration.runtime.wording import counted
from orchestration.warehouse import build_file, copying, file_soundness
from orchestration.warehouse.duckdb_session import has_table
from orchestration.warehouse.meanings import INTERNAL, SHOWN
from orchestration.warehouse.publications import BEGUN, WITHDRAWN, folders, number_of

NOTE = "publication.json"
FACTS: dict[str, type] = {"fingerprint": str, "run_id": str, "published_at": str, "customers": int, "orders": int}


@dataclass(frozen=True)
class Publication:
    """One published warehouse: its folder holds the file, a note on it, and a mark if it was taken back."""

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

    @property
    def shown_at(self) -> str:
        """When it was published, for people."""
        try:
            return datetime.fromisoformat(self.published_at).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        except ValueError:
            return self.published_at

    @property
    def number(self) -> int:
        """Its place among all publications."""
        return number_of(self.folder)


def publications(settings: Settings) -> list[Publication]:
    """Every publication that is kept, oldest first; where a note is lost or cut, with what the file itself says."""
    return [found for folder in folders(settings) if (found := _publication(settings, folder))]


def damaged_notes(settings: Settings) -> list[Path]:
    """Notes that are lost, cut or no notes; the next run writes them anew."""
    return [folder / NOTE for folder in folders(settings) if _note(folder) is None]


def current(settings: Settings) -> Publication | None:
    """The publication that analysts see now; None if there is none or the file is not of our making."""
    if not settings.published_file.exists():
        return None
    return next(
        (found for found in reversed(publications(settings)) if _is_same(found.file, settings.published_file)), None
    )


def is_withdrawn(settings: Settings, fingerprint: str) -> bool:
    """A warehouse made of just this was published and taken back by hand."""
    return any(found.is_withdrawn and found.fingerprint == fingerprint for found in publications(settings))


def check(con: duckdb.DuckDBPyConnection) -> None:
    """The last look before publishing, beyond what dbt has tested: the counts of the load log must add up."""
    wrong = con.execute(
        "select file_path from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate order by"
        " load_seq"
    ).fetchall()
    if wrong:
        raise OperatorError(
            f"Nothing was published: the counts of {counted(len(wrong), 'file')} in `meta.loads` do not add up, the first is"
            f" {shown_name(wrong[0][0])}.",
            remedy="Load everything anew with `c360 run --full-refresh`.",
        )


def totals(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Persons and orders in a warehouse."""
    row = con.execute(
        "select (select count(*) from marts.dim_customers), (select count(*) from marts.fct_orders)"
    ).fetchone() or (0, 0)
    return {"customers": row[0], "orders": row[1]}


def publish(
    settings: Settings,
    *,
    run_id: str,
    fingerprint: str,
    customers: int,
    orders: int,
    record: Callable[[duckdb.DuckDBPyConnection], None] = lambda con: None,
) -> Publication:
    """Writes what analysts are to see of the build file, which nobody holds open, into a file of its own and swaps that
    in; `record` writes into it that it is published."""
    folder = _next_folder(settings, run_id)
    made = Publication(folder, fingerprint, run_id, datetime.now(UTC).isoformat(timespec="seconds"), customers, orders)
    build_file.checkpoint(settings)
    pass_point("before_copy")

    def write(copy: Path) -> None:
        copying.write_copy(settings.build_file, copy, settings, schemas=(*SHOWN, INTERNAL))

    _put_in_place(settings, made, write, record, then=lambda: prune(settings), point="before_prune")
    return made


def amend(settings: Settings, record: Callable[[duckdb.DuckDBPyConnection], None]) -> Publication | None:
    """Puts a copy of the current publication, in which `record` has written, in its place; only for the holder of the
    writer lock.

    Nothing else of it changes, so that what is published stays what it was made of, and going back leads where it led
    before.
    """
    now = current(settings)
    if now is None or now.is_withdrawn:
        return None
    made = replace(now, folder=_next_folder(settings, now.run_id))

    def write(copy: Path) -> None:
        shutil.copyfile(now.file, copy)

    _put_in_place(settings, made, write, record, then=lambda: shutil.rmtree(now.folder), point="after_amending")
    return made


def _put_in_place(
    settings: Settings,
    made: Publication,
    write: Callable[[Path], None],
    record: Callable[[duckdb.DuckDBPyConnection], None],
    *,
    then: Callable[[], object],
    point: str,
) -> None:
    """Makes the publication of what `write` and then `record` have written, and swaps it in; `then` clears what it
    replaces."""
    begun = made.folder.with_name(f"{BEGUN}{made.folder.name}")
    begun.mkdir(parents=True)
    copy = begun / made.file.name
    try:
        write(copy)
        _finish(settings, copy, record)
        _verify(settings, copy)
        parquet_marts.write(settings, copy, made.run_id)
        pass_point("before_note")
        _write_note(begun, made)
        refuse_strangers(settings)
    except BaseException:
        shutil.rmtree(begun, ignore_errors=True)
        raise
    pass_point("before_swap")
    _swap(settings, copy)
    pass_point("after_swap")
    # From here on analysts see it: what cannot be tidied up now is tidied up by the next run.
    with suppress(OSError):
        _rename(begun, made.folder)
        parquet_marts.point_to(settings, made.run_id)
        pass_point(point)
        then()


def rollback(settings: Settings) -> Publication:
    """Brings back the publication before the current one, and withdraws the current one."""
    refuse_strangers(settings)
    now = current(settings)
    older = _to_go_back_to(settings, now)
    if older is None:
        if now is not None:
            (now.folder / WITHDRAWN).unlink(missing_ok=True)
        raise OperatorError(
            "There is no earlier publication to go back to.",
            remedy="`c360 run --full-refresh` builds the warehouse anew.",
        )
    if now is not None and not now.is_withdrawn:
        _withdraw(now)
    pass_point("before_rollback_swap")
    _swap(settings, older.file)
    pass_point("after_rollback_swap")
    parquet_marts.point_to(settings, older.run_id)
    return older


def repair(settings: Settings) -> list[str]:
    """Finishes or undoes what a killed process left, and rewrites lost notes; only for the holder of the writer
    lock. Returns sentences on what was lost."""
    lost = []
    for begun in sorted(settings.publications.glob(f"{BEGUN}*/")):
        if (
            settings.published_file.exists()
            and (begun / "warehouse.duckdb").exists()
            and _is_same(begun / "warehouse.duckdb", settings.published_file)
        ):
            _rename(begun, begun.with_name(begun.name.removeprefix(BEGUN)))
        else:
            shutil.rmtree(begun, ignore_errors=True)
    for note in damaged_notes(settings):
        if found := _publication(settings, note.parent):
            _write_note(note.parent, found)
        else:
            shutil.rmtree(note.parent, ignore_errors=True)
            lost.append(
                f"The kept publication {note.parent.name} could not be read and was removed: it cannot be gone back to."
            )
    if is_rollback_begun(settings):
        with suppress(OperatorError):
            rollback(settings)
    now = current(settings)
    parquet_marts.point_to(settings, now.run_id if now else None)
    prune_parquet(settings)
    return lost


def is_rollback_begun(settings: Settings) -> bool:
    """A rollback was killed between its mark and its swap."""
    now = current(settings)
    return now is not None and now.is_withdrawn


def secure(settings: Settings) -> list[str]:
    """Leaves nothing but a sound warehouse of ours, or nothing, under the published name; only for the holder of the
    writer lock.

    A strange file there is somebody's mistake and is refused. A damaged one is moved aside, and the newest kept one
    that is sound stands in until the next publication; so it does for one that is gone and had been brought back by a
    rollback, for a run publishes nothing in its place. Returns sentences on what a person should know of that.
    """
    found = ([] if refuse_strangers(settings) else set_aside(settings)) + repair(settings)
    if not settings.published_file.exists() and taken_back(settings) is not None:
        stands_in = _to_go_back_to(settings, None)
        if stands_in is not None:
            _swap(settings, stands_in.file)
            found.append(f"{settings.published_file} was gone; that of {stands_in.shown_at} stands there again.")
    return found


def refuse_strangers(settings: Settings) -> bool:
    """Refuses what another program, or a newer engine, has put under the published name; whether what stands there is
    sound."""
    path = settings.published_file
    found = file_soundness.verdict(path, settings) if path.exists() else "sound"
    if found == "newer":
        raise OperatorError(
            f"{path} was written by a newer version of DuckDB than is installed.",
            remedy="Install that version and run again.",
        )
    if found in ("foreign", "empty") and not (path.is_file() and _folders_of(settings, path)):
        raise OperatorError(
            f"{path} is no warehouse of this program and is not overwritten.",
            remedy="Move it away and run again: it is published anew.",
        )
    return found in ("sound", "in_use")


def set_aside(settings: Settings) -> list[str]:
    """Moves the damaged published file aside, with the kept link to it; the newest kept one that is sound stands in."""
    path = settings.published_file
    for folder in _folders_of(settings, path):
        shutil.rmtree(folder, ignore_errors=True)
    aside = file_soundness.move_aside(path)
    if (stands_in := _to_go_back_to(settings, None)) is not None:
        _swap(settings, stands_in.file)
    return [
        f"{path} was damaged and was moved aside to {aside.name}; the warehouse is published anew, and what was moved"
        " may be deleted."
    ]


def _folders_of(settings: Settings, path: Path) -> list[Path]:
    """Folders that keep the very file that stands there, whether it can be read or not."""
    return [
        folder
        for folder in settings.publications.glob("*/")
        if (folder / path.name).exists() and _is_same(folder / path.name, path)
    ]


def _to_go_back_to(settings: Settings, now: Publication | None) -> Publication | None:
    """The newest publication before that one which was not taken back and can be opened; one that only lacks an
    amendment is the same."""
    older = [
        found
        for found in publications(settings)
        if not found.is_withdrawn and (now is None or (found.number < now.number and found.run_id != now.run_id))
    ]
    return next((found for found in reversed(older) if file_soundness.is_ours(found.file, settings)), None)


def taken_back(settings: Settings) -> Publication | None:
    """The newest publication, if a rollback brought back an earlier one and nothing was published since."""
    now = current(settings)
    newer = [
        found for found in publications(settings) if found.is_withdrawn and (now is None or found.number > now.number)
    ]
    return newer[-1] if newer else None


def prune(settings: Settings) -> None:
    """Keeps the current publication and the newest to go back to, as many as the setting says."""
    now = current(settings)
    known = publications(settings)
    kept = [found for found in known if not found.is_withdrawn][-settings.options.keep_publications :]
    kept += [found for found in known if now and (found == now or (found.is_withdrawn and found.number > now.number))]
    wanted = {found.folder for found in kept}
    for folder in settings.publications.iterdir():
        if folder.is_dir() and folder not in wanted and not folder.name.startswith(BEGUN):
            shutil.rmtree(folder, ignore_errors=True)
    prune_parquet(settings)


def prune_parquet(settings: Settings) -> None:
    """Leaves no marts as Parquet but those of publications that are kept."""
    parquet_marts.prune(settings, {found.run_id for found in publications(settings)})


def drop(settings: Settings, earlier: Collection[Publication]) -> int:
    """Removes publications that are not the current one; how many. Only for the holder of the writer lock."""
    for one in earlier:
        shutil.rmtree(one.folder, ignore_errors=True)
    if earlier:
        prune_parquet(settings)
    return len(earlier)


def _finish(settings: Settings, target: Path, record: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
    with duckdb.connect(str(target), config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        record(con)
        con.execute("force checkpoint")
    os.chmod(target, file_rights.of_published(settings))
    sync(target)


def _verify(settings: Settings, path: Path) -> None:
    with duckdb.connect(str(path), read_only=True, config=settings.duckdb_config) as con:
        con.execute("select count(*) from marts.dim_customers")


def _swap(settings: Settings, file: Path) -> None:
    """A write-ahead log that a stranger left beside the published file would make every open of the new one fail."""
    beside = settings.data / f".warehouse.duckdb.{os.getpid()}"
    beside.unlink(missing_ok=True)
    _link(file, beside)
    settings.published_file.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
    os.replace(beside, settings.published_file)
    sync(settings.data)


def _next_folder(settings: Settings, run_id: str) -> Path:
    number = 1 + max((number_of(folder) for folder in settings.publications.glob("*/")), default=0)
    return settings.publications / f"{number:010}-{run_id[:8]}"


def _rename(source: Path, target: Path) -> None:
    os.replace(source, target)
    sync(target.parent)


def _link(source: Path, target: Path) -> None:
    """Links where the file system can, so that a kept publication costs no disk and going back no time."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        sync(target)


def _is_same(one: Path, other: Path) -> bool:
    left, right = one.stat(), other.stat()
    return os.path.samestat(left, right) or (left.st_size, left.st_mtime_ns) == (right.st_size, right.st_mtime_ns)


def _publication(settings: Settings, folder: Path) -> Publication | None:
    note = _note(folder) or _facts(settings, folder / "warehouse.duckdb")
    if note is None:
        return None
    is_withdrawn = (folder / WITHDRAWN).exists() or note.get("is_withdrawn") is True
    return Publication(folder, **{name: note[name] for name in FACTS}, is_withdrawn=is_withdrawn)


def _note(folder: Path) -> dict[str, Any] | None:
    """What the note says; None where it is lost, cut or of another making. One of a newer version may say more."""
    try:
        note = json.loads((folder / NOTE).read_bytes())
        return note if all(type(note[name]) is kind for name, kind in FACTS.items()) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _facts(settings: Settings, file: Path) -> dict[str, Any] | None:
    """The same from the warehouse itself: what it was made of, and the last run that it says published it."""
    try:
        with duckdb.connect(str(file), read_only=True, config=settings.duckdb_config) as con:
            if not (has_table(con, "meta", "runs") and has_table(con, "internal", "transformed")):
                return None
            (fingerprint,) = con.execute("select fingerprint from internal.transformed").fetchone() or ("",)
            run_id, ended_at = con.execute(
                "select max_by(run_id, started_at), max(ended_at) from meta.runs where published"
            ).fetchone() or ("", None)
            return {
                "fingerprint": fingerprint,
                "run_id": run_id or "",
                "published_at": _moment(ended_at, file),
                **totals(con),
            }
    except (duckdb.Error, OSError):
        return None


def _moment(ended_at: datetime | None, file: Path) -> str:
    return (ended_at or datetime.fromtimestamp(file.stat().st_mtime, UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _withdraw(publication: Publication) -> None:
    """An empty file, which cannot be cut."""
    mark = publication.folder / WITHDRAWN
    mark.touch()
    sync(mark)
    sync(publication.folder)


def _write_note(folder: Path, publication: Publication) -> None:
    values = {name: getattr(publication, name) for name in FACTS} | (
        {"is_withdrawn": True} if publication.is_withdrawn else {}
    )
    durable_files.replace(folder / NOTE, json.dumps(values).encode())
    sync(folder)
