"""A landing file without some of its records: those are left out or cut down, and every other byte of its content
stays.

The new file is written beside the old one and takes its place at once; what packed it packs it again. Of an archive the
other members stay; of an Excel file the other cells.
"""

import codecs
import csv
import gzip
import io
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
import polars as pl
import zstandard

from orchestration.landing import csv_rows, excel_rewriting
from orchestration.landing.containers import BOM, Limits, decoded, opened
from orchestration.landing.formats import format_of, given_members
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.landing.table_headers import Columns
from orchestration.mapping.model import Stream
from orchestration.runtime.durable_files import sync

DRAFT = ".erasing"
# Paths of what stays of a record, as `anonymous.py` has them; null where nothing does.
Fate = frozenset[tuple[str, ...]] | None
# Of a record that stays as it is.
KEPT = object()
Cut = Callable[[Any, frozenset[tuple[str, ...]]], Any]
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMA = re.compile(rb"\s*,\s*")
# What follows an element of a list, be it on a line of its own.
_IN_LIST = re.compile(rb"\s*[,\]]")
_LINE_END = re.compile(rb"[\r\n]")
_REST_OF_LINE = re.compile(rb"[ \t]*(?:\r\n|\r|\n|\Z)")
_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode


class UnwritableError(Exception):
    """The file is of a kind with records that cannot be taken out one by one."""


@dataclass(frozen=True)
class Rewriting:
    """What becomes of the records of a file, by their numbers; `cut` takes down what stays of one to its paths."""

    file: LandedFile
    stream: Stream
    limits: Limits
    cut: Cut

    def apply(self, records: Sequence[Record], fates: Mapping[int, Fate]) -> None:
        """Writes the file anew; the records are all of its own, in their order."""
        with opened(self.file.path, None, self.limits) as content:
            whole = content.read()
        replace(self.file, self._anew(self.file.path.name, whole, records, fates))

    def _anew(self, name: str, whole: bytes, records: Sequence[Record], fates: Mapping[int, Fate]) -> bytes:
        """The content of a file or a member of that name, without what is to go."""
        form, packing = format_of(name)
        bare = _unpacked(whole, packing)
        reported = [(record, fates.get(record.number, KEPT)) for record in records]
        if form == "zip":
            new = self._archive(bare, records, fates)
        elif form == "xlsx":
            new = excel_rewriting.without(bare, self.limits, self.stream.csv, [fate for _, fate in reported])
        elif form == "parquet":
            new = self._parquet(bare, [fate for _, fate in reported])
        elif form is None:
            raise UnwritableError
        else:
            new = self._text(bare, reported, is_csv=form == "csv")
        return _packed(new, packing)

    def _archive(self, whole: bytes, records: Sequence[Record], fates: Mapping[int, Fate]) -> bytes:
        of_part = {part: list(of) for part, of in groupby(records, key=lambda record: record.part)}
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(out, "w") as new:
            parts = {info.filename: part for part, info in enumerate(given_members(archive))}
            for info in archive.infolist():
                content = archive.read(info)
                theirs = of_part.get(parts.get(info.filename, -1), [])
                if any(record.number in fates for record in theirs):
                    content = self._anew(info.filename, content, theirs, fates)
                new.writestr(info, content)
            new.comment = archive.comment
        return out.getvalue()

    def _text(self, whole: bytes, reported: Sequence[tuple[Record, "Fate | object"]], *, is_csv: bool) -> bytes:
        text = decoded(io.BufferedReader(io.BytesIO(whole))).read()  # type: ignore[arg-type]
        delimiter, names = self._header(text) if is_csv else ("", ())
        pieces: list[bytes] = []
        at = 0
        for (record, fate), (start, end) in zip(
            reported, _places(text, [one for one, _ in reported], is_csv=is_csv), strict=True
        ):
            if fate is KEPT:
                continue
            pieces.append(text[at:start])
            at = end
            if fate is not None:
                assert isinstance(fate, frozenset)
                pieces.append(self._row(record, fate, delimiter, names) if is_csv else self._document(record, fate))
            elif (line := _line_at(text, start, end)) and (is_csv or not _IN_LIST.match(text, end)):
                pieces[-1] = pieces[-1][: len(pieces[-1]) - (start - line[0])]
                at = line[1]
            elif follows := _COMMA.match(text, end):
                at = follows.end()
            else:
                _drop_comma(pieces)
        new = b"".join([*pieces, text[at:]])
        # Blank lines alone would be a file that says nothing; one without a byte is an empty delivery.
        return _as_before(new if new.removeprefix(BOM).strip() else b"", whole)

    def _document(self, record: Record, fate: frozenset[tuple[str, ...]]) -> bytes:
        return msgspec.json.encode(self.cut(_decode(record.document or b"{}"), fate))

    def _header(self, text: bytes) -> tuple[str, tuple[str, ...]]:
        delimiter, cells = csv_rows.header(io.BufferedReader(io.BytesIO(text)), self.limits, self.stream.csv)  # type: ignore[arg-type]
        return delimiter, Columns.of(cells, self.stream.csv).names

    def _row(self, record: Record, fate: frozenset[tuple[str, ...]], delimiter: str, names: tuple[str, ...]) -> bytes:
        encodings = self.stream.csv.encodings
        encoding = next(name for name in encodings if _fits(record.raw, name))
        cells = next(
            csv.reader(io.StringIO(record.raw.decode(encoding), newline=""), delimiter=delimiter, skipinitialspace=True)
        )
        out = io.StringIO()
        kept = [cell if (name,) in fate else "" for name, cell in zip(names, cells, strict=True)]
        csv.writer(out, delimiter=delimiter, lineterminator="").writerow(kept)
        return out.getvalue().encode(encoding)

    def _parquet(self, whole: bytes, fates: Sequence["Fate | object"]) -> bytes:
        frame = pl.read_parquet(io.BytesIO(whole))
        parts = []
        for is_kept, places in groupby(range(frame.height), key=lambda place: fates[place] is KEPT):
            rows = list(places)
            if is_kept:
                parts.append(frame[rows[0] : rows[-1] + 1])
                continue
            cut = [
                dict.fromkeys(frame.columns) | self.cut(frame.row(place, named=True), fate)
                for place in rows
                if isinstance(fate := fates[place], frozenset)
            ]
            parts.append(pl.DataFrame(cut, schema=frame.schema, orient="row", strict=False))
        out = io.BytesIO()
        (pl.concat(parts) if parts else frame).write_parquet(out)
        return out.getvalue()


