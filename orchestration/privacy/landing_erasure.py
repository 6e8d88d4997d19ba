"""Erased people out of the landing zone: their records leave its files, and their addresses the names of files and
folders."""

import csv
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import duckdb

from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.containers import ContainerError
from orchestration.landing.contents import beside_records, texts_of
from orchestration.landing.formats import FORMATS, PACKINGS, format_of
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.rewriting import DRAFT, Rewriting, UnwritableError
from orchestration.loading import erasure_log, load_log
from orchestration.loading.reading import Reading, blocks_of
from orchestration.normalisation import anonymous, erasures
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.erasures import Erasures
from orchestration.publishing.retention import remove_if_empty
from orchestration.pulling.landing import UNFINISHED
from orchestration.runtime import durable_files
from orchestration.runtime.failpoints import pass_point
from orchestration.vendors import discover

TABLES_WITH_PATHS = (
    "meta.loads", "meta.rejects", "meta.field_coverage", "internal.load_issues", "internal.drift", "internal.owed", "internal.unreadable",
    "internal.withdrawn", "internal.sightings",
)  # fmt: skip


class Rewritten(NamedTuple):
    """A file out of which records go: of which stream it is, how many, and how many of those stay as orders of
    nobody."""

    stream: str
    records: int
    orders_kept: int


@dataclass
class Found:
    """What was taken out of the landing zone."""

    files: dict[str, "Rewritten"] = field(default_factory=dict)
    """By the path that they had then."""
    files_renamed: int = 0
    by_hand: list[str] = field(default_factory=list)
    """Files, as they may be shown, that hold the person and cannot be written anew record by record."""


def erase(
    settings: Settings,
    con: duckdb.DuckDBPyConnection,
    erased: Erasures,
    look_at: Collection[str],
    note: Callable[[Found], object],
) -> Found:
    """Writes anew each of the files that holds records of somebody who was erased; those that are new or were changed
    are looked into as well.

    `note` is called with what goes out of a file before that is put in its place: afterwards nobody could count it.
    """
    found = Found()
    remove_drafts(settings)
    scan = landing_zone.scan(settings)
    new = {file.relative_path for file in load_log.pending(con, scan, dates=None, full_refresh=False)}
    new |= {path for (path,) in con.execute("select file_path from internal.withdrawn").fetchall()}
    wanted = [file for file in scan.files if file.relative_path in look_at or file.relative_path in new]
    for number, file in enumerate(wanted):
        _erase_in(settings, file, erased, found, note)
        pass_point(f"erasing_file_{number}")
    _keep_withdrawn(settings, con)
    return found


def remove_drafts(settings: Settings) -> None:
    """Files that a killed erasure was about to put in the place of others."""
    for path in settings.landing.rglob(f".*{DRAFT}"):
        path.unlink(missing_ok=True)


