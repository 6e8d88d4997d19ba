"""The landing zone: which files have landed, what is in them, and their records one block at a time.

Formats are told by name and checked by content. Nothing here knows what a record means, and nothing is written.
"""

import csv
import gzip
import hashlib
import io
import os
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import polars as pl
import zstandard

from orchestration.mapping import CsvForm
from orchestration.records import Record

BLOCK_BYTES = 16 * 2**20
ARRAY_BYTES = 256 * 2**20
FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
PACKINGS = {".gz": "gz", ".zst": "zst"}
UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".uploading", ".inprogress", ".lock")
MARKERS = ("complete.json", "manifest.json", "_full", "_success", "_complete", "_done")
MARKER_ENDS = (".done", ".complete", ".ready", ".md5", ".sha256", ".crc")
FULL_MARKER = "_FULL"
PAGE_KEYS = frozenset({
    "object", "data_ref", "page", "pageSize", "page_size", "pagesize", "total", "totalCount", "total_count", "count", "has_more", "hasMore", "next",
    "previous", "prev", "paging", "pagination", "limit", "offset", "cursor", "next_cursor", "more_starting_after", "meta", "links", "errors",
    "status",
})  # fmt: skip
USUAL_ENVELOPES = ("items", "data", "results")
DELIMITERS = (",", "\t", "|", ";")
PLAIN_CSV = CsvForm()
BOM = b"\xef\xbb\xbf"


class Limits(Protocol):
    """Bounds of what a file may hold; see settings.toml."""

    @property
    def record_bytes(self) -> int: ...
    @property
    def unpack_ratio(self) -> float: ...
    @property
    def unpack_free_bytes(self) -> int: ...


class Places(Protocol):
    """Where an installation keeps its files."""

    @property
    def data(self) -> Path: ...
    @property
    def landing(self) -> Path: ...


class Streams(Protocol):
    """A vendor as far as the landing zone cares."""

    @property
    def streams(self) -> dict[str, object]: ...


@dataclass(frozen=True, order=True)
class LandedFile:
    """A delivered file: whose it is, and what tells that it has changed."""

    export_date: date
    source: str
    stream: str
    relative_path: str
    path: Path
    size: int
    mtime_ns: int
    is_full: bool


@dataclass(frozen=True)
class LandingProblem:
    """Something in the landing zone that is no delivery, with the remedy."""

    relative_path: str
    reason_code: str
    message: str


@dataclass(frozen=True)
class Scan:
    """What the landing zone holds: deliveries in the order of their nights, and what is in the wrong place."""

    files: list[LandedFile]
    problems: list[LandingProblem]


class ContainerError(Exception):
    """The file as a whole cannot be read; `reason` is one of `reasons.FILE_REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# -- what has landed ---------------------------------------------------------------------------------------------------


def scan(settings: Places) -> Scan:
    """Every delivery in the landing zone, and everything that stands where none can stand."""
    from orchestration.vendors import discover

    vendors = discover()
    files: list[LandedFile] = []
    problems: list[LandingProblem] = []
    for folder in _entries(settings.landing):
        relative = _relative(settings, folder)
        if not folder.is_dir():
            problems.append(LandingProblem(relative, "wrong_place", f"{relative} is no vendor folder. Move it to landing/<vendor>/<stream>/<YYYY-MM-DD>/."))
        elif folder.name not in vendors:
            known = ", ".join(vendors)
            problems.append(
                LandingProblem(relative, "unknown_vendor", f"{relative} is the folder of no known vendor. Rename it to one of {known}, or move it out.")
            )
        else:
            _scan_vendor(settings, folder, vendors[folder.name].streams, files, problems)
    return Scan(sorted(files), problems)


def _scan_vendor(settings: Places, folder: Path, streams: dict[str, object], files: list[LandedFile], problems: list[LandingProblem]) -> None:
    for below in _entries(folder):
        relative = _relative(settings, below)
        if not below.is_dir() or below.name not in streams:
            known = ", ".join(streams)
            problems.append(
                LandingProblem(
                    relative, "unknown_stream", f"{relative} is no stream of {folder.name}. Its streams are {known}: rename the folder, or move it out."
                )
            )
            continue
        for night in _entries(below):
            relative = _relative(settings, night)
            day = _day(night.name)
            if not night.is_dir() or day is None:
                problems.append(LandingProblem(relative, "bad_date", f"{relative} is no export date. Name the folder YYYY-MM-DD, or move it out."))
            else:
                files.extend(_scan_night(settings, night, folder.name, below.name, day))


def _scan_night(settings: Places, night: Path, source: str, stream: str, day: date) -> Iterator[LandedFile]:
    is_full_night = (night / FULL_MARKER).exists()
    for path in sorted(night.rglob("*")):
        if path.is_dir() or not is_data(path.name):
            continue
        stat = path.stat() if path.exists() else path.lstat()
        yield LandedFile(
            export_date=day,
            source=source,
            stream=stream,
            relative_path=_relative(settings, path),
            path=path,
            size=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            is_full=is_full_night or "full" in path.name.lower(),
        )


def is_data(name: str) -> bool:
    """The name is one of a finished delivery: neither hidden, nor still being written, nor a marker."""
    lowered = name.lower()
    return not (lowered.startswith((".", "~")) or lowered.endswith((*UNFINISHED, *MARKER_ENDS, "~")) or lowered in MARKERS)


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")) or (path.is_dir() and not path.name.startswith(".")))


def _day(name: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _relative(settings: Places, path: Path) -> str:
    """Path below the data folder; bytes of a name that are no text are escaped."""
    return str(path.relative_to(settings.data)).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def value_in_name(pattern: str, name: str) -> str | None:
    """What a stream's pattern finds in a file name without its format and packing."""
    found = re.search(pattern, name)
    return found.group(1) if found else None


