"""Erased people out of the landing zone: their records leave its files, and their addresses the names of files and
folders."""

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import duckdb

from orchestration.config.settings import Settings
from orchestration.landing import landing_zone, rewriting
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.rewriting import DRAFT, Rewriting, UnwritableError
from orchestration.loading import erasure_book
from orchestration.loading.prefetch import Reading, blocks_of
from orchestration.normalisation import anonymous
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.erasures import Erasures
from orchestration.runtime import durable_files
from orchestration.runtime.failpoints import pass_point
from orchestration.vendors import discover

PATHS = (
    "meta.loads", "meta.rejects", "meta.field_coverage", "internal.load_issues", "internal.drift", "internal.owed", "internal.unreadable",
    "internal.withdrawn", "internal.sightings",
)  # fmt: skip


@dataclass
class Found:
    """What was taken out of the landing zone."""

    records: Counter[str] = field(default_factory=Counter)
    orders_kept: int = 0
    files_rewritten: int = 0
    files_renamed: int = 0
    by_hand: list[str] = field(default_factory=list)
    """Files, as they may be shown, that hold the person and cannot be written anew record by record."""


def erase(settings: Settings, erased: Erasures, look_at: Collection[str]) -> Found:
    """Writes anew each of the files that holds records of somebody who was erased; those that were never loaded are
    looked into as well."""
    found = Found()
    remove_drafts(settings)
    for number, file in enumerate(landing_zone.scan(settings).files):
        if file.relative_path in look_at:
            _erase_in(settings, file, erased, found)
            pass_point(f"erasing_file_{number}")
    return found


def remove_drafts(settings: Settings) -> None:
    """Files that a killed erasure was about to put in the place of others."""
    for path in settings.landing.rglob(f".*{DRAFT}"):
        path.unlink(missing_ok=True)


def _erase_in(settings: Settings, file: LandedFile, erased: Erasures, found: Found) -> None:
    reading = Reading(settings, file, load_seq=0)
    stream = discover()[file.source].streams[file.stream]
    try:
        records = [record for block in blocks_of(settings, file) for record in block]
    except ContainerError:
        _empty_if_named(file, erased, found)
        return
    reading.normaliser.major_fields = columns_in_major_units(stream, file.path.name, iter([records]))
    about = reading.normaliser.about_erased(records, erased) if records else set()
    if not about:
        return
    theirs = [record for record in records if record.number in about]
    needed = anonymous.needed(reading.normaliser.of_same, theirs)
    fates = {number: needed.get(number) for number in about}
    try:
        Rewriting(file, stream, settings.options, anonymous.only).apply(records, fates)
    except UnwritableError:
        found.by_hand.append(file.shown_path)
        return
    found.files_rewritten += 1
    found.orders_kept += len(needed)
    found.records[f"{file.feed}/{file.stream}"] += len(about)


def _empty_if_named(file: LandedFile, erased: Erasures, found: Found) -> None:
    """A file that nobody can read, and that names somebody who was erased, is of no use but to name them."""
    if file.path.is_file() and erased.is_mentioned(file.path.read_bytes(), file.export_date):
        rewriting.replace(file, b"")
        found.files_rewritten += 1
        found.records[f"{file.feed}/{file.stream}"] += 1


def rename_named_after_erased(settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    """Whoever was erased is in no name of a file that lands later either: the books would keep it."""
    if erased := erasure_book.erasures(settings):
        rename(settings, con, erased)


def rename(settings: Settings, con: duckdb.DuckDBPyConnection, erased: Erasures) -> int:
    """Gives files and folders that are named after somebody another name, in the landing zone and in the books; how
    many."""
    renamed = 0
    for file in landing_zone.scan(settings).files:
        parts = PurePosixPath(file.relative_path).parts
        new = [*parts[:4], *(_without_name(part, erased, file) for part in parts[4:])]
        if list(parts) == new:
            continue
        target = _free(settings.data.joinpath(*new))
        target.parent.mkdir(parents=True, exist_ok=True)
        _move_in_books(con, file.relative_path, target.relative_to(settings.data).as_posix())
        os.replace(file.path, target)
        _remove_empty(file.path.parent, below=settings.landing)
        renamed += 1
    return renamed


def _without_name(part: str, erased: Erasures, file: LandedFile) -> str:
    return (
        f"erased{''.join(PurePosixPath(part).suffixes[-2:])}"
        if erased.is_mentioned(part.encode(), file.export_date)
        else part
    )


def _free(path: Path) -> Path:
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{number}-{path.name}")
    return found


def _move_in_books(con: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    for table in PATHS:
        con.execute(f"update {table} set file_path = $1 where file_path = $2", [new, old])
    staging = con.execute(
        "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'source_file' and"
        " schema_name in ('staging', 'internal')"
    )
    for (table,) in staging.fetchall():
        con.execute(f"update {table} set source_file = $1 where source_file = $2", [new, old])


def _remove_empty(folder: Path, *, below: Path) -> None:
    while folder != below and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def rules(settings: Settings, erased: Erasures) -> int:
    """Takes the lines out of the rules that name somebody who was erased; how many."""
    gone = 0
    for path in sorted(settings.config.glob("*.csv")):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not erased.is_mentioned(line, settings.today())]
        if len(kept) < len(lines):
            durable_files.replace(path, b"".join(kept))
            gone += len(lines) - len(kept)
    return gone
