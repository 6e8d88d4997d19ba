"""Records of one JSON text: of an array, of a page that holds one, or a single object."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from orchestration.containers import BOM, ContainerError, Limits
from orchestration.ndjson import lines, record_of
from orchestration.records import Record

ARRAY_BYTES = 256 * 2**20
PAGE_KEYS = frozenset({
    "object", "data_ref", "page", "pageSize", "page_size", "pagesize", "total", "totalCount", "total_count", "count", "has_more", "hasMore", "next",
    "previous", "prev", "paging", "pagination", "limit", "offset", "cursor", "next_cursor", "more_starting_after", "meta", "links", "errors",
    "status",
})  # fmt: skip
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Pages:
    """What the pages of a stream look like: the names of their lists, and the keys that make a page a record."""

    names: tuple[str, ...]
    owners: frozenset[str]

    def list_of(self, fields: dict[str, msgspec.Raw]) -> tuple[str, msgspec.Raw] | None:
        """The list a page holds its records in, with its name: where it says so, under a known name, or where all else tells of paging."""
        if self.owners & fields.keys():
            return None
        lists = {key: value for key, value in fields.items() if bytes(value).startswith(b"[")}
        reference = bytes(fields.get("data_ref", b"")).strip(b'"').decode("utf-8", "replace")
        if reference in lists:
            return reference, lists[reference]
        others = {key for key in fields if key not in PAGE_KEYS}
        if len(others) == 1 and others <= lists.keys():
            [name] = others
            return name, lists[name]
        named = [name for name in self.names if name in lists]
        return (named[0], lists[named[0]]) if named and not others - lists.keys() else None

    def said_by(self, name: str) -> str | None:
        """What a page says of its records by the name of their list: nothing where that is one of the stream's own."""
        return None if name in self.names else name


def texts(content: io.BufferedReader, pages: Pages, limits: Limits) -> Iterator[Record]:
    """Records of one JSON text: an array, a page that holds one, or a single object; several texts are lines."""
    text = content.read(ARRAY_BYTES)
    if len(text) == ARRAY_BYTES:
        head = text.removeprefix(BOM).lstrip()[:1]
        yield from _elements_of_stream(text, content, limits) if head == b"[" else lines(io.BufferedReader(_Chain(text, content)), limits)
        return
    text = text.removeprefix(BOM).strip()
    if not text:
        raise ContainerError("empty_file")
    if text.startswith(b"["):
        yield from _numbered(_decoded(_ELEMENTS, text))
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


def _object(text: bytes, pages: Pages, limits: Limits) -> Iterator[Record]:
    try:
        fields = _FIELDS.decode(text)
    except RecursionError:
        fields = {}
    except msgspec.DecodeError as error:
        if "trailing" in str(error) or b"\n{" in text:
            # Several objects in one file: newline-delimited JSON under the name of plain JSON.
            yield from lines(io.BufferedReader(io.BytesIO(text)), limits)  # type: ignore[arg-type]
            return
        raise ContainerError("truncated_json" if "truncated" in str(error) else "broken_json") from None
    page = pages.list_of(fields)
    if page is None:
        yield from _numbered([msgspec.Raw(text)])
    else:
        name, elements = page
        yield from _numbered(_decoded(_ELEMENTS, bytes(elements)), pages.said_by(name))


def _numbered(elements: list[msgspec.Raw], page: str | None = None) -> Iterator[Record]:
    for number, element in enumerate(elements, start=1):
        raw = bytes(element)
        yield record_of(number, raw, raw, page)


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


def _elements_of_stream(start: bytes, content: io.BufferedReader, limits: Limits) -> Iterator[Record]:
    """Elements of an array too large to hold, found by their brackets; each is decoded like any record afterwards."""
    buffer = start.removeprefix(BOM).lstrip()[1:]
    number = level = begin = position = 0
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
                    yield record_of(number, raw, raw)
                begin = position
                if sign == b"]":
                    return
        chunk = content.read(2**22)
        if not chunk or len(buffer) - begin > limits.record_bytes + 2**23:
            raise ContainerError("truncated_json")
        buffer, position, begin = buffer[begin:] + chunk, position - begin, 0
