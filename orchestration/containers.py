"""Landing files as bytes: opened, unpacked within bounds, and checked to be what their names say. Records are found elsewhere."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

BOM = b"\xef\xbb\xbf"


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


@contextmanager
def opened(path: Path, packing: str | None, limits: Limits) -> Iterator[io.BufferedReader]:
    """The unpacked content of a file, for as long as the body runs; reading it raises `ContainerError` when it is broken or too large."""
    try:
        raw = path.open("rb")
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
        yield io.BufferedReader(_Content(source, path.stat().st_size, limits, is_packed=packing is not None), buffer_size=2**18)


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
            raise ContainerError("truncated_archive") from None
        except (OSError, zlib.error, zstandard.ZstdError, gzip.BadGzipFile):
            raise ContainerError("broken_archive") from None
        self._seen += len(chunk)
        if self._seen > self._most:
            raise ContainerError("archive_too_large")
        buffer[: len(chunk)] = chunk
        return len(chunk)


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
