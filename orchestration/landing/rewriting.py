"""A landing file without some of its records: those are left out or cut down, and every other byte of its content
stays.

The new file is written beside the old one and takes its place at once; what packed it packs it again.
"""

import codecs
import csv
import gzip
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl
import zstandard

from orchestration.landing import csv_rows
from orchestration.landing.containers import BOM, Limits, decoded, opened
from orchestration.landing.formats import format_of
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.landing.table_headers import Columns
from orchestration.mapping.model import Stream
from orchestration.runtime.durable_files import sync

DRAFT = ".erasing"
# Paths of what stays of a record, as `anonymous.py` has them; null where nothing does.
Fate = frozenset[tuple[str, ...]] | None
Cut = Callable[[Any, frozenset[tuple[str, ...]]], Any]
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode


class UnwritableError(Exception):
    """The file is of a kind whose records cannot be taken out one by one."""


@dataclass(frozen=True)
class Rewriting:
    """What becomes of the records of a file, by their numbers; `cut` takes down what stays of one to its paths."""

    file: LandedFile
    stream: Stream
    limits: Limits
    cut: Cut

    def apply(self, records: Sequence[Record], fates: Mapping[int, Fate]) -> None:
        """Writes the file anew; the records are all of its own, in their order."""
        form, packing = format_of(self.file.path.name)
        with opened(self.file.path, packing, self.limits) as content:
            whole = content.read()
        if form in ("xlsx", "zip", None):
            raise UnwritableError
        if form == "parquet":
            replace(self.file, _packed(self._parquet(whole, fates), packing))
            return
        told = [(record, fates[record.number]) for record in records if record.number in fates]
        text = decoded(io.BufferedReader(io.BytesIO(whole))).read()  # type: ignore[arg-type]
        new = self._csv(text, told) if form == "csv" else self._json(text, told)
        replace(self.file, _packed(_as_before(new, whole), packing))

    def _json(self, text: bytes, told: Sequence[tuple[Record, Fate]]) -> bytes:
        instead = {record.raw: b"" if fate is None else self._document(record, fate) for record, fate in told}
        text, left = _without_lines(text, instead) if _are_lines(text) else (text, instead)
        for raw, shorter in left.items():
            text = _without_element(text, raw, shorter)
        # Blank lines alone would be a file that tells nothing; one without a byte is an empty delivery.
        return text if text.removeprefix(BOM).strip() else b""

    def _document(self, record: Record, fate: frozenset[tuple[str, ...]]) -> bytes:
        return msgspec.json.encode(self.cut(_decode(record.document or b"{}"), fate))

    def _csv(self, text: bytes, told: Sequence[tuple[Record, Fate]]) -> bytes:
        delimiter, names = self._header(text)
        new = text
        for record, fate in told:
            instead = b"" if fate is None else self._row(record, fate, delimiter, names)
            new = re.sub(
                rb"(?:^|(?<=[\r\n]))" + re.escape(record.raw) + rb"(\r\n|\r|\n|\Z)",
                lambda found, instead=instead: instead and instead + found[1],
                new,
            )
        return new

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

    def _parquet(self, whole: bytes, fates: Mapping[int, Fate]) -> bytes:
        frame = pl.read_parquet(io.BytesIO(whole))
        rows = []
        for number, row in enumerate(frame.iter_rows(named=True), start=1):
            fate = fates.get(number, frozenset())
            if number not in fates:
                rows.append(row)
            elif fate is not None:
                rows.append(dict.fromkeys(frame.columns) | self.cut(row, fate))
        out = io.BytesIO()
        pl.DataFrame(rows, schema=frame.schema, orient="row", strict=False).write_parquet(out)
        return out.getvalue()


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


def _are_lines(text: bytes) -> bool:
    """The first line is a JSON text by itself."""
    first = next((line for line in text.removeprefix(BOM).splitlines() if line.strip()), b"")
    try:
        return isinstance(msgspec.json.decode(first), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _without_lines(text: bytes, instead: Mapping[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """The text without those lines, and what is left that is no line of its own."""
    left = dict(instead)
    kept = []
    for line in text.splitlines(keepends=True):
        raw = line.rstrip(b"\r\n")
        bare = raw.removeprefix(BOM)
        if bare in instead:
            left.pop(bare, None)
            kept.append(instead[bare] and instead[bare] + line[len(raw) :])
        else:
            kept.append(line)
    return b"".join(kept), left


def _without_element(text: bytes, raw: bytes, instead: bytes) -> bytes:
    """The JSON text without an element of its lists, wherever that stands, and without the comma that parted it."""
    start = 0
    while (found := text.find(raw, start)) >= 0:
        end = found + len(raw)
        if instead:
            text, start = text[:found] + instead + text[end:], found + len(instead)
            continue
        before, after = text[:found], text[end:]
        follows = re.match(rb"\s*,\s*", after)
        precedes = re.search(rb",\s*\Z", before)
        if follows:
            text = before + after[follows.end() :]
        elif precedes:
            text = before[: precedes.start()] + after
        else:
            text = before + after
        start = min(found, len(text))
    return text


def _as_before(text: bytes, whole: bytes) -> bytes:
    """The text in the encoding that the file had."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if whole.startswith(mark)), (b"", ""))
    if not encoding or not text:
        return text
    written = text.removeprefix(BOM).decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")
    return mark + written


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