def _keep_withdrawn(settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    """A delivery that was withdrawn stays so: writing its file anew is no landing. It keeps the time at which it was
    changed last."""
    for file in landing_zone.scan(settings).files:
        con.execute(
            "update internal.withdrawn set file_bytes = $1, file_ctime_ns = $2, file_inode = $3 where file_path = $4"
            " and file_mtime_ns = $5",
            [file.size, file.ctime_ns, file.inode, file.relative_path, file.mtime_ns],
        )


def _erase_in(
    settings: Settings, file: LandedFile, erased: Erasures, found: Found, note: Callable[[Found], object]
) -> None:
    stream = discover()[file.source].streams[file.stream]
    try:
        blocks = list(blocks_of(settings, file))
    except ContainerError:
        if _names(file.path, erased, file.export_date):
            found.by_hand.append(file.shown_path)
        return
    normaliser = Reading(settings, file, load_seq=0).normaliser
    normaliser.major_fields = columns_in_major_units(stream, file.path.name, iter(blocks))
    fates: dict[int, frozenset[tuple[str, ...]] | None] = {}
    for block in blocks:
        about = normaliser.about_erased(block, erased)
        needed = anonymous.needed(normaliser.of_same, [record for record in block if record.number in about])
        fates |= {number: needed.get(number) for number in about}
    if fates:
        records = [record for block in blocks for record in block]
        orders_kept = sum(fate is not None for fate in fates.values())
        found.files[file.relative_path] = Rewritten(f"{file.feed}/{file.stream}", len(fates), orders_kept)
        note(found)
        try:
            Rewriting(file, stream, settings.options, anonymous.only).apply(records, fates)
        except UnwritableError:
            del found.files[file.relative_path]
            note(found)
            found.by_hand.append(file.shown_path)
            return
        if any(normaliser.about_erased(block, erased) for block in blocks_of(settings, file)):
            found.by_hand.append(file.shown_path)
    if format_of(file.path.name)[0] in ("zip", "xlsx") and any(
        erased.is_mentioned(part, file.export_date) for part in beside_records(file.path)
    ):
        found.by_hand.append(file.shown_path)


def erase_elsewhere(settings: Settings, erased: Erasures, found: Found) -> None:
    """Deletes half-written pages of pulls, which are asked for again, and names every other file that names somebody
    who was erased, in it or in its own name, and is no delivery: somebody put it there."""
    delivered = {file.path for file in landing_zone.scan(settings).files}
    known = (
        settings.build_file.parent,
        settings.publications,
        settings.parquet_marts,
        settings.privacy,
        settings.data / "activation",
    )
    for path in sorted(settings.data.rglob("*")):
        is_known = (
            path in delivered
            or path.name.startswith("warehouse.duckdb")
            or (path.suffix == ".csv" and path.parent == settings.config)
        )
        if is_known or path.is_symlink() or not path.is_file() or any(path.is_relative_to(folder) for folder in known):
            continue
        place = path.relative_to(settings.data).as_posix()
        if erased.is_mentioned(place.encode("utf-8", "surrogateescape"), date.min) or _names(path, erased, date.min):
            is_ours = path.name.endswith(UNFINISHED) and path.parent.name.startswith("pull-")
            if is_ours and path.is_relative_to(settings.landing):
                path.unlink()
            else:
                found.by_hand.append(landing_zone.shown(place))


def _names(path: Path, erased: Erasures, export_date: date) -> bool:
    """Whether a file that holds no records of ours, packed or not, names somebody who was erased, as far as it can be
    read."""
    try:
        return any(erased.is_mentioned(text, export_date) for text in texts_of(path))
    except OSError:
        return False


def rename_named_after_erased(settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    """Whoever was erased is in no name of a file that lands later either: the load log would keep it."""
    if erased := erasure_log.erasures(settings):
        rename(settings, con, erased)


def rename(settings: Settings, con: duckdb.DuckDBPyConnection, erased: Erasures) -> int:
    """Gives files and folders that are named after somebody another name, in the landing zone and in the audit
    tables; how many."""
    renamed = 0
    files = landing_zone.scan(settings).files
    for file in files:
        new = _without_name(file.relative_path, erased, file.export_date)
        if new != file.relative_path:
            target = _free(settings.data / new)
            target.parent.mkdir(parents=True, exist_ok=True)
            _rename_in_audit_tables(con, file.relative_path, target.relative_to(settings.data).as_posix())
            os.replace(file.path, target)
            remove_if_empty(file.path.parent, below=settings.landing)
            renamed += 1
    paths = " union ".join(f"select file_path from {table}" for table in TABLES_WITH_PATHS)
    landed = {file.relative_path for file in files}
    logged = {path for (path,) in con.execute(paths).fetchall() if path}
    for path in sorted(logged - landed):
        dates = path.split("/")[3:4]
        new = _without_name(path, erased, date.fromisoformat(dates[0])) if dates else path
        if new != path:
            _rename_in_audit_tables(con, path, _not_among(logged, new))
            renamed += 1
    return renamed


def _without_name(relative_path: str, erased: Erasures, export_date: date) -> str:
    """The path with no address or number of theirs in the names below the folder of the export date; what else those
    names say stays, because it may decide how the file is read."""
    parts = relative_path.split("/")
    return "/".join([*parts[:4], *(_renamed(part, erased, export_date) for part in parts[4:])])


def _renamed(part: str, erased: Erasures, export_date: date) -> str:
    new = erased.without_mentions(part, export_date)
    if not erased.is_mentioned(new.encode(), export_date):
        return new
    suffixes = [one for one in PurePosixPath(part).suffixes if one.lower() in (*FORMATS, *PACKINGS)]
    return f"{'full-' if 'full' in part.lower() else ''}erased{''.join(suffixes)}"


def _not_among(taken: Collection[str], path: str) -> str:
    found, number = path, 1
    while found in taken:
        number += 1
        folder, _, name = path.rpartition("/")
        found = f"{folder}/{number}-{name}"
    return found


def _free(path: Path) -> Path:
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{number}-{path.name}")
    return found


def _rename_in_audit_tables(con: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    for table in TABLES_WITH_PATHS:
        con.execute(f"update {table} set file_path = $1 where file_path = $2", [new, old])
    staging = con.execute(
        "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'source_file' and"
        " schema_name in ('staging', 'internal')"
    )
    for (table,) in staging.fetchall():
        con.execute(f"update {table} set source_file = $1 where source_file = $2", [new, old])


def rules(settings: Settings, erased: Erasures) -> int:
    """Takes the lines out of the rules that name somebody who was erased, or a record of theirs; how many."""
    gone = 0
    for path in sorted(settings.config.glob("*.csv")):
        header, *rows = _rows(path.read_bytes()) or [(b"", [])]
        kept = [
            text
            for text, cells in rows
            if not erased.is_named(text, date.min)
            and not _names_record(dict(zip(header[1], cells, strict=False)), erased)
        ]
        if len(kept) < len(rows):
            durable_files.replace(path, b"".join([header[0], *kept]))
            gone += len(rows) - len(kept)
    return gone


def _rows(content: bytes) -> list[tuple[bytes, list[str]]]:
    """Each row of a CSV text as it stands there, which may be over several lines, and its cells."""
    lines = content.splitlines(keepends=True)
    reader = csv.reader(line.decode("utf-8-sig", "replace") for line in lines)
    rows, begin = [], 0
    for cells in reader:
        rows.append((b"".join(lines[begin : reader.line_num]), [cell.strip() for cell in cells]))
        begin = reader.line_num
    return rows


def _names_record(row: Mapping[str, str], erased: Erasures) -> bool:
    return any(
        erased.is_known(
            erasures.record(
                row.get(f"{start}source", ""),
                row.get(f"{start}source_account", ""),
                row.get(f"{start}stream", ""),
                row.get(f"{start}source_record_id", ""),
            )
        )
        for start in ("", "other_")
    )
