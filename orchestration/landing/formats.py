"""What is in a landing file: its records, one block at a time. Formats are recognised by name and checked by content.

Nothing here knows what a record means.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath

import msgspec

from orchestration.landing import csv_rows, excel_rows, json_documents, landing_zone, ndjson, parquet_rows
from orchestration.landing.containers import (
    BOM,
    GZIP,
    ZIP,
    ZSTANDARD,
    Budget,
    ContainerError,
    Limits,
    decoded,
    member,
    members,
    opened,
    unpacked,
)
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.pages import Pages
from orchestration.landing.record import Record
from orchestration.mapping.model import Stream

FORMATS = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".zip": "zip",
}
PACKINGS = {".gz": "gz", ".zst": "zst"}
_OTHER_CONTENT = (GZIP, ZSTANDARD, ZIP, b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG")
# What archivers put beside the files they were given.
_NOT_GIVEN = ("__MACOSX", "Thumbs.db", "desktop.ini")


def blocks(file: LandedFile, data_folder: Path, limits: Limits, stream: Stream | None = None) -> Iterator[list[Record]]:
    """The file's records in blocks of some megabytes, none where it holds nothing; raises `ContainerError` when the
    file as a whole is broken.

    A block is of one member of an archive. `stream` says what its pages and its headers look like.
    """
    # `realpath` and not `Path.resolve`, which raises on a link to itself.
    if file.path.is_symlink() and not Path(os.path.realpath(file.path)).is_relative_to(os.path.realpath(data_folder)):
        raise ContainerError("outside_landing")
    form, packing = format_of(file.path.name)
    if form is None:
        raise ContainerError("unknown_format")
    if not file.path.is_file():
        raise ContainerError("unreadable_file")
    if file.size == 0:
        return
    reader = _Reader(stream or Stream(file.stream, "", ()), limits)
    with opened(file.path, packing, limits) as content:
        budget = Budget.of(file.size, limits)
        found = reader.of_archive(content, budget) if form == "zip" else reader.records(form, content, budget)
        for _, of_part in groupby(found, key=lambda record: record.part):
            yield from ndjson.in_blocks(of_part)


def format_of(name: str) -> tuple[str | None, str | None]:
    """Format and packing a name stands for; null if unknown or none."""
    lowered = name.lower()
    packing = next((kind for suffix, kind in PACKINGS.items() if lowered.endswith(suffix)), None)
    stem = lowered.rsplit(".", 1)[0] if packing else lowered
    return next((form for suffix, form in FORMATS.items() if stem.endswith(suffix)), None), packing


class _Reader:
    """Reads contents of any format, in the form that a stream comes in."""

    def __init__(self, stream: Stream, limits: Limits) -> None:
        self._pages = Pages.of(stream)
        self._form = stream.csv
        self._limits = limits

    def records(self, form: str, content: io.BufferedReader, budget: Budget) -> Iterator[Record]:
        """The records of an unpacked content; none of an empty one."""
        if not content.peek(4):
            return iter(())
        if form not in ("parquet", "xlsx"):
            content = decoded(content)
        _check_content(form, content.peek(2**10))
        if form == "parquet":
            return parquet_rows.rows(content)
        if form == "xlsx":
            return excel_rows.rows(content, self._limits, self._form, budget, self._pages.keys)
        if form == "csv":
            return csv_rows.rows(content, self._limits, self._form, self._pages.keys)
        first = content.peek(2**16).removeprefix(BOM).lstrip()
        if form == "json" or first.startswith(b"["):
            return json_documents.texts(content, self._pages, self._limits)
        if (
            first.splitlines()[:1]
            and first.startswith(b"{")
            and first.splitlines()[0].rstrip().endswith((b"[", b"{", b","))
        ):
            # A text over several lines, under the name of lines.
            return json_documents.texts(content, self._pages, self._limits, may_be_lines=True)
        return ndjson.lines(content, self._limits, self._pages)

    def of_archive(self, content: io.BufferedReader, budget: Budget) -> Iterator[Record]:
        """The records of all members of a zip archive, in the order of their names, numbered through."""
        if not content.peek(4):
            return
        with members(content) as archive:
            infos = given_members(archive)
            if not infos:
                raise ContainerError("no_records")
            number = 0
            for part, info in enumerate(infos):
                for record in self._of_member(archive, info, budget):
                    number += 1
                    yield msgspec.structs.replace(record, number=number, part=part)

    def _of_member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Iterator[Record]:
        form, packing = format_of(info.filename)
        if form in (None, "zip"):
            raise ContainerError("unknown_format")
        with member(archive, info, budget) as content:
            yield from self.records(form, unpacked(content, packing, budget) if info.file_size else content, budget)  # type: ignore[arg-type]


def given_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The members that are deliveries, in the order in which they are read."""
    return sorted((info for info in archive.infolist() if _is_given(info)), key=lambda info: info.filename)


def _is_given(info: zipfile.ZipInfo) -> bool:
    """A member is a delivery as it would be in the landing zone: no folder, nothing hidden, and no marker."""
    parts = PurePosixPath(info.filename).parts
    is_hidden = any(part.startswith(".") or part in _NOT_GIVEN for part in parts)
    return bool(parts) and not info.is_dir() and not is_hidden and landing_zone.is_data(parts[-1])


def _check_content(form: str, head: bytes) -> None:
    is_binary = head.startswith((b"PAR1", *_OTHER_CONTENT))
    expected = {"parquet": b"PAR1", "xlsx": ZIP}.get(form)
    is_other = not head.startswith(expected) if expected else is_binary
    if is_other or (form == "csv" and head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")):
        raise ContainerError("format_mismatch")