def sha256_of(file: LandedFile) -> str:
    """SHA-256 of the file's content; empty where there is no readable file: a broken link, a pipe, a device."""
    try:
        if file.path.is_file():
            with file.path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        pass
    return ""


# -- what is in a file -------------------------------------------------------------------------------------------------


def blocks(
    file: LandedFile, data_folder: Path, limits: Limits, *, envelopes: tuple[str, ...] = (), owners: tuple[str, ...] = (), csv_form: CsvForm = PLAIN_CSV
) -> Iterator[list[Record]]:
    """The file's records in blocks of about four megabytes; raises `ContainerError` when the file as a whole is broken."""
    # `realpath` and not `Path.resolve`, which raises on a link to itself.
    if file.path.is_symlink() and not Path(os.path.realpath(file.path)).is_relative_to(os.path.realpath(data_folder)):
        raise ContainerError("outside_landing")
    form, packing = format_of(file.path.name)
    if form is None:
        raise ContainerError("unknown_format")
    if not file.path.is_file():
        raise ContainerError("unreadable_file")
    if file.size == 0:
        raise ContainerError("empty_file")
    with _open(file, packing, limits) as content:
        head = content.peek(4)
        if not head:
            raise ContainerError("empty_file")
        _check_content(form, head)
        try:
            if form == "parquet":
                yield from _parquet(content)
            elif form == "csv":
                yield from _csv(content, limits, csv_form)
            elif _is_array_or_page(form, content):
                yield from _json(content, _Pages((file.stream, *envelopes, *USUAL_ENVELOPES), frozenset(owners)), limits)
            else:
                yield from _lines(content, limits)
        except _ExhaustedError as error:
            raise ContainerError(error.reason) from None


def format_of(name: str) -> tuple[str | None, str | None]:
    """Format and packing a name stands for; null if unknown or none."""
    lowered = name.lower()
    packing = next((kind for suffix, kind in PACKINGS.items() if lowered.endswith(suffix)), None)
    stem = lowered.rsplit(".", 1)[0] if packing else lowered
    return next((form for suffix, form in FORMATS.items() if stem.endswith(suffix)), None), packing


