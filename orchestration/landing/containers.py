"""Landing files as bytes: opened, unpacked within bounds, and decoded to UTF-8. Records are found elsewhere."""

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import zstandard

BOM = b"\xef\xbb\xbf"
GZIP, ZSTANDARD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
# Longer ones first: the mark of UTF-32 begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FAULTS = (OSError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError)


class Limits(Protocol):
    """Bounds of what a file may hold; see settings.toml."""

    @property
    def record_bytes(self) -> int: ...
    @property
    def unpack_ratio(self) -> float: ...
    @property
    def unpack_free_bytes(self) -> int: ...


class ContainerError(Exception):
    """The file as a whole cannot be read; `reason` is one of `reasons.FILE_REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Budget:
    """How much a packed file may still unpack to, whatever it is packed in how often."""

    left: float

    @classmethod
    def of(cls, packed_bytes: int, limits: Limits) -> "Budget":
        """What a file of this size may unpack to."""
        return cls(max(limits.unpack_free_bytes, packed_bytes * limits.unpack_ratio))

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ContainerError("archive_too_large")


@contextmanager
def opened(path: Path, packing: str | None, limits: Limits) -> Iterator[io.BufferedReader]:
    """The unpacked content of a file, for as long as the body runs; reading it raises `ContainerError` when it is
    broken or too large."""
    try:
        raw = path.open("rb")
    except OSError:
        raise ContainerError("unreadable_file") from None
    with raw:
        yield unpacked(raw, packing, Budget.of(path.stat().st_size, limits))


@contextmanager
def opened_between(path: Path, start: int, end: int) -> Iterator[io.BufferedReader]:
    """The content of a file that is not packed, from one place to before another, for as long as the body runs."""
    try:
        raw = path.open("rb")
    except OSError:
        raise ContainerError("unreadable_file") from None
    with raw:
        raw.seek(start)
        yield io.BufferedReader(_Between(raw, end - start), buffer_size=2**18)


def unpacked(raw: BinaryIO, packing: str | None, budget: Budget) -> io.BufferedReader:
    """The content of a stream; see `opened`."""
    content: io.BufferedReader = io.BufferedReader(_Content(raw, "unreadable_file"))
    if packing is None:
        return content
    if not _is_packed(packing, content.peek(4)[:4]):
        raise ContainerError("format_mismatch")
    source = gzip.GzipFile(fileobj=content, mode="rb") if packing == "gz" else _WholeZstandard(content)
    return io.BufferedReader(_Content(source, "broken_archive", budget), buffer_size=2**18)


@contextmanager
def members(content: io.BufferedReader) -> Iterator[zipfile.ZipFile]:
    """A zip archive, for as long as the body runs; `member` opens what is in it."""
    if not content.peek(4)[:4].startswith((ZIP, _EMPTY_ZIP)):
        raise ContainerError("format_mismatch")
    source: BinaryIO = content if content.seekable() else io.BytesIO(content.read())  # type: ignore[assignment]
    try:
        archive = zipfile.ZipFile(source)
    except (*_FAULTS, ValueError, EOFError):
        raise ContainerError("broken_archive") from None
    with archive:
        yield archive


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> io.BufferedReader:
    """The unpacked content of a member."""
    if info.flag_bits & 1:
        raise ContainerError("encrypted_archive")
    try:
        source = archive.open(info)
    except (*_FAULTS, RuntimeError, ValueError):
        raise ContainerError("broken_archive") from None
    return io.BufferedReader(_Content(source, "broken_archive", budget), buffer_size=2**18)


def decoded(content: io.BufferedReader) -> io.BufferedReader:
    """The content as UTF-8, where it begins with the mark of UTF-16 or UTF-32."""
    head = content.peek(4)[:4]
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    return content if encoding is None else io.BufferedReader(_Utf8(content, encoding), buffer_size=2**18)


def chained(start: bytes, rest: io.BufferedReader) -> io.BufferedReader:
    """Bytes already read, then the rest of the content."""
    return io.BufferedReader(_Chain(start, rest))


class _Readable(io.RawIOBase):
    """A stream that is read by asking for bytes."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.some(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def some(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        raise NotImplementedError


class _Content(_Readable):
    """Bytes of a file or archive, counted against the budget while they are read; `fault` is the reason if that
    fails."""

    def __init__(self, source: Any, fault: str, budget: Budget | None = None) -> None:
        self._source = source
        self._fault = fault
        self._budget = budget

    def seekable(self) -> bool:
        return self._budget is None and self._source.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def some(self, size: int) -> bytes:
        try:
            chunk = self._source.read(size)
        except EOFError:
            raise ContainerError("truncated_archive") from None
        except _FAULTS:
            raise ContainerError(self._fault) from None
        if self._budget is not None:
            self._budget.spend(len(chunk))
        return chunk


class _Between(_Readable):
    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._left = size

    def some(self, size: int) -> bytes:
        try:
            chunk = self._source.read(min(size, self._left))
        except OSError:
            raise ContainerError("unreadable_file") from None
        self._left -= len(chunk)
        return chunk


class _Chain(_Readable):
    def __init__(self, start: bytes, rest: io.BufferedReader) -> None:
        self._start = io.BytesIO(start)
        self._rest = rest

    def some(self, size: int) -> bytes:
        return self._start.read(size) or self._rest.read(size)


class _Utf8(_Readable):
    """UTF-16 or UTF-32 as UTF-8. Half a character becomes bytes that are no UTF-8 either: its record is known to be
    broken."""

    def __init__(self, source: io.BufferedReader, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._pending = io.BytesIO()
        self._is_done = False

    def some(self, size: int) -> bytes:
        while True:
            found = self._pending.read(size)
            if found or self._is_done:
                return found
            chunk = self._source.read(2**17)
            self._is_done = not chunk
            try:
                text = self._decoder.decode(chunk, final=self._is_done)
            except UnicodeDecodeError:
                raise ContainerError("broken_encoding") from None
            self._pending = io.BytesIO(text.encode("utf-8", "surrogatepass"))


class _WholeZstandard:
    """Zstandard frames one after the other; a cut last frame is an error, which the library's reader lets pass."""

    def __init__(self, raw: BinaryIO | io.BufferedReader) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._pending = io.BytesIO()
        self._is_open = False

    def read(self, size: int) -> bytes:
        while True:
            found = self._pending.read(size)
            if found:
                return found
            # Little at a time: a byte may unpack to thousands, and what is too much is known only then.
            chunk = self._raw.read(2**12)
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
    if packing == "gz":
        return magic.startswith(GZIP)
    # Zstandard may begin with frames to be skipped, of any of 16 signs (RFC 8878, section 3.1.2).
    return magic == ZSTANDARD or (magic[1:] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F)
