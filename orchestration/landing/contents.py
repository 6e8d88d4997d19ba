"""What files hold, whatever they are: their bytes plain and unpacked as far as that goes, to be searched and not to be
read as records."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import zstandard

from orchestration.landing.containers import GZIP, ZIP, ZSTANDARD, decoded
from orchestration.landing.formats import given_members

PIECE = 64 * 2**20
# What is looked for is shorter and may stand across two pieces.
OVERLAP = 1024
_FAULTS = (OSError, EOFError, zlib.error, zstandard.ZstdError, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def texts_of(path: Path) -> Iterator[bytes]:
    """The content in pieces that overlap; of an archive that of its members too."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        yield from _pieces(file)
        file.seek(0)
        if head.startswith(GZIP):
            yield from _pieces(gzip.GzipFile(fileobj=file))
        elif head == ZSTANDARD:
            yield from _pieces(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
        elif head == ZIP:
            yield from _members(file, lambda archive: archive.infolist())


def beside_records(path: Path) -> Iterator[bytes]:
    """What an archive holds beside deliveries, and all of an Excel file: sheets that nobody reads share its texts."""
    with path.open("rb") as file:
        if path.name.lower().endswith(".xlsx"):
            yield from _members(file, lambda archive: archive.infolist())
        else:
            yield from _members(file, _not_given)


def _not_given(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    given = {info.filename for info in given_members(archive)}
    return [info for info in archive.infolist() if info.filename not in given]


def _members(file: IO[bytes], wanted: Callable[[zipfile.ZipFile], list[zipfile.ZipInfo]]) -> Iterator[bytes]:
    """The names of all members, and what the wanted ones hold."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield "\n".join(archive.namelist()).encode("utf-8", "replace") + archive.comment
            for info in wanted(archive):
                with archive.open(info) as member:
                    yield from _pieces(member)
    except _FAULTS:
        return


def _pieces(file: Any) -> Iterator[bytes]:
    """What can be read of it."""
    before = b""
    try:
        content = decoded(file if isinstance(file, io.BufferedReader) else io.BufferedReader(file))
        while piece := content.read(PIECE):
            yield before + piece
            before = piece[-OVERLAP:]
    except _FAULTS:
        return