def _places(text: bytes, records: Sequence[Record], *, is_csv: bool) -> Iterator[tuple[int, int]]:
    """Where each of the records stands, found one after the other: a record may stand inside another one too."""
    at = len(BOM) if text.startswith(BOM) else 0
    for record in records:
        start = text.find(record.raw, at)
        is_cut = record.reason == "record_too_large"
        while is_csv and start >= 0 and not is_cut and not _line_at(text, start, start + len(record.raw)):
            start = text.find(record.raw, start + 1)
        if start < 0:
            raise UnwritableError
        at = start + len(record.raw)
        if is_cut:
            at = next((end.start() for end in [_LINE_END.search(text, at)] if end), len(text))
        yield start, at


def _line_at(text: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The line with its end that holds these bytes and nothing else but blanks; null where they share it."""
    before = text.rfind(b"\n", 0, start), text.rfind(b"\r", 0, start)
    first = max(*before, -1) + 1
    follows = _REST_OF_LINE.match(text, end)
    if follows is None or text[first:start].removeprefix(BOM).strip():
        return None
    return first + (len(BOM) if text.startswith(BOM, first) else 0), follows.end()


def _drop_comma(pieces: list[bytes]) -> None:
    """Takes the comma away that parted the last element of a list from those before it."""
    while pieces and not pieces[-1]:
        pieces.pop()
    if pieces and (found := re.search(rb",\s*\Z", pieces[-1])):
        pieces[-1] = pieces[-1][: found.start()]


def replace(file: LandedFile, content: bytes) -> None:
    """Puts the content in the place of the file's, on the disk before it is there by name; its time of modification
    stays."""
    path = file.path.resolve()
    before = path.stat()
    draft = path.with_name(f".{path.name}{DRAFT}")
    draft.write_bytes(content)
    sync(draft)
    os.chmod(draft, before.st_mode & 0o7777)
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(draft, path)


def _as_before(text: bytes, whole: bytes) -> bytes:
    """The text in the encoding that the file had."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if whole.startswith(mark)), (b"", ""))
    if not encoding or not text:
        return text
    written = text.removeprefix(BOM).decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")
    return mark + written


def _unpacked(content: bytes, packing: str | None) -> bytes:
    if packing == "gz":
        return gzip.decompress(content) if content else b""
    if packing == "zst":
        return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
    return content


def _packed(content: bytes, packing: str | None) -> bytes:
    if packing == "gz":
        return gzip.compress(content, mtime=0)
    return zstandard.ZstdCompressor().compress(content) if packing == "zst" else content


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