class _ExhaustedError(Exception):
    """The packed content went on or broke off in a way it must not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Content(io.RawIOBase):
    """Unpacked bytes, counted against the limit while they are read."""

    def __init__(self, source: BinaryIO, packed_bytes: int, limits: Limits, *, is_packed: bool) -> None:
        self._source = source
        self._most = max(limits.unpack_free_bytes, packed_bytes * limits.unpack_ratio) if is_packed else float("inf")
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        try:
            chunk = self._source.read(len(buffer))
        except EOFError:
            raise _ExhaustedError("truncated_archive") from None
        except (OSError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile):
            raise _ExhaustedError("broken_archive") from None
        self._seen += len(chunk)
        if self._seen > self._most:
            raise _ExhaustedError("archive_too_large")
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextmanager
def _open(file: LandedFile, packing: str | None, limits: Limits) -> Iterator[io.BufferedReader]:
    try:
        raw = file.path.open("rb")
    except OSError:
        raise ContainerError("unreadable_file") from None
    with raw:
        magic = raw.read(4)
        raw.seek(0)
        if packing and not _is_packed(packing, magic):
            raise ContainerError("format_mismatch")
        source: BinaryIO = raw
        if packing == "gz":
            source = gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[assignment]
        elif packing == "zst":
            source = _WholeZstandard(raw)  # type: ignore[assignment]
        try:
            yield io.BufferedReader(_Content(source, file.size, limits, is_packed=packing is not None), buffer_size=2**18)
        except _ExhaustedError as error:
            raise ContainerError(error.reason) from None


class _WholeZstandard:
    """Zstandard frames one after the other; a cut last frame is an error, which the library's reader lets pass."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._pending = io.BytesIO()
        self._is_open = False

    def read(self, size: int) -> bytes:
        while True:
            found = self._pending.read(size)
            if found:
                return found
            chunk = self._raw.read(2**17)
            if not chunk:
                if self._is_open:
                    raise EOFError
                return b""
            self._pending = io.BytesIO(self._unpack(chunk))

    def _unpack(self, chunk: bytes) -> bytes:
        out = []
        while chunk:
            self._is_open = True
            out.append(self._frame.decompress(chunk))
            chunk = b""
            if self._frame.eof:
                chunk, self._is_open = self._frame.unused_data, False
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return b"".join(out)


def _is_packed(packing: str, magic: bytes) -> bool:
    return magic.startswith(b"\x1f\x8b") if packing == "gz" else magic == b"\x28\xb5\x2f\xfd"


def _check_content(form: str, head: bytes) -> None:
    is_parquet = head.startswith(b"PAR1")
    is_binary = head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xfe", b"\xfe\xff"))
    if is_parquet != (form == "parquet") or is_binary or (form == "csv" and head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")):
        raise ContainerError("format_mismatch")


def _is_array_or_page(form: str, content: io.BufferedReader) -> bool:
    return form == "json" or content.peek(2**16).removeprefix(BOM).lstrip().startswith(b"[")


# -- NDJSON ------------------------------------------------------------------------------------------------------------


def _lines(content: io.BufferedReader, limits: Limits) -> Iterator[list[Record]]:
    """Records of newline-delimited JSON; blank lines are none."""
    block: list[Record] = []
    number = size = 0
    is_first = True
    for line, is_cut in _split(content, limits.record_bytes + 2):
        if is_first:
            line, is_first = line.removeprefix(BOM), False
        text = line.strip(b" \t\r\n")
        if not text:
            continue
        number += 1
        size += len(text)
        raw = line.rstrip(b"\r\n")
        block.append(Record(number, raw, reason="record_too_large") if is_cut else _record(number, raw, text))
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _record(number: int, raw: bytes, text: bytes) -> Record:
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return Record(number, raw, reason="invalid_utf8")
    return Record(number, raw, text)


def _split(content: io.BufferedReader, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Lines with their ends; of a line beyond the limit its start, marked as cut."""
    rest = b""
    while chunk := content.read(2**20):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield (line + b"\n", False) if len(line) < limit else (line[:limit], True)
        if len(rest) > limit:
            kept, rest = rest[:limit], _skip_line(content)
            yield kept, True
    if rest:
        yield (rest, False) if len(rest) <= limit else (rest[:limit], True)


def _skip_line(content: io.BufferedReader) -> bytes:
    """What follows after the end of the present line."""
    while chunk := content.read(2**20):
        position = chunk.find(b"\n")
        if position >= 0:
            return chunk[position + 1 :]
    return b""


# -- JSON arrays and pages ---------------------------------------------------------------------------------------------

_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _json(content: io.BufferedReader, pages: "_Pages", limits: Limits) -> Iterator[list[Record]]:
    """Records of one JSON text: an array, a page that holds one, or a single object; several texts are lines."""
    text = content.read(ARRAY_BYTES)
    if len(text) == ARRAY_BYTES:
        head = text.removeprefix(BOM).lstrip()[:1]
        yield from _elements_of_stream(text, content, limits) if head == b"[" else _lines(io.BufferedReader(_Chain(text, content)), limits)
        return
    text = text.removeprefix(BOM).strip()
    if not text:
        raise ContainerError("empty_file")
    if text.startswith(b"["):
        yield from _blocks_of(_decoded(_ELEMENTS, text))
    elif text.startswith(b"{"):
        yield from _object(text, pages, limits)
    else:
        raise ContainerError("broken_json")


def _decoded(decoder: msgspec.json.Decoder, text: bytes) -> list[msgspec.Raw]:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ContainerError("broken_json") from None
    except msgspec.DecodeError as error:
        raise ContainerError("truncated_json" if "truncated" in str(error) else "broken_json") from None


def _object(text: bytes, pages: "_Pages", limits: Limits) -> Iterator[list[Record]]:
    try:
        fields = _FIELDS.decode(text)
    except RecursionError:
        fields = {}
    except msgspec.DecodeError as error:
        if "trailing" in str(error) or b"\n{" in text:
            # Several objects in one file: newline-delimited JSON under the name of plain JSON.
            yield from _lines(io.BufferedReader(io.BytesIO(text)), limits)  # type: ignore[arg-type]
            return
        raise ContainerError("truncated_json" if "truncated" in str(error) else "broken_json") from None
    page = pages.list_of(fields)
    yield from _blocks_of(_decoded(_ELEMENTS, bytes(page)) if page is not None else [msgspec.Raw(text)])


@dataclass(frozen=True)
class _Pages:
    """What the pages of a stream look like: the names of their lists, and the keys that make a page a record."""

    names: tuple[str, ...]
    owners: frozenset[str]

    def list_of(self, fields: dict[str, msgspec.Raw]) -> msgspec.Raw | None:
        """The list a page holds its records in: where it says so, under a known name, or where all else tells of paging."""
        if self.owners & fields.keys():
            return None
        lists = {key: value for key, value in fields.items() if bytes(value).startswith(b"[")}
        reference = bytes(fields.get("data_ref", b"")).strip(b'"').decode("utf-8", "replace")
        if reference in lists:
            return lists[reference]
        others = {key for key in fields if key not in PAGE_KEYS}
        if len(others) == 1 and others <= lists.keys():
            return lists[others.pop()]
        named = [name for name in self.names if name in lists]
        return lists[named[0]] if named and not others - lists.keys() else None


def _blocks_of(elements: list[msgspec.Raw]) -> Iterator[list[Record]]:
    block: list[Record] = []
    size = 0
    for number, element in enumerate(elements, start=1):
        raw = bytes(element)
        block.append(_record(number, raw, raw))
        size += len(raw)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


class _Chain(io.RawIOBase):
    """Bytes already read, then the rest of the content."""

    def __init__(self, start: bytes, rest: io.BufferedReader) -> None:
        self._start = io.BytesIO(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        chunk = self._start.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


_SIGN = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{},]', re.DOTALL)


def _elements_of_stream(start: bytes, content: io.BufferedReader, limits: Limits) -> Iterator[list[Record]]:
    """Elements of an array too large to hold, found by their brackets; each is decoded like any record afterwards."""
    buffer = start.removeprefix(BOM).lstrip()[1:]
    block: list[Record] = []
    number = size = level = begin = position = 0
    while True:
        for match in _SIGN.finditer(buffer, position):
            sign = match.group()[:1]
            if sign == b'"' and not match.group(1):
                break
            position = match.end()
            if sign in b"[{":
                level += 1
            elif sign in b"]}" and level:
                level -= 1
            elif sign in b",]" and not level:
                raw = buffer[begin : match.start()].strip()
                if raw:
                    number += 1
                    size += len(raw)
                    block.append(_record(number, raw, raw))
                begin = position
                if sign == b"]":
                    yield block
                    return
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
        chunk = content.read(2**22)
        if not chunk or len(buffer) - begin > limits.record_bytes + 2**23:
            raise ContainerError("truncated_json")
        buffer, position, begin = buffer[begin:] + chunk, position - begin, 0


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _csv(content: io.BufferedReader, limits: Limits, form: CsvForm) -> Iterator[list[Record]]:
    """Rows of a CSV text as JSON records of header and cell; blank cells are left out, blank lines are no rows."""
    rows = _csv_rows(content, limits)
    first = next(rows, None)
    if first is None:
        raise ContainerError("empty_file")
    encoding = _Encoding(form.encodings)
    header_text = first[0].removeprefix(BOM)
    if b"\0" in header_text or first[1]:
        raise ContainerError("broken_csv")
    text, _ = encoding.decode(header_text)
    if text is None:
        raise ContainerError("broken_csv")
    delimiter = max(DELIMITERS, key=text.count)
    header = [name.strip() for name in _cells(text, delimiter) or []]
    if not any(header) or len(set(header)) != len(header):
        raise ContainerError("broken_csv")
    names = tuple(_known_names(header, form.names))
    columns = _Columns(names, {form.default[0][0]: form.default[1]} if form.default and not set(form.default[0]) & set(names) else {})
    block: list[Record] = []
    size = 0
    for number, (raw, is_open) in enumerate(rows, start=1):
        block.append(_csv_record(number, raw, columns, delimiter, encoding, is_open=is_open))
        size += len(raw)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


class _Encoding:
    """Decodes rows by the encodings a vendor delivers in; the first that fits a row holds for it alone."""

    def __init__(self, encodings: tuple[str, ...]) -> None:
        self._encodings = encodings

    def decode(self, raw: bytes) -> tuple[str | None, str | None]:
        """The text, or null if no encoding fits; and a note if it was not the first that did."""
        for position, encoding in enumerate(self._encodings):
            try:
                return raw.decode(encoding), "encoding_fallback" if position else None
            except UnicodeDecodeError:
                continue
        return None, None


@dataclass(frozen=True)
class _Columns:
    """The columns of a CSV text by name, and what every row holds beside them."""

    names: tuple[str, ...]
    constant: dict[str, str]

    def document(self, cells: list[str]) -> bytes:
        """A row as a JSON object."""
        return msgspec.json.encode({name: cell for name, cell in zip(self.names, cells, strict=True) if name and cell.strip()} | self.constant)


def _known_names(header: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """The header in the spelling of the names it is meant to hold; a name is given to one column only."""
    folded = {_folded(name): name for name in names}
    taken = set(header)
    for name in header:
        start, dot, end = name.partition(".")
        group = folded.get(f"{_folded(start)}.*")
        meant = f"{group[:-1]}{end}" if dot and group else folded.get(_folded(name), name)
        if meant in taken:
            meant = name
        taken.add(meant)
        yield meant


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _csv_record(number: int, raw: bytes, columns: _Columns, delimiter: str, encoding: _Encoding, *, is_open: bool) -> Record:
    if is_open:
        return Record(number, raw, reason="unclosed_quote")
    text, note = encoding.decode(raw)
    if text is None:
        return Record(number, raw, reason="invalid_utf8")
    cells = _cells(text, delimiter)
    if cells is None:
        return Record(number, raw, reason="ragged_row")
    if len(cells) != len(columns.names):
        missing = columns.names[len(cells)] if len(cells) < len(columns.names) else None
        return Record(number, raw, reason="ragged_row", field=missing)
    return Record(number, raw, columns.document(cells), note=note)


def _cells(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), None)
    except csv.Error:
        return None


def _csv_rows(content: io.BufferedReader, limits: Limits) -> Iterator[tuple[bytes, bool]]:
    """Rows with newlines inside quotes kept together; a row whose quote never closes is given up after its first line."""
    pending: list[bytes] = []
    lines = _split(content, limits.record_bytes)
    again: deque[bytes] = deque()
    quotes = size = 0
    while True:
        line = again.popleft() if again else next(lines, (None, False))[0]
        if pending and (line is None or size > limits.record_bytes):
            yield pending[0].rstrip(b"\r\n"), True
            again.extendleft(reversed(pending[1:] if line is None else [*pending[1:], line]))
            pending, quotes, size = [], 0, 0
            continue
        if line is None:
            return
        pending.append(line)
        quotes += line.count(b'"')
        size += len(line)
        if quotes % 2 == 0:
            row = b"".join(pending).rstrip(b"\r\n")
            pending, quotes, size = [], 0, 0
            if row.strip():
                yield row, False


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _parquet(content: io.BufferedReader) -> Iterator[list[Record]]:
    """Rows of a Parquet file as JSON records; fractions, dates and times become text, so that nothing is lost."""
    whole = io.BytesIO(content.read())
    number = 0
    try:
        frame = pl.scan_parquet(whole)
        schema = frame.collect_schema()
        total = frame.select(pl.len()).collect().item()
        for start in range(0, total, 20_000):
            rows = frame.slice(start, 20_000).select(_as_text(name, dtype) for name, dtype in schema.items()).collect()
            lines = rows.write_ndjson().encode().splitlines()
            yield [Record(number + position, line, line) for position, line in enumerate(lines, start=1)]
            number += len(lines)
    except (pl.exceptions.PolarsError, OSError):
        raise ContainerError("broken_parquet") from None


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("%:z" if dtype.time_zone else ""))
    if isinstance(dtype, pl.Decimal | pl.Date | pl.Time | pl.Float32 | pl.Float64 | pl.Categorical | pl.Enum):
        return pl.col(name).cast(pl.String)
    return pl.col(name)
